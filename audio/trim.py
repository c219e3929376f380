"""Silence at the ends of a sound: found by level, cut with a short fade so that no edge clicks."""

from __future__ import annotations

import numpy as np

from audio.signal import Audio

FRAME = 0.01  # seconds
BELOW_PEAK_DB = 45.0  # quieter than this under the loudest frame is silence; breath is louder
FLOOR = 1e-4  # -80 dBFS: under it all is silence
FADE = 0.005  # seconds


def trim(audio: Audio, keep: float) -> Audio:
    """The sound without silence at its ends but for `keep` seconds of it; empty if all is silence."""
    step = max(1, round(FRAME * audio.rate))
    whole = len(audio.samples) // step * step
    frames = np.abs(audio.samples[:whole]).reshape(-1, step).max(axis=1, initial=0.0)
    if not frames.size or frames.max() < FLOOR:
        return Audio(audio.samples[:0], audio.rate)
    heard = np.flatnonzero(frames > max(frames.max() * 10 ** (-BELOW_PEAK_DB / 20), FLOOR))
    start, end = heard[0] * FRAME - keep, (heard[-1] + 1) * FRAME + keep
    return _faded(audio.cut(start, end))


def _faded(audio: Audio) -> Audio:
    samples = audio.samples.copy()
    length = min(round(FADE * audio.rate), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    samples[:length] *= ramp
    samples[len(samples) - length :] *= ramp[::-1]
    return Audio(samples, audio.rate)
