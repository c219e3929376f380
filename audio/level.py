"""How loud a sound is: brought to the level of another, or to a peak, and silence that stays silent."""

from __future__ import annotations

import numpy as np

from audio.signal import Audio, Samples
from audio.trim import FLOOR

FRAME = 0.02  # seconds
SPEECH = 10 ** (
    -50 / 20
)  # of full scale, root mean square: what is quieter says nothing of a voice's level
LEARNED = 10.0  # seconds of speech after which the gain stands still
MOST = 4.0  # 12 dB: what is still softer than that is no voice to be raised, but noise
PEAK = 0.97  # of full scale: where the loudest sample goes of a sound that has no level of its own
KNEE = 0.9  # of full scale: what is louder is bent instead of cut off
RING = 0.05  # seconds around a sound that belong to it


class Level:
    """Makes a sound that comes in pieces as loud as another that comes along with it.

    There is one gain: the ratio of the energies of all speech so far. A piece begins with the gain that
    the one before ended with, and after LEARNED seconds of speech it does not change any more: a level
    that follows each piece would pump. With `left`, pieces lack something on purpose, noise or whole
    sounds, so only what is speech in both is compared.

    Until there is speech, a piece is brought down, and without `left` also up, to the energy of all its
    models so far: what a model makes of next to nothing may be of any level.
    """

    def __init__(self, *, left: bool = False) -> None:
        self._left = left
        self._wanted = self._given = 0.0  # energies
        self._heard = 0.0  # seconds of speech
        self._gain: float | None = None  # None: no speech yet
        self._unspoken = _Unspoken(1.0 if left else MOST)

    def match(self, piece: Audio, model: Samples) -> Audio:
        """The next piece at the level of its model, which is as long."""
        before = self._gain
        if self._heard < LEARNED:
            self._learn(piece, model)
        if self._gain is None:
            return _raised(piece, *self._unspoken.gains(piece.samples, model))
        return _raised(piece, self._gain if before is None else before, self._gain)

    def _learn(self, piece: Audio, model: Samples) -> None:
        step = max(1, round(FRAME * piece.rate))
        wanted, given = (_energies(samples, step) for samples in (model, piece.samples))
        speech = wanted > SPEECH**2 * step
        if self._left:
            speech &= given > SPEECH**2 * step
        self._wanted += float(wanted[speech].sum())
        self._given += float(given[speech].sum())
        self._heard += float(speech.sum()) * step / piece.rate
        if self._wanted > 0:
            ratio = np.sqrt(self._wanted / max(self._given, self._wanted / MOST**2))
            self._gain = float(ratio)


class _Unspoken:
    """The gain of pieces in which nothing is speech: by the energies of all of them so far."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._wanted = self._given = 0.0  # energies
        self._gain = np.inf

    def gains(self, made: Samples, model: Samples) -> tuple[float, float]:
        """At the start and the end of the next piece; from one to the other in a straight line."""
        self._wanted += _energy(model)
        self._given += _energy(made)
        if not self._wanted:
            return 0.0, 0.0
        gain = float(np.sqrt(self._wanted / max(self._given, self._wanted / self._most**2)))
        # Downwards at once: a piece that is suddenly loud would be heard until a slope is down.
        start, self._gain = min(self._gain, gain), gain
        return start, gain


class Peak:
    """Brings a sound that comes in pieces, and may be louder than full scale, to one level.

    There is one gain: what brings the loudest sample so far to PEAK, at most 12 dB. The first piece sets it.
    Only a piece that is still louder changes it, on its way down from what it was, and it never rises again.
    """

    def __init__(self) -> None:
        self._loudest = 0.0
        self._gain: float | None = None  # None: no sound yet

    def bring(self, piece: Audio) -> Audio:
        """The next piece at the level."""
        self._loudest = max(self._loudest, float(np.abs(piece.samples).max(initial=0.0)))
        if self._loudest < FLOOR:
            return piece
        gain = min(PEAK / self._loudest, MOST)
        start = gain if self._gain is None else self._gain
        self._gain = gain
        if start == gain:
            return Audio((piece.samples * gain).astype(np.float32), piece.rate)
        return _raised(piece, start, gain)


def bent(samples: Samples) -> Samples:
    """Samples within full scale: nothing changes below KNEE, and no wave gets a flat top."""
    loud = np.abs(samples)
    if not samples.size or loud.max() <= KNEE:
        return samples
    room = 1 - KNEE
    tops = np.sign(samples) * (KNEE + room * np.tanh((loud - KNEE) / room))
    return np.where(loud > KNEE, tops, samples).astype(np.float32)


def _raised(piece: Audio, start: float, end: float) -> Audio:
    """The piece with a gain that goes from one value to the other."""
    count = len(piece.samples)
    curve = end if start == end else np.linspace(start, end, count, dtype=np.float32)
    return Audio(bent((piece.samples * curve).astype(np.float32)), piece.rate)


def hushed(samples: Samples, model: Audio, step: int) -> Samples:
    """Samples that are silent where their model is, looked at in frames of `step` samples."""
    heard = presence(model.samples, step)
    if heard.all():
        return samples
    reach = max(1, round(RING * model.rate / step))
    # Not "same": of fewer frames than those ones NumPy would give as many as there are ones.
    near = np.convolve(heard, np.ones(2 * reach + 1))[reach : reach + len(heard)] > 0
    # From frame to frame the gate goes up or down in a straight line: an edge would click.
    middles = (np.arange(len(near)) + 0.5) * step
    gate = np.interp(np.arange(len(samples)), middles, near.astype(np.float32))
    return (samples * gate).astype(np.float32)


def presence(samples: Samples, step: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which frames of `step` samples hold anything at all; the last one may be shorter."""
    padded = np.pad(samples, (0, -len(samples) % step))
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        np.abs(padded).reshape(-1, step).max(axis=1, initial=0.0) > FLOOR
    )
    return found


def _energy(samples: Samples) -> float:
    return float(np.square(samples, dtype=np.float64).sum())


def _energies(samples: Samples, step: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    whole = len(samples) // step * step
    energies: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.square(
        samples[:whole].reshape(-1, step), dtype=np.float64
    ).sum(axis=1)
    return energies
