"""What the store has seen: one small json file beside each finished set of weights.

The record is a lock. It names the source, the files and their sha256, and the size and time at
which each was hashed, so that a second start compares two numbers instead of reading gigabytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from errors import WeightsError
from weights.sources import allowed

NAME = ".weights.json"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as it was when it was last hashed."""

    size: int
    sha256: str
    mtime_ns: int


@dataclass(slots=True)
class Record:
    """The lock of one source; `folder` is where its files lie, relative to the store's root."""

    source: str
    folder: str
    inside: str = ""  # the file or folder that a fetch answers with, relative to `folder`
    commit: str | None = None
    # Which allow-patterns were fetched in full (null: everything). Unused for manifest entries.
    fetched: list[list[str] | None] = field(default_factory=list)
    files: dict[str, Seen] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The record of the folder `home`, or None where nothing was finished yet."""
        try:
            fields = json.loads((home / NAME).read_text(encoding="utf-8"))
            files = {path: Seen(**seen) for path, seen in fields.pop("files").items()}
            return cls(**fields, files=files)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsError(
                f"the record {home / NAME} is damaged: {error}; remove the folder and pull again"
            ) from error

    def write(self, home: Path) -> None:
        """Replace the record of the folder `home` in one step."""
        home.mkdir(parents=True, exist_ok=True)
        fresh = home / f"{NAME}.{os.getpid()}"
        fresh.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        fresh.replace(home / NAME)

    def wants(self, path: str, allow: tuple[str, ...] | None) -> bool:
        """Whether a file is part of the answer to a fetch with these patterns."""
        if path == self.inside:
            return True
        below = f"{self.inside}/" if self.inside else ""
        return path.startswith(below) and allowed(path.removeprefix(below), allow)

    def covers(self, allow: tuple[str, ...] | None) -> bool:
        """Whether a fetch with these patterns has been finished before."""
        return None in self.fetched or (list(allow) if allow is not None else None) in self.fetched


@dataclass(frozen=True, slots=True)
class Finding:
    """How files on disk compare with the hashes that they should have."""

    sound: dict[str, Seen]
    missing: tuple[str, ...]
    changed: dict[str, str]  # path → the hash it has now

    def news(self, record: Record | None) -> bool:
        """Whether a sound file was hashed anew, so that the record should be written again."""
        return record is None or any(record.files.get(p) != seen for p, seen in self.sound.items())


def inspect(
    base: Path, pins: Mapping[str, str], seen: Mapping[str, Seen], *, rehash: bool = False
) -> Finding:
    """Compare the files in `base` with their pins (path → sha256); hash only what moved."""
    sound: dict[str, Seen] = {}
    missing: list[str] = []
    changed: dict[str, str] = {}
    for path, pin in pins.items():
        now = look(base / path, None if rehash else seen.get(path))
        if now is None:
            missing.append(path)
        elif now.sha256 == pin:
            sound[path] = now
        elif path in seen and now.sha256 == seen[path].sha256:
            missing.append(path)  # what an older manifest pinned: unharmed, and to be replaced
        else:
            changed[path] = now.sha256
    return Finding(sound, tuple(missing), changed)


def look(file: Path, seen: Seen | None = None) -> Seen | None:
    """The file as it is now: not read again while size and time are those already seen."""
    try:
        stat = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if seen is not None and (stat.st_size, stat.st_mtime_ns) == (seen.size, seen.mtime_ns):
        return seen
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                digest.update(piece)
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}") from error
    return Seen(stat.st_size, digest.hexdigest(), stat.st_mtime_ns)
