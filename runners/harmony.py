"""Harmony Speech V1: text in somebody's voice to mel frames, and mel frames to sound. 16 kHz, English.

Source: harmony-ai/harmony-speech-v1 on the hub. Whose voice it is, the encoder of the same checkpoint says
(runners/harmony_encoder.py). Each stage is a runner of its own. Nothing is left to chance, so no seed
changes anything, and there are no styles.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from audio import Audio
from errors import InvalidInput, SpeechError, WeightsError
from networks.harmony.config import HOP, RATE, SynthesizerConfig, VocoderConfig
from runners import harmony_files
from runners.pytorch import fitting, place_of
from runners.together import together
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Compose, Embedding, Features, Grid, Knob, Speech, Vocode
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.harmony.synthesizer import Utterance

SPACE = "harmony_v1"
LANGUAGE = "en"
# Of speed, pitch and energy. Slower or faster nobody can listen to; farther from 1 the network knows
# nothing of what it is asked for.
LEAST, MOST = 0.25, 4.0
MELODY = ("pitch", "energy")
LONGEST = 120.0  # seconds of sound of one text, or of one set of features
WARM_UP = "Ready."
WARM_UP_FRAMES = 80


@attrs.frozen
class Options:
    """All that there is to choose is chosen by each request."""


class HarmonySpeechSynthesizer:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.COMPOSE,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "characters"
    batch_budget: ClassVar[float] = 2000.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.harmony.synthesizer import load
        from networks.harmony.text import CHARACTERS

        options_of(Options, settings)
        runs_on = place_of(settings)
        files = harmony_files.SYNTHESIZER.fetch(settings, store)
        with fitting(f"{SPACE}, synthesizer"):
            self._config = SynthesizerConfig.parsed(files.config)
            if self._config.characters != len(CHARACTERS):
                raise WeightsError(
                    f"{SPACE}, synthesizer: it knows {self._config.characters} characters, and its "
                    f"text has {len(CHARACTERS)}"
                )
            self._network = load(self._config, files.weights, runs_on.device, runs_on.dtype)
        self.card = Card(
            languages=(LANGUAGE,), rate=RATE, space=SPACE, dimensions=self._config.voice,
            unit_length=True, knobs=tuple(Knob(name, LEAST, MOST, 1.0) for name in MELODY),
        )  # fmt: skip
        voice = np.full(self._config.voice, self._config.voice**-0.5, dtype=np.float32)
        self.compose([Compose(WARM_UP, Embedding(voice, SPACE))])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return harmony_files.SYNTHESIZER.sources(settings)

    def group(self, job: Compose) -> Hashable:
        return None

    def cost(self, job: Compose) -> float:
        return len(job.text) / max(min(job.speed, 1.0), LEAST)

    def compose(self, jobs: Sequence[Compose]) -> list[Features | SpeechError]:
        return together(jobs, self._read, self._composed)

    def _read(self, job: Compose) -> Utterance | None:
        """What the network shall say; None where nothing is said."""
        from networks.harmony.synthesizer import Utterance
        from networks.harmony.text import ids
        from networks.unreadable import UnreadableText

        for name in ("speed", *MELODY):
            _check_factor(name, getattr(job, name))
        if job.language and job.language.lower().partition("-")[0] != LANGUAGE:
            raise InvalidInput(
                f"unknown language {job.language!r}; this model speaks {LANGUAGE}", param="language"
            )
        voice = _vector(job.voice, self._config.voice)
        with suppress(UnreadableText):
            return Utterance(ids(job.text), voice, job.speed, job.pitch, job.energy)
        return None

    def _composed(self, read: list[Utterance | None]) -> list[Features | SpeechError]:
        said = [utterance for utterance in read if utterance]
        most = round(LONGEST * RATE / HOP)
        mels = iter(self._network.speak(said, most) if said else ())
        silent = np.zeros((self._config.mels, 0), dtype=np.float32)
        return [_features(next(mels)) if one else Features(silent, SPACE) for one in read]


class HarmonySpeechVocoder:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.VOCODE,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 120.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.harmony.vocoder import load

        options_of(Options, settings)
        runs_on = place_of(settings)
        files = harmony_files.VOCODER.fetch(settings, store)
        with fitting(f"{SPACE}, vocoder"):
            self._config = VocoderConfig.parsed(files.config)
            self._network = load(self._config, files.weights, runs_on.device, runs_on.dtype)
        grid = Grid(step=HOP, context=self._network.context * HOP)
        self.card = Card(rate=RATE, space=SPACE, grid=grid)
        mel = np.zeros((self._config.mels, WARM_UP_FRAMES), dtype=np.float32)
        self.vocode([Vocode(Features(mel, SPACE))])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return harmony_files.VOCODER.sources(settings)

    def group(self, job: Vocode) -> Hashable:
        return None

    def cost(self, job: Vocode) -> float:
        frames: int = job.features.mel.shape[-1]
        return frames * HOP / RATE

    def vocode(self, jobs: Sequence[Vocode]) -> list[Speech | SpeechError]:
        return together(jobs, self._checked, self._sung)

    def _checked(self, job: Vocode) -> Tensor:
        import torch

        mel, space = job.features.mel, job.features.space
        if space != SPACE:
            raise InvalidInput(f"the features are {space}'s; this vocoder takes {SPACE}'s")
        if mel.ndim != 2 or len(mel) != self._config.mels or not np.isfinite(mel).all():
            raise InvalidInput(f"the features are not finite numbers in {self._config.mels} bands")
        if self.cost(job) > LONGEST:
            raise InvalidInput(f"{self.cost(job):g} s of sound; {LONGEST:g} are allowed at once")
        return torch.from_numpy(np.array(mel, dtype=np.float32))

    def _sung(self, mels: list[Tensor]) -> list[Speech]:
        heard = iter(self._network.speak([mel for mel in mels if mel.shape[1]]))
        return [
            Speech(Audio(np.array(next(heard).numpy() if mel.shape[1] else (), np.float32), RATE))
            for mel in mels
        ]


def _check_factor(name: str, value: float) -> None:
    if not LEAST <= value <= MOST:
        raise InvalidInput(f"{name} is {value:g}; {LEAST:g} to {MOST:g} are possible", param=name)


def _vector(voice: Embedding, count: int) -> Tensor:
    import torch

    if voice.space != SPACE:
        raise InvalidInput(
            f"the voice is one of {voice.space}; this model speaks in {SPACE}'s", param="voice"
        )
    if voice.vector.shape != (count,) or not np.isfinite(voice.vector).all():
        raise InvalidInput(
            f"the voice is not {count} finite numbers, as {SPACE}'s are", param="voice"
        )
    return torch.from_numpy(np.array(voice.vector, dtype=np.float32))


def _features(mel: Tensor | ValueError) -> Features | SpeechError:
    if isinstance(mel, ValueError):
        return InvalidInput(
            f"this text would last longer than {LONGEST:g} s at once", param="input"
        )
    return Features(np.array(mel.numpy(), dtype=np.float32), SPACE)
