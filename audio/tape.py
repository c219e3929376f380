"""The end of a sound that goes on: recorded at one side, forgotten at the other, cut by time."""

from __future__ import annotations

import numpy as np

from audio.signal import Audio

LEAST_ROOM = 16000  # samples; the room doubles from there, so that recording copies little


class Tape:
    """Holds what lies between `start` and `end`, in seconds since the sound began."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._room = np.zeros(LEAST_ROOM, dtype=np.float32)
        self._first = 0  # sample of the whole sound that lies at the beginning of the room
        self._count = 0

    @property
    def start(self) -> float:
        return self._first / self.rate

    @property
    def end(self) -> float:
        return (self._first + self._count) / self.rate

    def record(self, audio: Audio) -> None:
        """Add what comes next."""
        if audio.rate != self.rate:
            raise ValueError(f"a piece at {audio.rate} Hz, this tape runs at {self.rate}")
        wanted = self._count + len(audio.samples)
        if wanted > len(self._room):
            self._move(0, max(wanted, 2 * self._count))
        self._room[self._count : wanted] = audio.samples
        self._count = wanted

    def cut(self, start: float, end: float) -> Audio:
        """A copy of what lies between two times, as far as it is held."""
        first, last = self._place(start), self._place(end)
        return Audio(self._room[first:last].copy(), self.rate)

    def forget(self, before: float) -> None:
        """Let go of what is older; memory is given back once most of the room is unused."""
        gone = self._place(before)
        # Moving the rest for every few samples would cost more than holding them.
        if gone > self._count // 2:
            self._move(gone, max(2 * (self._count - gone), LEAST_ROOM))

    def _place(self, time: float) -> int:
        return min(max(round(time * self.rate) - self._first, 0), self._count)

    def _move(self, gone: int, room: int) -> None:
        kept = self._room[gone : self._count]
        self._room = np.zeros(room, dtype=np.float32)
        self._room[: len(kept)] = kept
        self._first += gone
        self._count = len(kept)
