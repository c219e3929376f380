"""Fetching from the hub, a fake one, on its good days and its bad ones.

Each fetch runs in a process of its own: the hub's library reads its address when it is imported, and a
process can be killed or given little room.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest

from errors import WeightsError
from tests.fake_hub import FakeHub, Repository, Trouble
from weights.room import check_room

ROOT = Path(__file__).resolve().parent.parent
REPO = "org/name"
CHUNK = 10 << 20  # bytes that the hub's library writes at once: what is kept is kept in these
LARGE = random.Random(1).randbytes(CHUNK + CHUNK // 2)  # pseudo-random, so that an offset tells
MODEL, SMALL = b"the weights of a model " * 9999, b'{"rate": 16000}'
FILES: Mapping[str, bytes] = {"model.onnx": MODEL, "config.json": SMALL, "README.md": b"#"}
PATTERNS = ("*.onnx", "*.json")
TOKEN = "hf_aVerySecretToken"
PATIENCE = 60.0

CHILD = """
import json, resource, sys
from pathlib import Path
from errors import WeightsError
from weights import Console, Manifest, Store

asked = json.loads(sys.argv[1])
if asked["room"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["room"], asked["room"]))
store = Store(
    Path(asked["root"]), manifest=Manifest.of({}), offline=asked["offline"], progress=Console()
)
try:
    if asked["verb"] == "verify":
        print(store.verify(asked["source"]).state)
    elif asked["verb"] == "remove":
        store.remove(asked["source"])
    else:
        print(store.fetch(asked["source"], allow=asked["allow"]))
except WeightsError as error:
    sys.exit(str(error))
