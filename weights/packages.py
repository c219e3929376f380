"""Wheels and npm tarballs as plain archives: fetched by pip and npm, opened, never run.

pip and npm are used as programs, because they know the site's mirror, proxy and certificates.
No code of a package is imported or executed: source distributions are refused, npm's scripts
are off, and members are read as streams, so no archive can choose where its bytes land.
"""

from __future__ import annotations

import importlib.util
import lzma
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

from weights.progress import Progress, megabytes
from weights.sources import Package, Tarball, Unserved, Wheel

_CHUNK = 1 << 20
# Half an hour: 100 MB through a slow office mirror, and still an end to a dead connection.
_TIMEOUT_S = 1800.0
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
    NotImplementedError,  # zipfile's word for a compression it does not know
)  # fmt: skip


class PackageSource(Protocol):
    """Where archives come from; tests bring their own."""

    def wheel(self, name: str, version: str, into: Path) -> Path:
        """Put the wheel into the empty folder `into`, or raise Unserved."""

    def tarball(self, name: str, version: str, into: Path) -> Path:
        """Put the npm tarball into the empty folder `into`, or raise Unserved."""


class Registries:
    """PyPI and npm, or whatever mirrors pip and npm are configured for on this machine."""

    def __init__(self, progress: Progress, timeout_s: float = _TIMEOUT_S) -> None:
        self._progress = progress
        self._timeout_s = timeout_s

    def wheel(self, name: str, version: str, into: Path) -> Path:
        if importlib.util.find_spec("pip") is None:
            raise Unserved(f"pip, which fetches {name}, is not installed for {sys.executable}")
        quiet = [] if self._progress.interactive else ["--quiet"]
        self._run(
            [
                sys.executable, "-m", "pip", "download", f"{name}=={version}", *quiet,
                "--no-deps", "--ignore-requires-python", "--only-binary=:all:",
                "--no-cache-dir",  # the store is the cache
                "--no-input", "--disable-pip-version-check", "--dest", str(into),
            ],
            f"{name} {version} from PyPI", into,
        )  # fmt: skip
        return self._only(into, "*.whl")

    def tarball(self, name: str, version: str, into: Path) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise Unserved(f"npm, which fetches {name}, is not installed (it comes with Node.js)")
        self._run(
            [
                npm, "pack", f"{name}@{version}", "--pack-destination", str(into),
                "--ignore-scripts", "--loglevel=error", "--update-notifier=false",
                "--cache", str(into / ".npm"),
            ],
            f"{name} {version} from npm", into,
        )  # fmt: skip
        return self._only(into, "*.tgz")

    def _run(self, command: list[str], what: str, into: Path) -> None:
        self._progress.say(f"  downloading {what}")
        try:
            done = subprocess.run(
                command,
                cwd=into,
                stdin=subprocess.DEVNULL,
                stdout=None if self._progress.interactive else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unserved(f"{what} took longer than {self._timeout_s:.0f} s") from error
        except OSError as error:
            raise Unserved(f"{command[0]} cannot be started: {error}") from error
        if done.returncode != 0:
            raise Unserved(f"{what} failed: {_gist(done.stderr.decode(errors='replace'))}")

    def _only(self, into: Path, pattern: str) -> Path:
        found = list(into.glob(pattern))
        if len(found) != 1:
            raise Unserved(f"the download left {len(found)} files like {pattern}, not one")
        self._progress.say(f"  downloaded {found[0].name} {megabytes(found[0].stat().st_size)}")
        return found[0]


class Archive(Protocol):
    """An opened package."""

    def sizes(self) -> dict[str, int]:
        """Every regular file of the package and its unpacked size."""

    def read(self, path: str) -> Iterator[bytes]:
        """The bytes of one file, or Unserved."""


class _Zip:
    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)

    def sizes(self) -> dict[str, int]:
        return {
            info.filename: info.file_size
            for info in self._zip.infolist()
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
        }

    def read(self, path: str) -> Iterator[bytes]:
        if path not in self.sizes():
            raise Unserved(f"holds no file {path}")
        if self._zip.getinfo(path).flag_bits & 1:
            raise Unserved(f"its file {path} is encrypted")
        return _pieces(lambda: self._zip.open(path))


class _Tar:
    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path)  # noqa: SIM115 (lives as long as the fetch)
        # npm puts everything into one folder, mostly but not always named "package".
        self._members = {
            member.name.partition("/")[2]: member
            for member in self._tar.getmembers()
            if member.isreg()
        }

    def sizes(self) -> dict[str, int]:
        return {name: member.size for name, member in self._members.items()}

    def read(self, path: str) -> Iterator[bytes]:
        if path not in self._members:
            raise Unserved(f"holds no file {path}")
        return _pieces(lambda: self._tar.extractfile(self._members[path]))


class Parcels:
    """The archives of one fetch: each is downloaded once, and a failure is remembered too."""

    def __init__(self, packages: PackageSource, folder: Path, *, offline: bool) -> None:
        self._packages = packages
        self._folder = folder
        self._offline = offline
        self._opened: dict[str, Archive] = {}
        self._failed: dict[str, str] = {}

    def open(self, package: Package) -> Archive:
        """The archive that holds this source, or Unserved with the reason."""
        key = str(package).removesuffix(package.path)
        if key in self._failed:
            raise Unserved(self._failed[key])
        if key not in self._opened:
            try:
                self._opened[key] = self._download(package)
            except Unserved as reason:
                self._failed[key] = str(reason)
                raise
        return self._opened[key]

    def _download(self, package: Package) -> Archive:
        if self._offline:
            raise Unserved("not asked: the store is offline")
        into = self._folder / str(len(self._opened) + len(self._failed))
        into.mkdir(parents=True)
        match package:
            case Wheel(name, version):
                return _opened(_Zip, self._packages.wheel(name, version, into))
            case Tarball(name, version):
                return _opened(_Tar, self._packages.tarball(name, version, into))


def _opened(kind: Callable[[Path], Archive], path: Path) -> Archive:
    try:
        return kind(path)
    except _DAMAGED as error:
        raise Unserved(f"the archive is damaged: {error}") from error


def _pieces(open_member: Callable[[], IO[bytes] | None]) -> Iterator[bytes]:
    try:
        member = open_member()
        while member is not None and (piece := member.read(_CHUNK)):
            yield piece
    except _DAMAGED as error:
        raise Unserved(f"the archive is damaged: {error}") from error


def _gist(stderr: str) -> str:
    """The lines a person needs of what pip or npm said."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "err" in line.lower()[:9]]
    return " | ".join((errors or lines)[-3:]) or "it gave no reason"
