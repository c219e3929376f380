"""VoiceFixer's vocoder by itself, on small weights: rows, lengths, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from networks.vits.checkpoint import UnfitWeights
from networks.vits.config import UnfitConfig
from networks.voicefixer import vocoder
from networks.voicefixer.vocoder import Upsampler, Vocoder
from tests.networks.cases import same
from tests.voicefixer import SMALL_VOCODER, small


@pytest.fixture(scope="module")
def network() -> Vocoder:
    return vocoder.load(small()[1])


def mel(frames: int, seed: int = 0) -> Tensor:
    return torch.rand(frames, 128, generator=torch.Generator().manual_seed(seed)) * 20


def test_the_size_is_told_by_the_weights(network: Vocoder) -> None:
    assert network.sizes == SMALL_VOCODER


@pytest.mark.parametrize(("frames", "behind"), [(0, 4), (1, 5), (2, 4), (9, 5), (30, 4)])
def test_an_even_number_of_frames_is_spoken(network: Vocoder, frames: int, behind: int) -> None:
    (made,) = network.speak([mel(frames)])
    assert len(made) == (frames + behind) * 441
    assert made.isfinite().all()
    assert made.abs().max() <= 1


def test_rows_do_not_hear_each_other(network: Vocoder) -> None:
    mels = [mel(20, seed) * 10.0**-seed for seed in range(3)]
    # As an accelerator takes them, and as `speak` has them taken by a processor.
    at_once = network(torch.stack([vocoder.conditions(one) for one in mels]))[:, 0]
    for together, said, row in zip(at_once, network.speak(mels), mels, strict=True):
        alone = network.speak([row])[0]
        same(together, alone, 1e-5)
        assert torch.equal(said, alone)


@pytest.mark.parametrize("stretch", [100, 1000])
def test_stretches_join_to_the_whole(network: Vocoder, stretch: int) -> None:
    other = vocoder.load(small()[1])
    other.stretch = stretch
    same(other.speak([mel(21)])[0], network.speak([mel(21)])[0], 1e-5)


def test_nothing_farther_than_its_context_is_heard(network: Vocoder) -> None:
    whole = mel(2 * network.context + 40)
    changed = whole.clone()
    middle = network.context + 20
    changed[middle] *= 100
    differs = (network.speak([whole])[0] - network.speak([changed])[0]).abs() > 0
    places = differs.nonzero()[:, 0] // 441
    assert middle - network.context <= places.min() and places.max() <= middle + network.context
    assert places.max() - places.min() > network.context  # and it is no wild guess


def test_what_is_never_heard_is_let_go(network: Vocoder) -> None:
    assert not any("skip_conv" in name for name in network.state_dict())
    upsamplers = [layer for layer in network.modules() if isinstance(layer, Upsampler)]
    assert len(upsamplers) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({7: torch.zeros(1)}, "has 7"),
        ({"generator.3.skip_conv.bias": None}, "lacks generator.3.skip_conv.bias"),
        ({"generator.16.bias": torch.zeros(2)}, "has the shape"),
        ({"generator.16.bias": torch.full((1,), torch.inf)}, "not finite"),
        ({"generator.7.layers.5.1.bias": torch.zeros(8)}, r"has generator\.7\.layers\.5"),
        ({"generator.7.layers.0.1.weight_v": None}, "which the network does not know"),
    ],
)
def test_weights_that_are_not_its_own_are_refused(
    change: dict[Any, Tensor | None], says: str
) -> None:
    found = {name: one for name, one in {**small()[1], **change}.items() if one is not None}
    with pytest.raises(UnfitWeights, match=says):
        vocoder.load(found)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({}, "lacks condnet.0.weight_v"),
        ({**small()[1], "generator.1.weight_v": torch.zeros(20, 12, 7)}, "halved 4 times"),
        ({**small()[1], "generator.1.weight_v": torch.zeros(0, 12, 7)}, "the size 0"),
    ],
)
def test_weights_that_do_not_tell_a_size_are_refused(weights: dict[str, Tensor], says: str) -> None:
    with pytest.raises(UnfitConfig, match=says):
        vocoder.load(weights)
