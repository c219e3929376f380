"""G.711, the sound of telephones: one byte a sample at 8 kHz, finer for soft sounds than for loud ones.

Both laws keep a sign, an exponent and four bits of mantissa; a byte is one of 256 samples, so decoding
is a look-up. ITU-T G.711 counts µ-law in 14 bits and A-law in 13; both are scaled to 16 here.
"""

from __future__ import annotations

import numpy as np

from audio.signal import Audio, Samples

RATE = 8000
FULL_SCALE = 32768.0
BIAS = 0x84  # µ-law adds it before it takes the logarithm, so that the curve goes through zero


def decode_mu_law(encoded: bytes) -> Audio:
    """µ-law, as in North America and Japan: `audio/pcmu`."""
    return Audio(_MU_LAW[np.frombuffer(encoded, dtype=np.uint8)], RATE)


def decode_a_law(encoded: bytes) -> Audio:
    """A-law, as everywhere else: `audio/pcma`."""
    return Audio(_A_LAW[np.frombuffer(encoded, dtype=np.uint8)], RATE)


def _mu_law() -> Samples:
    codes = ~np.arange(256, dtype=np.uint8)  # sent inverted: silence shall not be a row of zeros
    exponent, mantissa = (codes >> 4 & 7).astype(int), (codes & 15).astype(int)
    magnitude = ((mantissa << 3) + BIAS << exponent) - BIAS
    return _scaled(np.where(codes & 0x80, -magnitude, magnitude))


def _a_law() -> Samples:
    codes = np.arange(256, dtype=np.uint8) ^ 0x55  # every other bit is sent inverted
    exponent, mantissa = (codes >> 4 & 7).astype(int), (codes & 15).astype(int)
    # The lowest exponent is linear: it has no hidden bit above its mantissa.
    hidden = np.where(exponent > 0, 0x100, 0)
    magnitude = (mantissa << 4) + hidden + 8 << np.maximum(exponent - 1, 0)
    return _scaled(np.where(codes & 0x80, magnitude, -magnitude))


def _scaled(values: np.ndarray[tuple[int, ...], np.dtype[np.int_]]) -> Samples:
    return (values / FULL_SCALE).astype(np.float32)


_MU_LAW, _A_LAW = _mu_law(), _a_law()
