"""VoiceFixer's restorer by itself, on small weights: rows, chance, short pieces, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from networks.vits.checkpoint import UnfitWeights
from networks.vits.config import UnfitConfig
from networks.voicefixer import hearing, restorer
from networks.voicefixer.restorer import Chance, Restorer
from tests.networks.cases import same
from tests.voicefixer import SMALL_RESTORER, small


@pytest.fixture(scope="module")
def network() -> Restorer:
    return restorer.load(small()[0])


def mel(frames: int, seed: int = 0) -> Tensor:
    return torch.rand(frames, 128, generator=torch.Generator().manual_seed(seed)) ** 4


def test_the_size_is_told_by_the_weights(network: Restorer) -> None:
    assert network.sizes == SMALL_RESTORER


@pytest.mark.parametrize("frames", [1, 63, 64, 65, 130])
def test_a_mel_of_any_length_stays_as_long(network: Restorer, frames: int) -> None:
    for chances in ([], [Chance(1)]):
        (made,) = network.restore([mel(frames)], chances)
        assert made.shape == (frames, 128)
        assert made.isfinite().all()
        assert made.min() >= 0


@pytest.mark.parametrize("by_chance", [False, True])
def test_rows_do_not_hear_each_other(network: Restorer, by_chance: bool) -> None:
    mels = [mel(70, seed) * 10**seed for seed in range(3)]
    chances = [Chance(seed) for seed in range(3)] if by_chance else []
    together = network.restore(mels, chances)
    for number, row in enumerate(mels):
        (alone,) = network.restore([row], chances[number : number + 1])
        same(together[number] / alone.max(), alone / alone.max(), 1e-5)


def test_the_same_seed_is_the_same_mel_and_another_is_not(network: Restorer) -> None:
    one, again, other = network.restore([mel(70)] * 3, [Chance(7), Chance(7), Chance(8)])
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)


def test_chance_changes_nothing_of_the_network(network: Restorer) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    (usual,) = network.restore([mel(70)])
    (changed,) = network.restore([mel(70)], [Chance(7)])
    assert not torch.allclose(usual, changed)
    assert torch.equal(network.restore([mel(70)])[0], usual)
    assert all(torch.equal(tensor, before[n]) for n, tensor in network.state_dict().items())


def test_half_of_the_values_are_dropped_each_time_others() -> None:
    drawn = Chance(3).keeps(200, 500)
    first, second = next(drawn), next(drawn)
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.01)
    assert (first == second).float().mean().item() == pytest.approx(0.5, abs=0.01)


# The high end


def test_the_high_end_goes_where_nearly_all_lies_below() -> None:
    """A loud low tone and soft noise: the noise's upper part is taken away, the tone stays."""
    times = torch.arange(44100) / 44100
    low = torch.sin(2 * torch.pi * 441 * times)
    dice = torch.Generator().manual_seed(1)
    sound = low + 0.01 * torch.randn(44100, generator=dice)
    cut = hearing.without_high_end(sound)
    assert len(cut) == 44100 // 512 * 512
    strength = hearing.magnitudes(cut).mean(dim=0)
    before = hearing.magnitudes(sound).mean(dim=0)
    assert strength[-20:].max() < 0.1 * before[-20:].min()
    same(strength[15:25], before[15:25], 0.01 * float(before.max()))


@pytest.mark.parametrize("loudness", [0.0, 1e-6])
def test_what_is_too_soft_to_tell_keeps_its_high_end(loudness: float) -> None:
    sound = torch.full((5000,), loudness)
    assert torch.equal(hearing.without_high_end(sound), sound[: 5000 // 512 * 512])


# What is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"generator.unet.after_conv2.bias": None}, "lacks unet.after_conv2.bias"),
        ({"generator.unet.after_conv2.bias": torch.zeros(2)}, "has the shape"),
        ({"generator.unet.after_conv2.bias": torch.full((1,), torch.nan)}, "not finite"),
        ({"generator.more": torch.zeros(1)}, "has more"),
        ({"surprise": torch.zeros(1)}, "has surprise"),
        ({"unet.after_conv2.bias": torch.zeros(1)}, r"has unet\.after_conv2\.bias"),
        ({7: torch.zeros(1)}, "has 7"),
        ({"f_helper.other": torch.zeros(1)}, "has f_helper.other"),
    ],
)
def test_weights_that_are_not_its_own_are_refused(
    change: dict[Any, Tensor | None], says: str
) -> None:
    found = {name: one for name, one in {**small()[0], **change}.items() if one is not None}
    with pytest.raises(UnfitWeights, match=says):
        restorer.load(found)


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"generator.denoiser.1.weight": torch.zeros(())},
        {"generator.denoiser.1.weight": "a text"},
        {**small()[0], "generator.denoiser.4.weight": torch.empty(5000, 1)},
    ],
)
def test_weights_that_do_not_tell_a_size_are_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(UnfitConfig, match=r"denoiser\.[14]\.weight"):
        restorer.load(weights)


def test_the_constants_that_the_file_also_has_are_not_wanted(network: Restorer) -> None:
    constants = {
        name: torch.zeros(1)
        for name in ("f_helper.stft.conv_real.weight", "f_helper.istft.reverse.weight", "mel.fb",
                     "vocoder.model.condnet.0.bias")
    }  # fmt: skip
    loaded = restorer.load({**small()[0], **constants})
    assert torch.equal(loaded.restore([mel(9)])[0], network.restore([mel(9)])[0])
