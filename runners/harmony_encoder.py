"""Speaker encoders of the GE2E kind: Harmony Speech V1's and Resemblyzer's. 16 kHz, any language.

Sources: harmony-ai/harmony-speech-v1 on the hub; the package Resemblyzer, Apache-2.0. One network in two
sizes with two sets of weights, and so two spaces of voices that mean nothing to each other. Tells speakers
apart; Harmony Speech V1 speaks in the voices of its own. Quiet sound is made louder and pauses are left out
first; a sound in which WebRTC's detector hears nobody is taken as it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import attrs
import numpy as np
from pydantic import Field

from audio import Audio, resample
from errors import InvalidInput, SpeechError
from networks.harmony.config import RATE, EncoderConfig
from runners import harmony_files
from runners.pytorch import fitting, place_of
from runners.together import together
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Embed, Embedding, Likeness
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

SPACE, RESEMBLYZER = "harmony_v1", "resemblyzer"
# For windows of 1.5 s of 29 synthetic voices, Resemblyzer's weights: 5.6 % of the pairs of one voice lie
# below, 3.6 % of those of two voices above. Longer sounds are told better, and lie higher: the same two
# errors meet at 0.79 for 3 s (1.2 %), and at 5 s and more 0.85 to 0.92 makes none.
SAME_SPEAKER = 0.7
# The same for recordings that may have been made in different places, by `scripts/bench speakers`: the
# weights of Resemblyzer, 29 synthetic voices, by themselves, in a room and in noise. At these lengths 7.0,
# 4.5, 3.3 and 3.3 % of the pairs of one voice lie below the threshold, 7.7, 5.3, 4.8 and 4.3 % of those of
# two voices above.
LIKENESS = (
    Likeness(1.5, 0.642, 35.8),
    Likeness(3.0, 0.707, 41.3),
    Likeness(5.0, 0.733, 43.4),
    Likeness(10.0, 0.763, 41.4),
)
WARM_UP = 1.0  # seconds


@attrs.frozen
class Options:
    # Cosine from which windows of 1.5 s are of one speaker. None: as measured with the weights; with those
    # of which nobody has measured it, the encoder is not asked who is who.
    same_speaker: Annotated[float, Field(ge=-1, le=1)] | None = None


class HarmonySpeechEncoder:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.EMBED,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 120.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.harmony import hearing
        from networks.harmony.encoder import load

        options = options_of(Options, settings)
        runs_on = place_of(settings)
        files = harmony_files.ENCODER.fetch(settings, store)
        known, weights = files.config, files.weights
        self._space = RESEMBLYZER if known is None else SPACE
        # Each set of weights hears what it was trained on.
        self._manner = hearing.RESEMBLYZER if known is None else hearing.HARMONY
        with fitting(self._space):
            config = (
                EncoderConfig.told_by(weights) if known is None else EncoderConfig.parsed(known)
            )
            self._network = load(config, weights, runs_on.device)
        measured = SAME_SPEAKER if known is None else None
        same = measured if options.same_speaker is None else options.same_speaker
        self.card = Card(
            rate=RATE, same_speaker=same, likeness=LIKENESS if known is None else (),
            space=self._space, dimensions=config.voice, unit_length=True,
        )  # fmt: skip
        hum = np.sin(np.arange(round(WARM_UP * RATE), dtype=np.float32) * 0.05)
        self.embed([Embed(Audio(hum.astype(np.float32), RATE))])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return harmony_files.ENCODER.sources(settings)

    def group(self, job: Embed) -> Hashable:
        return None

    def cost(self, job: Embed) -> float:
        return _sound(job).duration

    def embed(self, jobs: Sequence[Embed]) -> list[Embedding | SpeechError]:
        return together(jobs, self._heard, self._embedded)

    def _heard(self, job: Embed) -> Tensor:
        """Mel windows of the speech in a sound."""
        from networks.harmony.hearing import NothingHeard, heard

        try:
            return heard(resample(_sound(job), RATE).samples, self._manner)
        except NothingHeard as error:
            raise InvalidInput(f"nobody can be heard: {error}", param="input_audio") from error

    def _embedded(self, clips: list[Tensor]) -> list[Embedding | SpeechError]:
        return [self._told(vector.copy()) for vector in self._network.embed(clips).numpy()]

    def _told(
        self, vector: np.ndarray[tuple[int], np.dtype[np.float32]]
    ) -> Embedding | SpeechError:
        if not np.isfinite(vector).all():  # no number is above 0, so there is no direction
            return InvalidInput("this sound is like no voice", param="input_audio")
        return Embedding(vector, self._space)


def _sound(job: Embed) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("an encoder takes decoded sound", param="input_audio")
    return job.sound
