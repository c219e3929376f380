"""Harmony Speech V1's checkpoints as the hub has them, and Resemblyzer's, which has the same encoder.

    harmony-ai/harmony-speech-v1    encoder/ synthesizer/ vocoder/, each with a config.json and a .pt
    resemblyzer                     pretrained.pt, and no config

A folder of one's own may have the first layout, or be one of its folders itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from errors import WeightsError
from runners.pytorch import read_config, read_weights
from settings import RunnerSettings
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

CONFIG = "config.json"
RESEMBLYZER = "pretrained.pt"

Patterns = tuple[str, ...]


@attrs.frozen
class Place:
    """Where a network's files are: the folder, which its checkpoint bears the name of, too."""

    name: str
    packed: tuple[str, ...]  # the entries of the checkpoint that its weights are under
    bare: str | None = None  # a checkpoint of the same network that comes without a config

    @property
    def checkpoints(self) -> Patterns:
        return (f"{self.name}.safetensors", f"{self.name}.pt")

    @property
    def patterns(self) -> Patterns:
        names = (CONFIG, *self.checkpoints)
        inside = tuple(f"{self.name}/{name}" for name in names)
        return (*inside, *names, self.bare) if self.bare else (*inside, *names)

    def sources(self, settings: RunnerSettings) -> dict[str, Patterns | None]:
        """What `scripts/models pull` is told."""
        return {settings.source: self.patterns}

    def fetch(self, settings: RunnerSettings, store: Store) -> Files:
        """The files of the network, verified."""
        folder = store.fetch(settings.source, allow=self.patterns)
        inside = folder / self.name
        return Files(inside if (inside / CONFIG).is_file() else folder, self)


@attrs.frozen
class Files:
    """What was fetched of a network."""

    folder: Path
    place: Place

    @property
    def config(self) -> Any:
        """Of its config.json; None of a checkpoint that comes without."""
        return None if self._is_bare else read_config(self.folder / CONFIG)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        if self._is_bare:
            return read_weights(self.folder / str(self.place.bare), self.place.packed)
        found = [file for name in self.place.checkpoints if (file := self.folder / name).is_file()]
        if not found:
            known = " nor ".join(self.place.checkpoints)
            raise WeightsError(f"there is neither {known} among the weights")
        return read_weights(found[0], self.place.packed)

    @property
    def _is_bare(self) -> bool:
        """Whether only the checkpoint without a config is there."""
        bare = self.place.bare
        return (
            bool(bare)
            and (self.folder / str(bare)).is_file()
            and not (self.folder / CONFIG).is_file()
        )


ENCODER = Place("encoder", ("model_state",), RESEMBLYZER)
SYNTHESIZER = Place("synthesizer", ("model_state",))
VOCODER = Place("vocoder", ("model", "generator"))
