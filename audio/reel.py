"""A whole sound that is written once and read again and again: a long one waits on disk, not in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Self

import numpy as np

from audio.resample import Resampler
from audio.signal import Audio, in_blocks

IN_MEMORY = 8 << 20  # bytes, 44 s at 48 kHz; what is longer goes to disk
BLOCK = 1.0  # seconds that are read at once


class Reel:
    """Satisfies Recording. It may be read from several threads, once all is recorded."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.count = 0
        self._told = hashlib.sha256(f"{rate} Hz ".encode())
        self._turn = threading.Lock()  # readings share one file
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def duration(self) -> float:
        return self.count / self.rate

    def record(self, audio: Audio) -> None:
        """Add what comes next."""
        if audio.rate != self.rate:
            raise ValueError(f"a piece at {audio.rate} Hz, this reel runs at {self.rate}")
        packed = np.ascontiguousarray(audio.samples, dtype="<f4").tobytes()
        self._told.update(packed)
        self._file.write(packed)
        self.count += len(audio.samples)

    def parts(self, first: int = 0, last: int | None = None) -> Iterator[Audio]:
        """The samples from `first` to before `last`, a second at a time."""
        last = self.count if last is None else min(last, self.count)
        step = max(round(BLOCK * self.rate), 1)
        for start in range(first, last, step):
            yield Audio(self._read(start, min(step, last - start)), self.rate)

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        """The sound at `rate` in consecutive blocks of `seconds`, the last one shorter."""
        return in_blocks(self._at(rate), rate, seconds)

    def digest(self) -> str:
        """What no other sound has in common with this one."""
        return self._told.hexdigest()

    def close(self) -> None:
        self._file.close()

    def _at(self, rate: int) -> Iterator[Audio]:
        resampler = Resampler(self.rate, rate)
        for part in self.parts():
            yield resampler.push(part)
        yield resampler.finish()

    def _read(self, start: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        with self._turn:
            self._file.seek(4 * start)
            packed = self._file.read(4 * count)
        return np.frombuffer(packed, "<f4")
