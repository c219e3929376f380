"""The Hugging Face hub: one snapshot of a repository, pinned to the commit it resolved to.

    .hub/models--org--name/blobs/<hash>              a file, whole and checked
                           blobs/<hash>.part         the beginning of one: a later fetch goes on there
                           snapshots/<commit>/…      the repository's names for its files: links
                           listings/<commit>.json    what the hub announced of every file

The layout is that of the hub's own cache, so one that was filled elsewhere may be copied here. A
file becomes a blob only if it has the hash that the hub announced for it. The caller sees to it
that one process at a time is at a repository.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from weights.progress import Progress
from weights.remote import Blob, Remote
from weights.room import FULL, check_room, no_room
from weights.sources import Hub, Unserved, allowed

FOLDER = ".hub"
MAIN = "main"  # the branch that a source without a revision means
AT_ONCE = 4  # files of one repository that are fetched side by side
_CHUNK = 1 << 20


def snapshot(
    source: Hub,
    allow: tuple[str, ...] | None,
    *,
    cache: Path,
    commit: str | None,
    offline: bool,
    progress: Progress,
) -> Path:
    """The folder of the repository's snapshot, with the wanted files in it."""
    shelf = Shelf(cache.resolve() / repository(source))
    if offline:
        return _kept(source, allow, shelf, commit)
    remote = Remote(source.repo)
    revision = source.revision or MAIN
    commit = commit or _commit_in(revision) or remote.commit(revision)
    listing = shelf.listing(commit)
    if listing is None:
        listing = shelf.list(commit, remote.listing(commit))
    missing = shelf.missing(commit, _wanted(listing, source.path, allow))
    if missing:
        _bring(missing, shelf, remote, commit, progress, str(source))
    return shelf.snapshot(commit)


def matches(file: Path, sha256: str) -> bool:
    """Whether a cached file is what the hub announced."""
    blob = file.resolve()
    if blob.parent.name != "blobs":
        return True  # a plain copy, of which nothing was announced
    return blob.name == (sha256 if len(blob.name) == 64 else _hash_as(blob.name, blob))


def repository(source: Hub) -> str:
    """The folder of this repository in the hub's cache."""
    return "models--" + source.repo.replace("/", "--")


@attrs.frozen
class Shelf:
    """The cache of one repository."""

    folder: Path

    def snapshot(self, commit: str) -> Path:
        return self.folder / "snapshots" / commit

    def blob(self, blob: Blob) -> Path:
        return self.folder / "blobs" / blob.hash

    def part(self, blob: Blob) -> Path:
        return self.folder / "blobs" / f"{blob.hash}.part"

    def listing(self, commit: str) -> dict[str, Blob] | None:
        """What the hub announced of a commit; None before it was asked."""
        try:
            kept = json.loads(self._list(commit).read_text(encoding="utf-8"))
            return {path: Blob(*blob) for path, blob in kept.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return None

    def list(self, commit: str, listing: dict[str, Blob]) -> dict[str, Blob]:
        """Keep a listing, which without network tells a whole snapshot from the half of one."""
        place = self._list(commit)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".part")
        fresh.write_text(json.dumps({p: attrs.astuple(b) for p, b in listing.items()}))
        fresh.replace(place)
        return listing

    def missing(self, commit: str, wanted: Mapping[str, Blob]) -> dict[str, Blob]:
        """The files that are not there yet; a blob that another commit brought is put in place."""
        missing = {}
        for path, blob in wanted.items():
            if not (self.snapshot(commit) / path).exists():
                if self.blob(blob).exists():
                    self.link(commit, path, blob)
                else:
                    missing[path] = blob
        return missing

    def link(self, commit: str, path: str, blob: Blob) -> None:
        name = self.snapshot(commit) / path
        name.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            name.unlink()  # of a blob that somebody removed
        name.symlink_to(os.path.relpath(self.blob(blob), name.parent))

    def _list(self, commit: str) -> Path:
        return self.folder / "listings" / f"{commit}.json"