"""


@attrs.frozen
class Site:
    """A machine with a store on it, from which the hub is asked."""

    hub: FakeHub
    root: Path

    def start(
        self,
        source: str = REPO,
        *,
        verb: str = "fetch",
        allow: Sequence[str] | None = PATTERNS,
        offline: bool = False,
        room: int = 0,
        **environment: str,
    ) -> subprocess.Popen[str]:
        asked = {
            "source": source, "verb": verb, "allow": allow, "offline": offline, "room": room,
            "root": str(self.root),
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(asked)],
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_ENDPOINT": self.hub.url,
                "HF_HOME": str(self.root.parent / "hf"), **environment,
            },
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, source: str = REPO, **options: object) -> tuple[str, str]:
        """What a fetch printed and what it complained of."""
        return finished(self.start(source, **options))  # type: ignore[arg-type]

    def fetch(self, source: str = REPO, **options: object) -> Path:
        said, complaint = self.ask(source, **options)
        assert said, complaint
        return Path(said)

    def refused(self, source: str = REPO, **options: object) -> str:
        said, complaint = self.ask(source, **options)
        assert said == "", said
        # A refusal is told, in words; anything else is a crash.
        assert "Traceback" not in complaint
        return complaint

    def blobs(self) -> list[str]:
        """What lies among the whole files, and among the begun ones."""
        return sorted(path.name for path in self.root.glob(".hub/*/blobs/*"))


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    said, complaint = process.communicate(timeout=PATIENCE)
    return said.strip(), complaint


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.push(REPO, FILES)
        yield hub


@pytest.fixture
def site(hub: FakeHub, tmp_path: Path) -> Site:
    return Site(hub, tmp_path / "weights")


# -- what is fetched, and that it stays ----------------------------------------------------------


def test_a_snapshot_is_pinned_to_its_commit_and_recorded(site: Site) -> None:
    folder = site.fetch()
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert (folder / "config.json").read_bytes() == SMALL
    assert site.hub.fetched() == ["config.json", "model.onnx"]
    commit = site.hub.repositories[REPO].branches["main"]
    (record,) = site.root.glob("*/.weights.json")
    assert folder.name == json.loads(record.read_text())["commit"] == commit
    asked = len(site.hub.asked)
    assert site.fetch() == site.fetch(offline=True) == folder
    assert len(site.hub.asked) == asked
    assert site.ask(verb="verify")[0] == "ready"
    (folder / "model.onnx").resolve().write_bytes(MODEL[::-1])
    assert "not the ones that were pinned" in site.refused()
    site.ask(verb="remove")
    assert not list(site.root.rglob("model.onnx"))
    assert site.blobs() == []


def test_a_branch_that_moved_is_not_followed(site: Site) -> None:
    before = site.fetch(allow=["config.json"])
    site.hub.push(REPO, {"model.onnx": MODEL[::-1], "config.json": b"{}"})
    # Files that were not fetched at first are still those of the first commit.
    assert site.fetch() == before
    assert (before / "model.onnx").read_bytes() == MODEL


def test_another_revision_is_other_files_and_shares_what_is_the_same(site: Site) -> None:
    site.hub.push(REPO, {"model.onnx": MODEL, "config.json": b"{}"}, branch="v2")
    commit = site.hub.push(REPO, {"model.onnx": MODEL, "config.json": b"[]"}, branch="v3")
    main, tagged, pinned = site.fetch(), site.fetch(f"{REPO}@v2"), site.fetch(f"{REPO}@{commit}")
    configs = [(folder / "config.json").read_bytes() for folder in (main, tagged, pinned)]
    assert configs == [SMALL, b"{}", b"[]"]
    assert len(site.hub.bodies("model.onnx")) == 1
    assert not any("revision" in a.path and commit in a.path for a in site.hub.asked)
    # Of two that share a file, one can be removed.
    site.ask(f"{REPO}@v2", verb="remove")
    assert (main / "model.onnx").read_bytes() == MODEL


def test_a_path_inside_a_repository_brings_that_path_alone(site: Site) -> None:
    voices = {f"en/{name}/{name}.{kind}": SMALL for name in ("ann", "joe") for kind in ("a", "b")}
    site.hub.push("org/voices", voices)
    folder = site.fetch("org/voices/en/joe", allow=["*.a"])
    assert [file.name for file in folder.iterdir()] == ["joe.a"]
    assert site.hub.fetched() == ["en/joe/joe.a"]
    assert site.fetch("org/voices/en/ann/ann.b", allow=None).read_bytes() == SMALL


def test_a_listing_of_several_pages_is_read_to_its_end(site: Site) -> None:
    site.hub.push("org/many", {f"{number:03}.json": SMALL for number in range(95)})
    assert len(list(site.fetch("org/many").iterdir())) == 95


@pytest.mark.parametrize("allow", [["*.bin"], []])
def test_nothing_that_is_wanted_is_said_so(site: Site, allow: list[str]) -> None:
    assert "holds no file" in site.refused(allow=allow)


# -- interrupted ---------------------------------------------------------------------------------


def ranges(site: Site) -> list[int]:
    """Where each request for the large file began."""
    asked = site.hub.bodies("large.bin")
    return [int((a.range or "bytes=0-").removeprefix("bytes=").rstrip("-")) for a in asked]


def test_a_connection_that_breaks_goes_on_where_it_broke(site: Site) -> None:
    site.hub.push(REPO, {"large.bin": LARGE})
    site.hub.troubles["large.bin"] = Trouble(breaks=[CHUNK + 1000])
    assert (site.fetch(allow=None) / "large.bin").read_bytes() == LARGE
    assert ranges(site) == [0, CHUNK]


def test_a_killed_fetch_goes_on_where_it_was_killed(site: Site) -> None:
    site.hub.push(REPO, {"large.bin": LARGE})
    trouble = site.hub.troubles["large.bin"] = Trouble(pause=CHUNK + 1000, hold=threading.Event())
    process = site.start(allow=None)
    (blob,) = wait_for(site, CHUNK)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert blob.endswith(".part")
    assert not list(site.root.rglob("large.bin"))
    assert trouble.hold is not None
    trouble.hold.set()
    assert (site.fetch(allow=None) / "large.bin").read_bytes() == LARGE
    assert ranges(site) == [0, CHUNK]
    assert [name for name in site.blobs() if name.endswith(".part")] == []


def test_what_was_begun_can_be_removed(site: Site) -> None:
    site.hub.push(REPO, {"large.bin": LARGE})
    site.hub.troubles["large.bin"] = Trouble(pause=CHUNK + 1000, hold=threading.Event())
    process = site.start(allow=None)
    wait_for(site, CHUNK)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert site.ask(verb="remove") == ("", "")
    assert site.blobs() == []


def test_a_hub_that_cannot_go_on_sends_all_again(site: Site) -> None:
    site.hub.push(REPO, {"large.bin": LARGE})
    site.hub.troubles["large.bin"] = Trouble(breaks=[CHUNK + 1000], deaf=True)
    assert (site.fetch(allow=None) / "large.bin").read_bytes() == LARGE


@pytest.mark.parametrize("found", [b"something else", LARGE + b"too long", LARGE[::-1]])
def test_a_beginning_of_something_else_is_thrown_away(site: Site, found: bytes) -> None:
    commit = site.hub.push(REPO, {"large.bin": LARGE})
    blob = site.hub.repositories[REPO].commits[commit]["large.bin"].hash
    folder = site.root / ".hub/models--org--name/blobs"
    folder.mkdir(parents=True)
    (folder / f"{blob}.part").write_bytes(found)
    assert (site.fetch(allow=None) / "large.bin").read_bytes() == LARGE


def wait_for(site: Site, size: int) -> list[str]:
    """The blobs, once one of them has reached a size."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if any(p.stat().st_size >= size for p in site.root.glob(".hub/*/blobs/*")):
            return site.blobs()
        pause.wait(0.05)
    raise AssertionError(f"nothing of {size} bytes: {site.blobs()}")


# -- wrong, too much, at the same time -----------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "instead"), [("model.onnx", MODEL[::-1]), ("config.json", SMALL[::-1])]
)
def test_a_file_that_is_not_what_the_hub_announced_is_refused(
    site: Site, path: str, instead: bytes
) -> None:
    site.hub.troubles[path] = Trouble(instead=instead)
    complaint = site.refused()
    assert f"{path} is not what the hub announced" in complaint
    assert "pull again" in complaint
    assert not list(site.root.glob("*/.weights.json"))
    assert not list(site.root.rglob(path))
    del site.hub.troubles[path]
    assert (site.fetch() / path).read_bytes() == FILES[path]


