"""Standard normal noise by its place: the same seed gives the same values at the same frames.

Values come from a counter (Philox, Salmon et al. 2011), in blocks of frames. So a sound that is
converted window by window, or beside others in a batch, gets the noise that it would get whole and alone.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 64  # frames that are drawn together


class Noise:
    """The noise of one utterance; `stream` tells apart what is drawn for different purposes."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        self._key = np.array([seed % 2**64, stream], dtype=np.uint64)

    def between(self, start: int, stop: int, channels: int) -> Tensor:
        """`[channels, stop - start]`, float32, on the CPU."""
        first = start // BLOCK
        blocks = [self._block(number, channels) for number in range(first, -(-stop // BLOCK))]
        if not blocks:
            return torch.zeros(channels, 0)
        drawn = np.concatenate(blocks, axis=1)
        return torch.from_numpy(drawn[:, start - first * BLOCK : stop - first * BLOCK].copy())

    def _block(
        self, number: int, channels: int
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        # A block has a part of the counter to itself: its number stands in the highest word.
        bits = np.random.Philox(key=self._key, counter=[0, 0, 0, number])
        return np.random.Generator(bits).standard_normal((channels, BLOCK), dtype=np.float32)
