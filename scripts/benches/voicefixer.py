"""VoiceFixer's networks at their full size with random weights, for `batching`.

Each function loads one and returns how it answers a batch of so many items. They are of one length: others
are never together.
"""

from __future__ import annotations

from collections.abc import Callable

from networks.voicefixer.sizes import BANDS, HOP, RATE

Forward = Callable[[int], float]


def restorer(seconds: float) -> Forward:
    import torch

    from networks.voicefixer import restorer
    from tests.voicefixer import published_restorer

    network = restorer.load(published_restorer())
    mel = torch.rand(_frames(seconds), BANDS)

    def restored(count: int) -> float:
        return sum(len(made) for made in network.restore([mel] * count)) * HOP / RATE

    return restored


def vocoder(seconds: float) -> Forward:
    import torch

    from networks.voicefixer import vocoder
    from tests.voicefixer import published_vocoder

    network = vocoder.load(published_vocoder())
    mel = torch.rand(_frames(seconds), BANDS)

    def sung(count: int) -> float:
        network.speak([mel] * count)
        return count * seconds  # what is beyond the mel was not asked for

    return sung


def _frames(seconds: float) -> int:
    return round(seconds * RATE / HOP)
