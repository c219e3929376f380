"""RNNoise 0.2: takes noise away from speech. Source: xiph/rnnoise, BSD-3-Clause, as the package `pyrnnoise`
carries it. 48 kHz, any language.

Only the package's shared library is used, for its Python side wants matplotlib and a second audio stack.
The network and its weights are compiled into it; so of all weights these alone are code, and of these
alone there is a file for each kind of machine. Music is noise to it, and so is a voice far behind another.
A frame of 10 ms takes 0.25 ms of one core; who runs it holds no lock of the interpreter.
"""

from __future__ import annotations

import ctypes
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np

from audio import Audio, Samples, resample
from audio.signal import tame
from errors import InvalidInput, SettingsError, WeightsError
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Restore, Speech
from weights import Store
from weights.sources import Known, Local, parse

RATE = 48000
FRAME = 480  # samples
DELAY = 2 * FRAME  # it hears a frame ahead, and lays each half over the next
FULL_SCALE = 32768.0  # of the samples that it takes
LOUDEST = 16.0  # of ours, as the decoder leaves them

FILE = "librnnoise.*"


@attrs.frozen
class NoOptions:
    """There is nothing to adjust."""


class RNNoise:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.RESTORE,)
    options: ClassVar[type] = NoOptions
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 60.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        options_of(NoOptions, settings)
        _refuse_strangers(settings)
        self._library = _opened(store.fetch(settings.source, allow=(FILE,)))
        self.card = Card(rate=RATE)
        self._cleaned(np.zeros(FRAME, dtype=np.float32))

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {settings.source: (FILE,)}

    def group(self, job: Restore) -> Hashable:
        return None

    def cost(self, job: Restore) -> float:
        return _sound(job).duration

    def restore(self, jobs: Sequence[Restore]) -> list[Speech]:
        return [self._restored(job) for job in jobs]

    def _restored(self, job: Restore) -> Speech:
        sound = resample(_sound(job), RATE)
        return Speech(Audio(self._cleaned(tame(sound.samples, LOUDEST)), RATE))

    def _cleaned(self, samples: Samples) -> Samples:
        """The samples without noise, in their place: what the library holds back is asked for too."""
        frames = -(-(len(samples) + DELAY) // FRAME)
        heard = np.zeros(frames * FRAME, dtype=np.float32)
        heard[: len(samples)] = samples * np.float32(FULL_SCALE)
        made = np.empty_like(heard)
        step = FRAME * heard.itemsize
        with self._state() as state:
            for start in range(0, heard.nbytes, step):
                self._library.rnnoise_process_frame(
                    state, made.ctypes.data + start, heard.ctypes.data + start
                )
        return made[DELAY : DELAY + len(samples)] / np.float32(FULL_SCALE)

    @contextmanager
    def _state(self) -> Iterator[int]:
        """What it remembers of one sound: each has its own, so that none hears another."""
        state = self._library.rnnoise_create(None)
        if not state:
            raise MemoryError("no memory for another sound")
        try:
            yield state
        finally:
            self._library.rnnoise_destroy(state)


def _sound(job: Restore) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("a restorer takes decoded sound", param="file")
    return job.sound


def _refuse_strangers(settings: RunnerSettings) -> None:
    """Code comes from this bundle's own list, where its hash stands, or from the operator."""
    if not isinstance(parse(settings.source), Known | Local):
        raise SettingsError(
            f"{settings.name}: {settings.model} would be code from elsewhere; known here: rnnoise, or a "
            "path to a library of your own"
        )


def _opened(place: Path) -> ctypes.CDLL:
    file = place if place.is_file() else next(iter(sorted(place.glob(FILE))), place)
    try:
        library = ctypes.CDLL(str(file))
        library.rnnoise_create.argtypes = [ctypes.c_void_p]
        library.rnnoise_create.restype = ctypes.c_void_p
        library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        library.rnnoise_destroy.restype = None
        library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
        library.rnnoise_process_frame.restype = ctypes.c_float
        frame = library.rnnoise_get_frame_size()
    except (OSError, AttributeError) as error:
        raise WeightsError(f"{file.name} is no RNNoise that can be loaded here: {error}") from error
    if frame != FRAME:
        raise WeightsError(f"{file.name} takes frames of {frame} samples, not of {FRAME}")
    return library
