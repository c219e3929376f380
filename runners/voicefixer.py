"""VoiceFixer: damaged speech (noise, clipping, missing bands, echo) to what it should have been. 44.1 kHz.

Source: jlmarrugom/voice_fixer on the hub, whose code is haoheliu/voicefixer, MIT. Two networks, each a
runner of its own: a restorer hears a sound as the mel that it should have had, a vocoder makes sound of that.
It says anew what it heard: the sound is as long, and as loud as the mel says.

Modes: 0 is the usual one; 1 takes the high end away first, for sounds in which it is only noise; 2 goes by
the statistics of the sound itself and leaves some to chance, which helps now and then where 0 fails.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from audio import Audio, resample
from errors import InvalidInput, SpeechError
from networks.voicefixer.sizes import BANDS, HOP, RATE
from runners.pytorch import fitting, place_of, read_weights
from runners.together import alike, seed_of, together
from settings import RunnerSettings, options_of
from tasks import Analyse, Capability, Card, Features, Grid, Speech, Vocode
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.voicefixer.restorer import Chance

SPACE = "voicefixer"
MODES = USUAL, LOW_PASSED, BY_CHANCE = (0, 1, 2)
LONGEST = 60.0  # seconds at once: the restorer wants 20 MB for each, the vocoder 25
WARM_UP = 1.0  # seconds
# Frames that the restorer's lowest level sees as one. Parts that begin with one of these differ by 0.01 in
# the logarithm of their mels where they overlap, a second from their ends; others by 0.06, however far.
STEP = 64
CONTEXT = 1.2  # seconds

# As they are published; the first folder is where the original keeps its own.
RESTORER = ("vf.safetensors", "vf.ckpt", "analysis_module/checkpoints/vf.ckpt")
VOCODER = (
    "model.ckpt-1490000_trimed.safetensors",
    "model.ckpt-1490000_trimed.pt",
    "synthesis_module/44100/model.ckpt-1490000_trimed.pt",
)
PACKED = ("generator",)  # the entry of the vocoder's file that its weights are under


@attrs.frozen
class Options:
    """All that there is to choose is chosen by each request."""


class VoiceFixerRestorer:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.ANALYSE,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 20.0  # on a CPU a batch would only keep the first waiting

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.voicefixer.restorer import load

        options_of(Options, settings)
        runs_on = place_of(settings)
        self._seed = settings.seed
        with fitting(f"{SPACE}, restorer"):
            weights = read_weights(_file(settings, store, RESTORER), ())
            self._network = load(weights, runs_on.device, runs_on.dtype)
        grid = Grid(step=STEP * HOP, context=round(CONTEXT * RATE))
        self.card = Card(rate=RATE, space=SPACE, grid=grid, modes=len(MODES))
        self.analyse([Analyse(Audio(np.zeros(round(WARM_UP * RATE), dtype=np.float32), RATE))])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {settings.source: RESTORER}

    def group(self, job: Analyse) -> Hashable:
        """Frames hear each other everywhere, so only sounds of one length are no padding to each other."""
        sound = _sound(job)
        return len(sound.samples), sound.rate, job.mode

    def cost(self, job: Analyse) -> float:
        return _sound(job).duration

    def analyse(self, jobs: Sequence[Analyse]) -> list[Features | SpeechError]:
        return together(jobs, self._heard, self._restored)

    def _heard(self, job: Analyse) -> tuple[Tensor, Chance | None]:
        """The mel of a damaged sound, and the chance that mode 2 leaves it to."""
        import torch

        from networks.voicefixer import hearing
        from networks.voicefixer.restorer import Chance

        if job.mode not in MODES:
            raise InvalidInput(
                f"mode is {job.mode}; {', '.join(map(str, MODES))} are possible", param="mode"
            )
        _check_length(self.cost(job))
        samples = torch.from_numpy(np.array(resample(_sound(job), RATE).samples))
        if job.mode == LOW_PASSED:
            samples = hearing.low_passed(samples)
        chance = Chance(seed_of(job.seed, self._seed)) if job.mode == BY_CHANCE else None
        return hearing.mel(samples.to(self._network.device)), chance

    def _restored(self, heard: list[tuple[Tensor, Chance | None]]) -> list[Features]:
        made: dict[int, Features] = {}
        cpu = self._network.device.type == "cpu"  # is as fast with one after the other
        for places in alike([n if cpu else (len(m), not c) for n, (m, c) in enumerate(heard)]):
            mels = [heard[place][0] for place in places]
            chances = [chance for place in places if (chance := heard[place][1])]
            for place, mel in zip(places, self._network.restore(mels, chances), strict=True):
                made[place] = Features(np.ascontiguousarray(mel.numpy().T), SPACE)
        return [made[place] for place in range(len(heard))]


class VoiceFixerVocoder:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.VOCODE,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 20.0  # on a CPU a batch would only keep the first waiting

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.voicefixer.vocoder import load

        options_of(Options, settings)
        runs_on = place_of(settings)
        with fitting(f"{SPACE}, vocoder"):
            weights = read_weights(_file(settings, store, VOCODER), PACKED)
            self._network = load(weights, runs_on.device, runs_on.dtype)
        grid = Grid(step=HOP, context=self._network.context * HOP)
        self.card = Card(rate=RATE, space=SPACE, grid=grid)
        mel = np.zeros((BANDS, round(WARM_UP * RATE / HOP)), dtype=np.float32)
        self.vocode([Vocode(Features(mel, SPACE))])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {settings.source: VOCODER}

    def group(self, job: Vocode) -> Hashable:
        """A frame hears hundreds of others, so only mels of one length are no padding to each other."""
        return job.features.mel.shape

    def cost(self, job: Vocode) -> float:
        frames: int = job.features.mel.shape[-1]
        return frames * HOP / RATE

    def vocode(self, jobs: Sequence[Vocode]) -> list[Speech | SpeechError]:
        """Sounds that are 4 or 5 frames longer than their features: what rings on after them."""
        return together(jobs, self._checked, self._sung)

    def _checked(self, job: Vocode) -> Tensor:
        import torch

        mel, space = job.features.mel, job.features.space
        if space != SPACE:
            raise InvalidInput(f"the features are {space}'s; this vocoder takes {SPACE}'s")
        if mel.ndim != 2 or len(mel) != BANDS or not np.isfinite(mel).all():
            raise InvalidInput(f"the features are not finite numbers in {BANDS} bands")
        _check_length(self.cost(job))
        return torch.from_numpy(np.array(mel.T, dtype=np.float32))

    def _sung(self, mels: list[Tensor]) -> list[Speech]:
        made: dict[int, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
        for places in alike([len(mel) for mel in mels]):
            if len(mels[places[0]]):
                sounds = self._network.speak([mels[place] for place in places])
                made.update({p: np.array(s.numpy()) for p, s in zip(places, sounds, strict=True)})
        silent = np.zeros(0, dtype=np.float32)
        return [Speech(Audio(made.get(place, silent), RATE)) for place in range(len(mels))]


def _sound(job: Analyse) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("a restorer takes decoded sound", param="input_audio")
    return job.sound


def _check_length(seconds: float) -> None:
    if seconds > LONGEST:
        raise InvalidInput(f"{seconds:g} s of sound; {LONGEST:g} are possible at once")


def _file(settings: RunnerSettings, store: Store, names: tuple[str, ...]) -> Path:
    place = store.fetch(settings.source, allow=names)
    if place.is_file():
        return place
    # The store has seen to it that one of them is there.
    return next(file for name in names if (file := place / name).is_file())
