"""Harmony Speech's networks at their full size with random weights, for `batching`.

Each function loads one and returns how it answers a batch whose items have these shares of full length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from networks.harmony.config import HOP, RATE, EncoderConfig, SynthesizerConfig, VocoderConfig

PACE = 15.0  # characters in a second of speech

Batch = Callable[[Sequence[float]], float]


def encoder(seconds: float) -> Batch:
    import torch

    from networks.harmony import encoder, hearing
    from tests.harmony import PUBLISHED
    from tests.vits import checkpoint

    config = EncoderConfig.parsed({"model": PUBLISHED["encoder"]})
    network = encoder.load(config, checkpoint(lambda: encoder.SpeakerEncoder(config)))
    starts = hearing.window_starts(round(seconds * RATE), hearing.HARMONY.step)
    windows = torch.rand(len(starts), hearing.FRAMES, config.mels)

    def embedded(shares: Sequence[float]) -> float:
        clips = [windows[: max(round(len(windows) * share), 1)] for share in shares]
        network.embed(clips)
        return sum(seconds * len(clip) / len(windows) for clip in clips)

    return embedded


def synthesizer(seconds: float) -> Batch:
    import torch

    from networks.harmony import synthesizer
    from tests.harmony import PUBLISHED
    from tests.vits import checkpoint

    config = SynthesizerConfig.parsed({"model": PUBLISHED["synthesizer"]})
    weights = checkpoint(lambda: synthesizer.Synthesizer(config))
    # Random weights would speak at a pace of their own.
    weights["dur_pred.lin.weight"] = torch.zeros_like(weights["dur_pred.lin.weight"])
    weights["dur_pred.lin.bias"] = torch.tensor([RATE / HOP / PACE])
    network = synthesizer.load(config, weights)
    voice = torch.rand(config.voice)

    def composed(shares: Sequence[float]) -> float:
        counts = [round(seconds * PACE * share) for share in shares]
        mels = network.speak(
            [synthesizer.Utterance([28 + n % 26 for n in range(c)], voice) for c in counts]
        )
        return sum(mel.shape[1] * HOP / RATE for mel in mels if isinstance(mel, torch.Tensor))

    return composed


def vocoder(seconds: float) -> Batch:
    import torch

    from networks.harmony import vocoder
    from tests.harmony import PUBLISHED
    from tests.vits import checkpoint

    config = VocoderConfig.parsed({"model": PUBLISHED["vocoder"]})
    network = vocoder.load(config, checkpoint(lambda: vocoder.Vocoder(config)))
    mel = torch.randn(config.mels, round(seconds * RATE / HOP))

    def sung(shares: Sequence[float]) -> float:
        sounds = network.speak([mel[:, : round(mel.shape[1] * share)] for share in shares])
        return sum(len(sound) / RATE for sound in sounds)

    return sung