def test_of_several_processes_one_downloads_and_all_are_served(site: Site) -> None:
    trouble = site.hub.troubles["model.onnx"] = Trouble(hold=threading.Event())
    # By path, by name and by name again: three fetches, two sources, one repository.
    sources = (REPO, REPO, f"{REPO}@main")
    processes = [site.start(source) for source in sources]
    assert trouble.reached.wait(PATIENCE)
    assert trouble.hold is not None
    trouble.hold.set()
    folders = {finished(process)[0] for process in processes}
    assert len(folders) == 1
    assert (Path(folders.pop()) / "model.onnx").read_bytes() == MODEL
    assert len(site.hub.bodies("model.onnx")) == len(site.hub.bodies("config.json")) == 1


def test_a_disk_that_fills_up_is_told_with_what_is_needed(site: Site) -> None:
    complaint = site.refused(room=50_000)
    assert "the disk is full: org/name needs 0.2 MB more below" in complaint
    assert "free space there" in complaint
    assert not list(site.root.rglob("model.onnx"))
    assert not any(name.endswith(".part") for name in site.blobs())
    assert (site.fetch() / "model.onnx").read_bytes() == MODEL


def test_what_cannot_fit_is_not_begun(site: Site) -> None:
    commit = site.hub.repositories[REPO].branches["main"]
    files = site.hub.repositories[REPO].commits[commit]
    files["model.onnx"] = attrs.evolve(files["model.onnx"], size=10**15)
    complaint = site.refused()
    assert "the disk is full: org/name needs 1000000000.0 MB more" in complaint
    assert "are free there" in complaint
    assert site.hub.bodies() == []


def test_room_that_is_there_is_not_refused(tmp_path: Path) -> None:
    check_room(tmp_path, 1, "org/name")
    with pytest.raises(WeightsError, match=r"org/name needs 1000000000\.0 MB more"):
        check_room(tmp_path, 10**15, "org/name")


# -- without network -----------------------------------------------------------------------------


def test_offline_what_was_fetched_is_served_and_the_rest_is_named(site: Site) -> None:
    folder = site.fetch(allow=["*.json"])
    asked = len(site.hub.asked)
    assert site.fetch(allow=["*.json"], offline=True) == folder
    assert "model.onnx" in (complaint := site.refused(offline=True))
    assert "never fetched" in complaint
    assert "offline" in complaint
    assert "was never fetched" in site.refused("org/other", offline=True)
    assert len(site.hub.asked) == asked


