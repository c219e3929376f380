"""How loud a sound is: one sound brought to the level of another, and silence that stays silent."""

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
KNEE = 0.9  # of full scale: what is louder is bent instead of cut off
RING = 0.05  # seconds around a sound that belong to it


class Level:
    """Makes a sound that comes in pieces as loud as another that comes along with it.

    There is one gain: the ratio of the energies of all speech so far. A piece begins with the gain that
    the one before ended with, and after LEARNED seconds of speech it does not change any more: a level
    that follows each piece would pump. With `left`, pieces lack something on purpose, noise or whole
    sounds, so only what is speech in both is compared.
    """

    def __init__(self, *, left: bool = False) -> None:
        self._left = left
        self._wanted = self._given = 0.0  # energies
        self._heard = 0.0  # seconds of speech
        self._gain: float | None = None  # None: no speech yet

    def match(self, piece: Audio, model: Samples) -> Audio:
        """The next piece at the level of its model, which is as long."""
        before = self._gain
        if self._heard < LEARNED:
            self._learn(piece, model)
        gain = 1.0 if self._gain is None else self._gain
        start = gain if before is None else before
        count = len(piece.samples)
        curve = gain if start == gain else np.linspace(start, gain, count, dtype=np.float32)
        return Audio(bent((piece.samples * curve).astype(np.float32)), piece.rate)

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


def bent(samples: Samples) -> Samples:
    """Samples within full scale: nothing changes below KNEE, and no wave gets a flat top."""
    loud = np.abs(samples)
    if not samples.size or loud.max() <= KNEE:
        return samples
    room = 1 - KNEE
    tops = np.sign(samples) * (KNEE + room * np.tanh((loud - KNEE) / room))
    return np.where(loud > KNEE, tops, samples).astype(np.float32)


def hushed(samples: Samples, model: Audio, step: int) -> Samples:
    """Samples that are silent where their model is, looked at in frames of `step` samples."""
    heard = presence(model.samples, step)
    if heard.all():
        return samples
    reach = max(1, round(RING * model.rate / step))
    near = np.convolve(heard, np.ones(2 * reach + 1), "same") > 0
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


def _energies(samples: Samples, step: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    whole = len(samples) // step * step
    energies: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.square(
        samples[:whole].reshape(-1, step), dtype=np.float64
    ).sum(axis=1)
    return energies
