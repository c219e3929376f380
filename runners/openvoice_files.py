"""Checkpoints of OpenVoice V1 and V2 as the hub has them: which files, in which folder, at which revision.

    myshell-ai/OpenVoice      checkpoints/base_speakers/{EN,ZH}/   synthesizers and their tones
                              checkpoints/converter/
    myshell-ai/OpenVoiceV2    converter/

A folder of one's own may have this layout, or be one of these folders itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from errors import WeightsError
from runners.pytorch import read_config
from settings import RunnerSettings
from weights import Store

CONFIG, CHECKPOINTS = "config.json", ("checkpoint.safetensors", "checkpoint.pth")
# The hub finds a repository however it is spelled, ours are told apart by case: one spelling, one copy.
# V2 was seen at this commit; of V1 none is known, so the first fetch decides.
PUBLISHED = {
    "myshell-ai/openvoice": ("myshell-ai/OpenVoice", None),
    "myshell-ai/openvoicev2": (
        "myshell-ai/OpenVoiceV2", "f36e7edfe1684461a8343844af60babc2efbb727",
    ),
}  # fmt: skip

Patterns = tuple[str, ...]


@attrs.frozen
class Place:
    """The folder of a repository that a model reads, and the files in it besides config and weights."""

    path: str
    others: tuple[str, ...] = ()

    @property
    def patterns(self) -> Patterns:
        names = (CONFIG, *CHECKPOINTS, *self.others)
        return (*(f"{self.path}/{name}" for name in names), *names)


@attrs.frozen
class Files:
    """What was fetched for a model."""

    folder: Path

    @property
    def config(self) -> Any:
        return read_config(self.folder / CONFIG)

    @property
    def checkpoint(self) -> Path:
        found = [self.folder / name for name in CHECKPOINTS if (self.folder / name).is_file()]
        if not found:
            raise WeightsError(f"there is neither {' nor '.join(CHECKPOINTS)} among the weights")
        return found[0]


def sources(settings: RunnerSettings, place: Place) -> dict[str, Patterns | None]:
    """What `scripts/models pull` is told."""
    return {source_of(settings): place.patterns}


def fetch(settings: RunnerSettings, place: Place, store: Store) -> Files:
    """The files of a model, verified."""
    folder = store.fetch(source_of(settings), allow=place.patterns)
    inside = folder / place.path
    return Files(inside if (inside / CONFIG).is_file() else folder)


def source_of(settings: RunnerSettings) -> str:
    """The configured source; a published repository by its own spelling and at its known commit."""
    name, at, revision = settings.source.partition("@")
    if name.lower() not in PUBLISHED:
        return settings.source
    name, known = PUBLISHED[name.lower()]
    revision = revision if at else known or ""
    return f"{name}@{revision}" if revision else name
