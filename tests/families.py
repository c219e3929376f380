"""A family for the live service's tests: it needs no weights and is named in a configuration."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from audio import Audio
from errors import InvalidInput
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Embed, Embedding
from tests.fakes import NoOptions, by_pitch
from weights import Store


class Pitch:
    """Tells voices by their pitch, and takes any two for one."""

    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.EMBED,)
    options: ClassVar[type] = NoOptions
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 60.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        options_of(NoOptions, settings)
        self.card = Card(rate=16000, same_speaker=-1.0)

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {}

    def group(self, job: Embed) -> Hashable:
        return None

    def cost(self, job: Embed) -> float:
        return job.sound.duration if isinstance(job.sound, Audio) else 0.0

    def embed(self, jobs: Sequence[Embed]) -> list[Embedding | InvalidInput]:
        return [by_pitch(job) for job in jobs]
