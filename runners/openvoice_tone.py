"""OpenVoice's tone converters, V1 and V2: speech in another's voice, and the tone of a voice. 22.05 kHz, MIT.

Source: myshell-ai/OpenVoice and OpenVoiceV2 on the hub. A converter and its encoder are one checkpoint, of
which the encoder is a fortieth: where both are configured alike the converter serves for both (catalog.py).
A tone is that of one version and means nothing to the other. Any language. Keeps what is said and how;
changes who says it. Writes no watermark.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import attrs
import numpy as np
from pydantic import Field

from audio import Audio, resample, silence
from errors import InvalidInput, SpeechError
from networks.openvoice.config import ConverterConfig
from runners import openvoice_files
from runners.openvoice_files import Files, Place
from runners.pytorch import fitting, place_of, read_weights
from runners.together import seed_of, together
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Convert, Embed, Embedding, Grid, Speech
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.openvoice.converter import Stretch

ENCODER = "ref_enc."  # the names of its weights begin with this
MIRRORED = 2  # frames at either end that hear the sound's own reflection
WARM_UP = 0.5  # seconds
LONGEST = 60.0  # seconds of one job: whoever has more cuts it
EMBEDDING = 0.1  # what a second costs to embed, if to convert it costs 1


@attrs.frozen
class Options:
    tau: Annotated[float, Field(ge=0, le=1)] = 0.3  # how much is left to chance, as published


@attrs.frozen
class NoOptions:
    """There is nothing to choose in telling a voice's tone."""


class _Tones:
    """What converters and encoders share: sounds to tones."""

    space: ClassVar[str]
    place: ClassVar[Place]
    unit: ClassVar[str] = "seconds of sound"  # to convert; to embed is far less
    batch_budget: ClassVar[float] = 32.0  # converting takes 25 to 50 MB a second
    card: Card

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._settings = settings
        self._runs_on = place_of(settings)
        files = openvoice_files.fetch(settings, self.place, store)
        with fitting(self.space):
            self._config = ConverterConfig.parsed(files.config)
            self._load(files)
        self._rate = self._config.sound.rate

    @classmethod
    def sources(cls, settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return openvoice_files.sources(settings, cls.place)

    def group(self, job: Embed | Convert) -> Hashable:
        return None

    def cost(self, job: Embed | Convert) -> float:
        seconds = _sound(job).duration
        return seconds * EMBEDDING if isinstance(job, Embed) else seconds

    def embed(self, jobs: Sequence[Embed]) -> list[Embedding | SpeechError]:
        return together(jobs, self._heard, self._embedded)

    def _heard(self, job: Embed) -> Tensor:
        from networks.vits.spectrogram import least_samples

        sound = resample(_sound(job), self._rate)
        least = least_samples(self._config.sound)
        if len(sound.samples) < least:
            raise InvalidInput(
                f"{sound.duration * 1000:.0f} ms of sound tell no voice; "
                f"at least {least / self._rate * 1000:.0f} ms are needed",
                param="input_audio",
            )
        return self._spectrogram(sound)

    def _embedded(self, specs: list[Tensor]) -> list[Embedding]:
        vectors = self._tones(specs).numpy()
        return [Embedding(vector.copy(), self.space) for vector in vectors]

    def _spectrogram(self, sound: Audio) -> Tensor:
        import torch

        from networks.vits.spectrogram import spectrogram

        samples = torch.from_numpy(np.array(sound.samples, dtype=np.float32))
        return spectrogram(samples.to(self._runs_on.device), self._config.sound)

    def _load(self, files: Files) -> None:
        raise NotImplementedError

    def _tones(self, specs: Sequence[Tensor]) -> Tensor:
        """`[B, gin]` of spectrograms."""
        raise NotImplementedError


class _Encoder(_Tones):
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.EMBED,)
    options: ClassVar[type] = NoOptions

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        super().__init__(settings, store)
        options_of(NoOptions, settings)
        self.card = Card(rate=self._rate, space=self.space, dimensions=self._config.gin)
        self.embed([Embed(silence(WARM_UP, self._rate))])

    def _load(self, files: Files) -> None:
        from networks.openvoice.reference import ReferenceEncoder
        from networks.vits.checkpoint import described, fill

        weights = read_weights(files.checkpoint)
        config = self._config
        network = described(lambda: ReferenceEncoder(config.sound.bins, config.gin))
        fill(
            network,
            {
                name.removeprefix(ENCODER): tensor
                for name, tensor in weights.items()
                if name.startswith(ENCODER)
            },
        )
        self._network = network.to(self._runs_on.device)

    def _tones(self, specs: Sequence[Tensor]) -> Tensor:
        return self._network.tones(specs)


