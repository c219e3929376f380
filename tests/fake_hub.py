"""The Hugging Face hub on a port of this machine: its API, its layout, and its bad days.

    with FakeHub() as hub:
        hub.push("org/name", {"model.onnx": b"…", "config.json": b"{}"})    a commit on main
        … HF_ENDPOINT=hub.url …

Large files are known by their sha256 and are redirected to another host, as the hub does with its CDN;
small ones by git's sha1. Nothing announces xet. What it was asked stands in `asked`.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import attrs

Content = bytes | Path
LARGE = 1 << 16  # bytes from which git lfs keeps a file
PAGE = 40  # files in one page of a listing
_PIECE = 1 << 16


@attrs.frozen
class Asked:
    """One request."""

    method: str
    path: str
    range: str | None = None
    token: str | None = None


@attrs.frozen
class Stored:
    """A file and what the hub says of it."""

    content: Content
    size: int
    large: bool
    hash: str

    @classmethod
    def of(cls, content: Content) -> Stored:
        body = content if isinstance(content, bytes) else content.read_bytes()
        large = len(body) >= LARGE
        digest = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % len(body))
        digest.update(body)
        return cls(content, len(body), large, digest.hexdigest())

    def pieces(self, start: int) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            yield self.content[start:]
            return
        with self.content.open("rb") as file:
            file.seek(start)
            while piece := file.read(_PIECE):
                yield piece


@attrs.define
class Trouble:
    """What goes wrong with one file: each number in `breaks` is where one answer breaks off."""

    breaks: list[int] = attrs.field(factory=list)
    instead: bytes | None = None  # sent in place of what was announced
    deaf: bool = False  # to Range
    hold: threading.Event | None = None  # awaited in the middle of the answer …
    pause: int | None = None  # … or, if a number is given, after so many bytes
    reached: threading.Event = attrs.field(factory=threading.Event)


@attrs.define
class Repository:
    commits: dict[str, dict[str, Stored]] = attrs.field(factory=dict)
    branches: dict[str, str] = attrs.field(factory=dict)
    gated: bool = False
    token: str | None = None  # None: everybody may read


@attrs.define
class FakeHub:
    repositories: dict[str, Repository] = attrs.field(factory=dict)
    troubles: dict[str, Trouble] = attrs.field(factory=dict)  # by path in a repository, or "api"
    asked: list[Asked] = attrs.field(factory=list)
    _server: ThreadingHTTPServer = attrs.field(init=False)
    _thread: threading.Thread = attrs.field(init=False)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for trouble in self.troubles.values():
            if trouble.hold:
                trouble.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def cdn(self) -> str:
        # Another name of this machine is another host to a client that guards its token.
        return f"http://localhost:{self._server.server_port}/cdn"

    def push(
        self,
        repo: str,
        files: Mapping[str, Content],
        branch: str = "main",
        commit: str | None = None,
    ) -> str:
        """Make a commit of these files, of this name if one is given, and the branch point to it."""
        repository = self.repositories.setdefault(repo, Repository())
        stored = {path: Stored.of(content) for path, content in files.items()}
        said = repr([(path, content.hash) for path, content in stored.items()])
        commit = commit or hashlib.sha1(said.encode()).hexdigest()
        repository.commits[commit] = stored
        repository.branches[branch] = commit
        return commit

    def bodies(self, end: str = "") -> list[Asked]:
        """The requests for the bytes of files whose path ends like this."""
        found = [a for a in self.asked if a.method == "GET" and "/resolve/" in a.path]
        return [asked for asked in found if asked.path.endswith(end)]

    def fetched(self) -> list[str]:
        """The paths of the files that were asked for, in alphabetical order."""
        return sorted({re.sub(r".*/resolve/\w+/", "", asked.path) for asked in self.bodies()})


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
            hub.asked.append(Asked(self.command, path, self.headers.get("range"), token))
            if found := re.fullmatch(r"/cdn/([\w.-]+/[\w.-]+)/(\w+)/(.+)", path):
                repo, commit, name = found.groups()
                self._send_file(hub.repositories[repo].commits[commit][name], name)
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/(.+)", path):
                self._api(found[1], found[2], found[3], token)
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self._resolve(found[1], found[2], found[3], token)
            else:
                self._refuse(404, "RepoNotFound")

        do_HEAD = do_GET

        def _api(self, repo: str, what: str, revision: str, token: str | None) -> None:
            if not (repository := self._open(repo, token)):
                return
            if hold := hub.troubles.get("api", Trouble()).hold:
                hold.wait(60)
            commit = repository.branches.get(revision, revision)
            if commit not in repository.commits:
                self._refuse(404, "RevisionNotFound")
            elif what == "revision":
                self._send_json({"id": repo, "sha": commit, "siblings": []})
            else:
                self._send_tree(repo, commit, repository.commits[commit])

        def _send_tree(self, repo: str, commit: str, files: Mapping[str, Stored]) -> None:
            first = int(re.sub(r".*cursor=(\d+).*|.*", r"\1", self.path) or 0)
            page = list(files.items())[first : first + PAGE]
            more = f"{hub.url}/api/models/{repo}/tree/{commit}?recursive=true&cursor={first + PAGE}"
            link = {"Link": f'<{more}>; rel="next"'} if first + PAGE < len(files) else {}
            folders = sorted({path.rpartition("/")[0] for path, _ in page if "/" in path})
            self._send_json(
                [
                    *({"type": "directory", "path": path, "oid": "0" * 40} for path in folders),
                    *(_item(path, stored) for path, stored in page),
                ],
                link,
            )

        def _resolve(self, repo: str, revision: str, path: str, token: str | None) -> None:
            if not (repository := self._open(repo, token, gate=True)):
                return
            commit = repository.branches.get(revision, revision)
            stored = repository.commits.get(commit, {}).get(path)
            about = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
            if stored is None:
                known = commit in repository.commits
                self._refuse(404, "EntryNotFound" if known else "RevisionNotFound")
            elif stored.large:
                self._redirect(stored, about, f"{repo}/{commit}/{path}")
            else:
                self._send_file(stored, path, about)

        def _redirect(self, stored: Stored, about: Mapping[str, str], path: str) -> None:
            headers = {
                **about,
                "Location": f"{hub.cdn}/{path}?signature=secret",
                "X-Linked-Etag": f'"{stored.hash}"',
                "X-Linked-Size": str(stored.size),
            }
            self._begin(302, 0, headers)

        def _open(self, repo: str, token: str | None, gate: bool = False) -> Repository | None:
            """The repository, if the caller may read it; a gate shows its list of files to all."""
            repository = hub.repositories.get(repo)
            allowed = repository and (repository.token in (None, token))
            if repository and (allowed or (repository.gated and not gate)):
                return repository
            gated = repository is not None and repository.gated
            self._refuse(403 if token else 401, "GatedRepo" if gated else "RepoNotFound")
            return None

        def _send_file(
            self, stored: Stored, path: str, about: Mapping[str, str] | None = None
        ) -> None:
            trouble = hub.troubles.get(path, Trouble())
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range") or "")
            start = int(wanted[1]) if wanted and not trouble.deaf else 0
            end = trouble.breaks.pop(0) if trouble.breaks and self.command == "GET" else None
            headers = {**(about or {}), "ETag": f'"{stored.hash}"'}
            if start:
                headers["Content-Range"] = f"bytes {start}-{stored.size - 1}/{stored.size}"
            self._begin(206 if start else 200, stored.size - start, headers)
            if self.command == "HEAD":
                return
            if trouble.instead is not None:
                stored = attrs.evolve(stored, content=trouble.instead)
            self._send_body(stored, start, end, trouble)

        def _send_body(self, stored: Stored, start: int, end: int | None, bad: Trouble) -> None:
            at, pause = start, bad.pause or stored.size // 2
            for whole in stored.pieces(start):
                piece = whole if end is None else whole[: max(end - at, 0)]
                head = max(pause - at, 0) if bad.hold else len(piece)
                self.wfile.write(piece[:head])
                self.wfile.flush()
                if bad.hold and at <= pause < at + len(piece):
                    bad.reached.set()
                    bad.hold.wait(60)
                self.wfile.write(piece[head:])
                at += len(piece)
                if end is not None and at >= end:
                    self.close_connection = True
                    return

        def _send_json(self, tree: Any, headers: Mapping[str, str] | None = None) -> None:
            body = json.dumps(tree).encode()
            self._begin(200, len(body), {"Content-Type": "application/json", **(headers or {})})
            if self.command == "GET":
                self.wfile.write(body)

        def _refuse(self, status: int, code: str) -> None:
            self._begin(status, 0, {"X-Error-Code": code, "X-Error-Message": f"{code} it is"})

        def _begin(self, status: int, length: int, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ValueError):  # the client left, or what it wants is gone
                self.close_connection = True

    return Handler


def _item(path: str, stored: Stored) -> dict[str, Any]:
    item = {"type": "file", "path": path, "size": stored.size, "oid": stored.hash}
    if stored.large:
        lfs = {"oid": stored.hash, "size": stored.size, "pointerSize": 130}
        item |= {"oid": "a" * 40, "lfs": lfs}
    return item
