"""What a model family provides, and what a pipeline sees of it.

    pipeline ──▶ RunnerHandle ──depends()──▶ runner service ──▶ Batcher ──▶ Model.synthesize(jobs)
                 one job, async              (its own process)               a batch, blocking
                 runners/handle.py           runners/hosting.py

Knows nothing of any family: `catalog.py` hands the class to whoever hosts it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Protocol

from settings import RunnerSettings
from tasks import (
    Activity,
    Analyse,
    Call,
    Capability,
    Card,
    Compose,
    Convert,
    Detect,
    Embed,
    Embedding,
    Features,
    Restore,
    Speak,
    Speech,
    Transcribe,
    Transcript,
    Vocode,
)
from weights import Store

CAPABILITY_OF: dict[type, Capability] = {
    Speak: Capability.SPEAK,
    Transcribe: Capability.TRANSCRIBE,
    Detect: Capability.DETECT,
    Embed: Capability.EMBED,
    Convert: Capability.CONVERT,
    Compose: Capability.COMPOSE,
    Vocode: Capability.VOCODE,
    Restore: Capability.RESTORE,
    Analyse: Capability.ANALYSE,
}


# What a pipeline sees


class Synthesizer(Protocol):
    async def card(self) -> Card: ...
    async def synthesize(self, job: Speak, call: Call) -> Speech: ...


class Transcriber(Protocol):
    async def card(self) -> Card: ...
    async def transcribe(self, job: Transcribe, call: Call) -> Transcript: ...


class Detector(Protocol):
    async def card(self) -> Card: ...
    async def detect(self, job: Detect, call: Call) -> Activity: ...


class Embedder(Protocol):
    async def card(self) -> Card: ...
    async def embed(self, job: Embed, call: Call) -> Embedding: ...


class Converter(Protocol):
    async def card(self) -> Card: ...
    async def convert(self, job: Convert, call: Call) -> Speech: ...


class Composer(Protocol):
    async def card(self) -> Card: ...
    async def compose(self, job: Compose, call: Call) -> Features: ...


class Vocoder(Protocol):
    async def card(self) -> Card: ...
    async def vocode(self, job: Vocode, call: Call) -> Speech: ...


class Restorer(Protocol):
    async def card(self) -> Card: ...
    async def restore(self, job: Restore, call: Call) -> Speech: ...


class Analyser(Protocol):
    async def card(self) -> Card: ...
    async def analyse(self, job: Analyse, call: Call) -> Features: ...


# What a family provides


class Model(Protocol):
    """A loaded model: one method per capability, named by its value, that answers a batch of jobs.

    An exception in a result's place fails that job alone.
    """

    capabilities: ClassVar[tuple[Capability, ...]]
    options: ClassVar[
        type
    ]  # an attrs class: the family's own knobs, checked before anything starts
    unit: ClassVar[str]  # of `cost` and so of the settings' batch_budget
    batch_budget: ClassVar[float]  # the default one
    card: Card

    def __init__(self, settings: RunnerSettings, store: Store) -> None: ...

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        """Every source of weights that the constructor will fetch, with the files it wants of each."""
        ...

    def group(self, job: Any) -> Hashable:
        """Jobs of different groups never share a batch."""
        ...

    def cost(self, job: Any) -> float:
        """The size of a job, which batches are packed by."""
        ...