class _Converter(_Tones):
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.CONVERT, Capability.EMBED)
    options: ClassVar[type] = Options

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._options = options_of(Options, settings)
        super().__init__(settings, store)
        hop = self._config.sound.hop
        context = (self._network.context + MIRRORED) * hop
        self.card = Card(
            rate=self._rate,
            space=self.space,
            dimensions=self._config.gin,
            grid=Grid(step=hop, context=context),
        )
        sound = silence(WARM_UP, self._rate)
        (tone,) = self._embedded([self._spectrogram(sound)])
        self.convert([Convert(sound, tone, tone)])

    def convert(self, jobs: Sequence[Convert]) -> list[Speech | SpeechError]:
        return together(jobs, self._stretch, self._converted)

    def _load(self, files: Files) -> None:
        from networks.openvoice.converter import load

        weights = read_weights(files.checkpoint)
        self._network = load(self._config, weights, self._runs_on.device, self._runs_on.dtype)

    def _tones(self, specs: Sequence[Tensor]) -> Tensor:
        return self._network.embed(specs)

    def _stretch(self, job: Convert) -> tuple[Stretch, int]:
        """A row of the batch, and how many samples of it will be sound."""
        from networks.openvoice.converter import Stretch
        from networks.vits.spectrogram import least_samples

        tau = self._options.tau if job.tau is None else job.tau
        if not 0 <= tau <= 1:
            raise InvalidInput(f"tau is {tau}; 0 to 1 are possible", param="tau")
        source, target = self._tone(job.source), self._tone(job.target)
        sound = resample(_sound(job), self._rate)
        hop, count = self._config.sound.hop, len(sound.samples)
        lacking = max(least_samples(self._config.sound) - count, 0)
        padded = Audio(np.pad(sound.samples, (0, lacking)), self._rate)
        seed = seed_of(job.seed, self._settings.seed)
        stretch = Stretch(self._spectrogram(padded), source, target, tau, seed, job.offset // hop)
        return stretch, count // hop * hop

    def _converted(self, rows: list[tuple[Stretch, int]]) -> list[Speech]:
        sounds = self._network.convert([stretch for stretch, _ in rows])
        return [
            Speech(Audio(np.array(sound[:count].numpy(), dtype=np.float32), self._rate))
            for sound, (_, count) in zip(sounds, rows, strict=True)
        ]

    def _tone(self, voice: Embedding) -> Tensor:
        import torch

        if voice.space != self.space:
            raise InvalidInput(
                f"the embedding is one of {voice.space}; this converter takes {self.space}'s"
            )
        if voice.vector.shape != (self._config.gin,) or not np.isfinite(voice.vector).all():
            raise InvalidInput(
                f"the embedding is not {self._config.gin} finite numbers, as {self.space}'s are"
            )
        return torch.from_numpy(np.array(voice.vector, dtype=np.float32))


class _V1:
    space: ClassVar[str] = "openvoice_v1"
    place: ClassVar[Place] = Place("checkpoints/converter")


class _V2:
    space: ClassVar[str] = "openvoice_v2"
    place: ClassVar[Place] = Place("converter")


class OpenVoiceV1ToneConverter(_V1, _Converter): ...


class OpenVoiceV1ToneConverterEncoder(_V1, _Encoder): ...


class OpenVoiceV2ToneConverter(_V2, _Converter): ...


class OpenVoiceV2ToneConverterEncoder(_V2, _Encoder): ...


def _sound(job: Any) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("a converter and its encoder take decoded sound", param="input_audio")
    if job.sound.duration > LONGEST:
        raise InvalidInput(
            f"{job.sound.duration:.0f} s are too long to take at once; {LONGEST:.0f} are possible",
            param="input_audio",
        )
    return job.sound