def _kept(source: Hub, allow: tuple[str, ...] | None, shelf: Shelf, commit: str | None) -> Path:
    """The snapshot without network, if all that is wanted of it is there."""
    commit = commit or _known_commit(source.revision or MAIN, shelf)
    if commit is None or not shelf.snapshot(commit).is_dir():
        raise Unserved(f"{source} was never fetched, and downloads are turned off (offline)")
    wanted = _wanted(shelf.listing(commit) or {}, source.path, allow)
    missing = [path for path in wanted if not (shelf.snapshot(commit) / path).exists()]
    if missing:
        raise Unserved(
            f"{', '.join(missing[:3])} and {len(missing)} in all were never fetched, and downloads "
            "are turned off (offline)"
        )
    return shelf.snapshot(commit)


def _known_commit(revision: str, shelf: Shelf) -> str | None:
    with suppress(OSError):
        return _commit_in((shelf.folder / "refs" / revision).read_text())  # of a copied cache
    return _commit_in(revision)


def _commit_in(revision: str) -> str | None:
    """The commit that a revision spells out, which nobody has to be asked for."""
    return revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _wanted(
    listing: Mapping[str, Blob], inside: str, allow: tuple[str, ...] | None
) -> dict[str, Blob]:
    below = f"{inside}/" if inside else ""
    return {
        path: blob
        for path, blob in listing.items()
        if path == inside or (path.startswith(below) and allowed(path.removeprefix(below), allow))
    }


def _bring(
    missing: Mapping[str, Blob],
    shelf: Shelf,
    remote: Remote,
    commit: str,
    progress: Progress,
    source: str,
) -> None:
    (shelf.folder / "blobs").mkdir(parents=True, exist_ok=True)
    # Two names may mean one blob: it is fetched once.
    blobs = {blob: path for path, blob in missing.items()}
    needed = sum(blob.size - _size(shelf.part(blob)) for blob in blobs)
    check_room(shelf.folder, needed, source)
    counting = threading.Lock()
    with progress.file(source, needed) as step:

        def count(written: int) -> None:
            with counting:
                step(written)

        def fetch(item: tuple[Blob, str]) -> None:
            blob, path = item
            try:
                _fetch(path, blob, shelf, remote, commit, count)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                # A disk that stays full harms everybody on it.
                shelf.part(blob).unlink(missing_ok=True)
                raise no_room(shelf.folder, needed, source, os.strerror(error.errno)) from error

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(fetch, blobs.items()):
                pass
    for path, blob in missing.items():
        shelf.link(commit, path, blob)


def _fetch(
    path: str,
    blob: Blob,
    shelf: Shelf,
    remote: Remote,
    commit: str,
    count: Callable[[int], None],
) -> None:
    """Bring one blob, from where an earlier attempt stopped."""
    part = shelf.part(blob)
    if _size(part) > blob.size:
        part.unlink()
    began = _size(part)
    while True:
        have = _size(part)
        try:
            with io.BufferedWriter(_Bounded(part, blob.size, count)) as into:
                remote.read(commit, path, blob, into, have)
                into.flush()
                os.fsync(into.fileno())
            break
        except Unserved:
            if _size(part) <= have:
                raise  # else it broke off, and a hub that still sends is asked to go on
    found = _hash_as(blob.hash, part)
    if found == blob.hash:
        part.replace(shelf.blob(blob))
        return
    part.unlink()
    if began:
        # Perhaps the beginning was of something else: once more from the first byte.
        _fetch(path, blob, shelf, remote, commit, count)
        return
    raise Unserved(
        f"{path} is not what the hub announced (hash {found}, announced {blob.hash}) and was thrown "
        "away; pull again, and if it comes again, something on the way changes files"
    )


class _Bounded(io.FileIO):
    """The end of a file that grows to at most `size` bytes, each of them counted."""

    def __init__(self, path: Path, size: int, count: Callable[[int], None]) -> None:
        super().__init__(path, "ab")
        self._room = size
        self._count = count

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > self._room:
            raise Unserved(f"more is sent than the {self._room} bytes that were announced")
        written = super().write(content)
        self._count(written)
        return written


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _hash_as(announced: str, file: Path) -> str:
    """The file's hash of the kind that was announced: sha256, or sha1 as git counts it."""
    if len(announced) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
