"""The pinned default weights: manifest.json read, checked and typed.

    {"silero-vad": {
        "about": "…", "licence": "MIT",
        "also": ["org/name"],                               other spellings of the same weights
        "machines": ["Linux x86_64"],                       where they are of use; left out: anywhere
        "sources": ["pypi:silero-vad==6.2.3/silero_vad/data"],   folders, tried in this order
        "files": [{"path": "silero_vad.onnx", "size": 2327524, "sha256": "1a15…"},
                  {"path": "m.onnx", "size": …, "sha256": "…",
                   "sources": ["pypi:a==1/a/m.onnx",         this file alone lies elsewhere …
                               ["pypi:b==1/b/1", "pypi:c==1/c/2"]]}]}}   … or in parts to join

The hashes are the pin: a source may be a mirror, a moved branch or a stranger, for what it
serves is compared with them.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from errors import WeightsError
from weights.sources import Hub, Known, Local, Tarball, Wheel, allowed, parse, safe

DEFAULT = Path(__file__).with_name("manifest.json")

Origin = Hub | Wheel | Tarball


@dataclass(frozen=True, slots=True)
class File:
    """One pinned file; each option is one way to get it, in one or several parts."""

    path: str
    size: int
    sha256: str
    options: tuple[tuple[Origin, ...], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Weights that belong together and lie in one folder."""

    name: str
    about: str
    licence: str
    also: tuple[str, ...]
    files: tuple[File, ...]
    machines: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether this machine can use them."""
        return not self.machines or f"{platform.system()} {platform.machine()}" in self.machines

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def wanted(self, allow: tuple[str, ...] | None) -> tuple[File, ...]:
        """The files that match, of which there must be one."""
        files = tuple(file for file in self.files if allowed(file.path, allow))
        if not files:
            listed = ", ".join(file.path for file in self.files)
            raise WeightsError(f"{self.name} holds no file like {allow}; it holds {listed}")
        return files


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every entry, found by its name or by another spelling of it."""

    entries: Mapping[str, Entry]

    @classmethod
    def load(cls, path: Path = DEFAULT) -> Self:
        """Read a manifest file."""
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise WeightsError(f"the manifest {path} cannot be read: {error}") from error

    @classmethod
    def of(cls, document: Mapping[str, Mapping[str, Any]]) -> Self:
        """Check and type a manifest; anything unknown or unsafe in it is refused."""
        return cls({name: _entry(name, fields) for name, fields in document.items()})

    def find(self, source: str) -> Entry | None:
        """The entry of this name or other spelling, if there is one; by another spelling one that fits."""
        if source in self.entries:
            return self.entries[source]
        alike = (entry for entry in self.entries.values() if source in entry.also)
        return next((entry for entry in alike if entry.fits), None)


def _entry(name: str, fields: Mapping[str, Any]) -> Entry:
    _keys(name, fields, {"about", "licence", "also", "machines", "sources", "files"})
    if not isinstance(parse(name), Known):
        raise WeightsError(f"the manifest's name {name!r} must be plain: a-z, 0-9, '.', '_', '-'")
    shared = tuple(_origin(name, source) for source in fields.get("sources", ()))
    files = tuple(_file(name, item, shared) for item in fields["files"])
    return Entry(
        name, fields.get("about", ""), fields.get("licence", ""),
        tuple(fields.get("also", ())), files, tuple(fields.get("machines", ())),
    )  # fmt: skip


def _file(name: str, fields: Mapping[str, Any], shared: Sequence[Origin]) -> File:
    _keys(name, fields, {"path", "size", "sha256", "sources"})
    path = safe(fields["path"])
    if not re.fullmatch(r"[0-9a-f]{64}", fields["sha256"]):
        raise WeightsError(f"the manifest's sha256 of {name}/{path} is not 64 hexadecimal digits")
    own = tuple(
        tuple(_origin(name, part) for part in ([option] if isinstance(option, str) else option))
        for option in fields.get("sources", ())
    )
    common = tuple((_inside(source, path),) for source in shared)
    if not (own or common):
        raise WeightsError(f"the manifest names no source for {name}/{path}")
    return File(path, int(fields["size"]), fields["sha256"], own or common)


def _origin(name: str, source: str) -> Origin:
    match parse(source):
        case Known() | Local():
            raise WeightsError(f"the manifest's {name} names {source!r}: not hub, pypi: or npm:")
        case origin:
            return origin


def _inside(folder: Origin, path: str) -> Origin:
    return replace(folder, path=f"{folder.path}/{path}" if folder.path else path)


def _keys(name: str, fields: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(fields) - known:
        raise WeightsError(
            f"the manifest's {name} has unknown keys {sorted(unknown)}; known are {sorted(known)}"
        )