def test_a_hub_that_is_gone_hinders_nobody_who_has_all(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.push(REPO, FILES)
        site = Site(hub, tmp_path / "weights")
        folder = site.fetch(allow=["*.json"])
    assert site.fetch(allow=["*.json"]) == folder
    complaint = site.refused()
    assert "the weights org/name cannot be fetched" in complaint
    assert "127.0.0.1" in complaint
    assert "scripts/models pull org/name" in complaint


def test_a_cache_of_the_hub_s_own_tools_may_be_copied_here(site: Site) -> None:
    cache = site.root / ".hub/models--org--name"
    commit = site.hub.repositories[REPO].branches["main"]
    for folder in ("refs", f"snapshots/{commit}"):
        (cache / folder).mkdir(parents=True)
    (cache / "refs/main").write_text(commit)
    (cache / "snapshots" / commit / "config.json").write_bytes(SMALL)
    assert (site.fetch(offline=True) / "config.json").read_bytes() == SMALL


# -- refusals ------------------------------------------------------------------------------------


def closed(hub: FakeHub, repo: str, *, gated: bool) -> None:
    hub.push(repo, FILES)
    repository = hub.repositories[repo]
    hub.repositories[repo] = attrs.evolve(repository, gated=gated, token=TOKEN)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("org/nobody", "shows no repository org/nobody"),
        ("org/private", "HF_TOKEN"),
        ("org/gated", "org/gated is gated: accept its terms"),
        (f"{REPO}@v9", "org/name has no revision v9"),
        (f"{REPO}@{'d' * 40}", f"org/name has no revision {'d' * 40}"),
    ],
)
def test_a_refusal_of_the_hub_says_what_to_do(site: Site, source: str, said: str) -> None:
    closed(site.hub, "org/private", gated=False)
    closed(site.hub, "org/gated", gated=True)
    assert said in site.refused(source)


@pytest.mark.parametrize("gated", [True, False])
def test_a_token_opens_a_repository_and_is_told_to_nobody_else(site: Site, gated: bool) -> None:
    closed(site.hub, "org/closed", gated=gated)
    said, complaint = site.ask("org/closed", HF_TOKEN=TOKEN)
    assert (Path(said) / "model.onnx").read_bytes() == MODEL
    assert TOKEN not in said + complaint
    assert {a.token for a in site.hub.asked if a.path.startswith("/cdn/")} == {None}
    assert {a.token for a in site.hub.asked if not a.path.startswith("/cdn/")} == {TOKEN}
    assert not any(TOKEN.encode() in f.read_bytes() for f in site.root.rglob("*") if f.is_file())


def test_a_wrong_token_is_not_shown(site: Site) -> None:
    closed(site.hub, "org/closed", gated=False)
    complaint = site.refused("org/closed", HF_TOKEN="hf_wrongButSecret")
    assert "HF_TOKEN" in complaint
    assert "hf_wrongButSecret" not in complaint


def test_an_address_with_a_signature_is_not_shown(site: Site) -> None:
    site.hub.troubles["model.onnx"] = Trouble(breaks=[0] * 20)
    complaint = site.refused(HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert "127.0.0.1" in complaint
    assert "signature" not in complaint


def test_a_hub_that_hangs_is_given_up(site: Site) -> None:
    site.hub.troubles["api"] = Trouble(hold=threading.Event())
    assert "is out of reach" in site.refused(HF_HUB_ETAG_TIMEOUT="1")


def test_a_download_that_stalls_is_taken_up_again(site: Site) -> None:
    trouble = site.hub.troubles["model.onnx"] = Trouble(hold=threading.Event())
    process = site.start(HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert trouble.reached.wait(PATIENCE)
    while len(site.hub.bodies("model.onnx")) < 2:
        assert process.poll() is None
        threading.Event().wait(0.05)
    assert trouble.hold is not None
    trouble.hold.set()
    said, complaint = finished(process)
    assert (Path(said) / "model.onnx").read_bytes() == MODEL, complaint


@pytest.mark.parametrize("path", ["../../outside", "/outside", "a/../../outside"])
def test_a_listing_cannot_lead_out_of_the_store(site: Site, path: str) -> None:
    site.hub.push(REPO, {path: SMALL})
    assert "answers like no hub" in site.refused(allow=None)
    assert not list(site.root.parent.rglob("outside"))


def test_a_server_that_is_no_hub_is_refused(site: Site) -> None:
    site.hub.repositories[REPO] = Repository({"../up": {}}, {"main": "../up"})
    assert "answers like no hub" in site.refused()
