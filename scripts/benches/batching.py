"""Each network at its full size with random weights: how fast alone, and what a batch of 4 or 8 wins.

A row of the table is a function that loads a network and returns how it answers a batch: given a
number of items it computes them in one forward and returns the seconds of sound that they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from scripts.benches import harmony, voicefixer
from scripts.benches.machine import Bench, seconds

if TYPE_CHECKING:
    from torch import Tensor

    from networks.vits.synthesizer import TooLong

Forward = Callable[[int], float]

ITEM = 3.0  # seconds of sound, of the longest item in a batch
SHORTEST = 0.7  # of it: the batcher puts items of similar lengths together
SIZES = (1, 4, 8)
TIMES = 3


def synthesizer(config: dict[str, Any]) -> Forward:
    from networks.openvoice.synthesizer import Utterance
    from networks.vits.synthesizer import Manner
    from tests.vits import a_synthesizer, published

    network = a_synthesizer(published(config))
    rate = network.config.sound.rate

    def spoken(count: int, scale: float = 1.0) -> float:
        utterances = [
            Utterance([n % 40 for n in range(round(90 * share))], 1, Manner(scale, seed=number))
            for number, share in enumerate(shares(count))
        ]
        return samples_in(network.speak(utterances)) / rate

    # Random weights speak at a pace of their own.
    pace = ITEM / spoken(1)
    return lambda count: spoken(count, pace)


def converter(config: dict[str, Any]) -> Forward:
    import torch

    from networks.openvoice.converter import Stretch
    from tests.vits import a_converter, published

    network = a_converter(published(config))
    sound, gin = network.config.sound, network.config.gin
    spec, source, target = (
        torch.rand(sound.bins, _frames(sound)),
        torch.randn(gin),
        torch.randn(gin),
    )

    def converted(count: int) -> float:
        stretches = [
            Stretch(spec[:, : round(spec.shape[1] * share)], source, target)
            for share in shares(count)
        ]
        return samples_in(network.convert(stretches)) / sound.rate

    return converted


def reference_encoder(config: dict[str, Any]) -> Forward:
    import torch

    from tests.vits import a_converter, published

    network = a_converter(published(config))
    sound = network.config.sound
    spec = torch.rand(sound.bins, _frames(sound))

    def embedded(count: int) -> float:
        clips = [spec[:, : round(spec.shape[1] * share)] for share in shares(count)]
        network.embed(clips)
        heard: float = sum(clip.shape[1] for clip in clips) * sound.hop / sound.rate
        return heard

    return embedded


def rows() -> dict[str, Callable[[], Forward]]:
    """A new family adds its networks here."""
    from tests.vits import CONVERTER_V1, CONVERTER_V2, SYNTHESIZER

    return {
        "OpenVoice V1 synthesizer": lambda: synthesizer(SYNTHESIZER),
        "OpenVoice V1 converter": lambda: converter(CONVERTER_V1),
        "OpenVoice V2 converter": lambda: converter(CONVERTER_V2),
        "OpenVoice reference encoder": lambda: reference_encoder(CONVERTER_V2),
        "Harmony Speech encoder": lambda: _sharing(harmony.encoder(ITEM)),
        "Harmony Speech synthesizer": lambda: _sharing(harmony.synthesizer(ITEM)),
        "Harmony Speech vocoder": lambda: _sharing(harmony.vocoder(ITEM)),
        "VoiceFixer restorer": lambda: voicefixer.restorer(ITEM),
        "VoiceFixer vocoder": lambda: voicefixer.vocoder(ITEM),
    }


def _sharing(batch: harmony.Batch) -> Forward:
    return lambda count: batch(shares(count))


def run(bench: Bench) -> None:
    import torch

    before = torch.get_num_threads()
    print(f"  items of {SHORTEST * ITEM:.1f} to {ITEM:.1f} s; seconds of sound per second")
    for name, load in rows().items():
        forward = load()
        for threads in sorted({1, before}):
            torch.set_num_threads(threads)
            print(f"  {name}, {threads} thread{'s'[: threads - 1]}: {told(forward)}", flush=True)
    torch.set_num_threads(before)


def told(forward: Forward) -> str:
    """The speed of every size of batch, each the best of rounds in turn: others may use the machine too."""
    forward(1)
    rounds = [{size: _speed(forward, size) for size in SIZES} for _ in range(TIMES)]
    speeds = {size: max(one[size] for one in rounds) for size in SIZES}
    alone = speeds[SIZES[0]]
    batches = ", ".join(
        f"batch {size}: {speed:.1f} ({speed / alone:.2f}×)"
        for size, speed in speeds.items()
        if size > 1
    )
    return f"alone {alone:.1f} (real-time factor {1 / alone:.3f}), {batches}"


def _speed(forward: Forward, size: int) -> float:
    held: list[float] = []
    took = seconds(lambda: held.append(forward(size)))
    return held[0] / took


def shares(count: int) -> list[float]:
    """Lengths of a batch's items, the longest 1."""
    return [1 - (1 - SHORTEST) * number / max(count - 1, 1) for number in range(count)]


def _frames(sound: Any) -> int:
    frames: int = round(ITEM * sound.rate / sound.hop)
    return frames


def samples_in(sounds: Sequence[Tensor | TooLong]) -> float:
    count = 0
    for sound in sounds:
        if isinstance(sound, Exception):
            raise sound
        count += len(sound)
    return count
