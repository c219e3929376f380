"""From a recording to what the speaker encoder hears: levelled, without pauses, in windows of mel frames.

    samples ─► level ─► speech only ─► windows of 1.6 s, one every 0.8 s ─► 40 mel bands, linear power

Harmony Speech and Resemblyzer (Jemine 2019) do the same but for two numbers, which `Manner` holds.
Speech is found by WebRTC's detector: the encoder was trained on what that lets through.
"""

from __future__ import annotations

import math
from functools import cache

import attrs
import numpy as np
import torch
import webrtcvad  # type: ignore[import-untyped]
from numpy.typing import NDArray
from torch import Tensor

from networks.harmony.config import RATE
from networks.harmony.mel import mel_bands

HOP = RATE // 100  # samples from one frame to the next
WINDOW = RATE // 40  # samples of a frame
FRAMES = 160  # of a window that is embedded
COVERED = 0.75  # of the last window must be sound, or it is left out
QUIETEST = -30.0  # dBFS: what is quieter is made as loud
JUDGED = RATE * 30 // 1000  # samples that the detector judges at a time
STRICTEST = 3  # of the detector's modes
SMOOTHED = (3, 4)  # windows before and behind one whose majority decides about it
WIDENED = 3  # windows by which speech is lengthened at both ends
FULL_SCALE = 32767

Samples = NDArray[np.float32]
Flags = NDArray[np.bool_]


@attrs.frozen
class Manner:
    """In what two pipelines for the same network differ."""

    peak: float | None  # that the loudest sample is brought to first; None: it is left alone
    step: int  # frames from one window to the next


HARMONY = Manner(peak=0.9, step=80)
RESEMBLYZER = Manner(peak=None, step=77)  # 1.3 windows a second


class NothingHeard(ValueError):
    """Digital silence, which is nobody's voice."""


def heard(samples: Samples, manner: Manner = HARMONY) -> Tensor:
    """Mel windows `[W, 160, mels]` of 16 kHz samples `[T]`.

    A sound in which the detector hears nobody is taken as it is: whoever asks knows that somebody speaks.
    """
    level = levelled(samples, manner)
    speech = spoken(level)
    return mel_windows(speech if len(speech) else level, manner)


def levelled(samples: Samples, manner: Manner = HARMONY) -> Samples:
    """Loud enough for detector and encoder; never made quieter once the peak is set."""
    loudest = np.abs(samples).max(initial=0.0)
    if not loudest:
        raise NothingHeard("the sound is silent")
    if manner.peak is not None:
        samples = samples / loudest * np.float32(manner.peak)
    return samples * np.float32(gain(samples))


def gain(samples: Samples) -> float:
    """The factor that brings a quiet sound to the least level; 1 for all others."""
    level = 10 * math.log10(np.mean(np.square(samples, dtype=np.float64)))
    return max(10 ** ((QUIETEST - level) / 20), 1.0)


def spoken(samples: Samples) -> Samples:
    """The parts in which the detector hears speech, end to end."""
    whole = samples[: len(samples) // JUDGED * JUDGED]
    kept = widened(judged(whole))
    return whole[np.repeat(kept, JUDGED)]


def judged(samples: Samples) -> Flags:
    """The detector's word on every 30 ms."""
    detector = webrtcvad.Vad(STRICTEST)
    # Clipped, because what is above full scale would come out with the other sign.
    pcm = np.round(samples * FULL_SCALE).clip(-FULL_SCALE - 1, FULL_SCALE).astype("<i2")
    windows = pcm.reshape(-1, JUDGED)
    return np.array([detector.is_speech(w.tobytes(), RATE) for w in windows], dtype=bool)


def widened(flags: Flags) -> Flags:
    """Windows among which most are speech, and their neighbours."""
    if not len(flags):
        return flags  # NumPy convolves nothing with nothing
    before, behind = SMOOTHED
    votes = np.convolve(flags, np.ones(before + behind + 1))[behind : behind + len(flags)]
    majority = votes > (before + behind + 1) / 2
    reach = np.convolve(majority, np.ones(2 * WIDENED + 1))
    return reach[WIDENED : WIDENED + len(flags)] > 0


def mel_windows(samples: Samples, manner: Manner = HARMONY) -> Tensor:
    """Mel windows `[W, 160, mels]`, silence behind the end of the sound."""
    starts = window_starts(len(samples), manner.step)
    frames = mel_frames(with_room(samples, starts))
    return torch.stack([frames[start : start + FRAMES] for start in starts])


def window_starts(count: int, step: int) -> list[int]:
    """First frames of the windows of so many samples."""
    frames = math.ceil((count + 1) / HOP)
    starts = list(range(0, max(1, frames - FRAMES + step + 1), step))
    covered = (count - HOP * starts[-1]) / (HOP * FRAMES)
    return starts[:-1] if len(starts) > 1 and covered < COVERED else starts


def with_room(samples: Samples, starts: list[int]) -> Samples:
    """The samples with zeros up to the end of the last window."""
    lacking = HOP * (starts[-1] + FRAMES) - len(samples)
    return np.pad(samples, (0, max(lacking, 0)))


def mel_frames(samples: Samples) -> Tensor:
    """Power in 40 bands `[frames, 40]`, one frame every 10 ms; beyond both ends is silence."""
    found = torch.stft(
        torch.tensor(samples), WINDOW, HOP, window=torch.hann_window(WINDOW), center=True,
        pad_mode="constant", return_complex=True,
    )  # fmt: skip
    power = found.real**2 + found.imag**2
    return (_bands() @ power).T.contiguous()


@cache
def _bands() -> Tensor:
    return mel_bands(RATE, WINDOW, 40)
