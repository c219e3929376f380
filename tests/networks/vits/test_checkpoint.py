"""Weights of strangers: exactly the network's own, or a refusal that names a tensor."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from networks.openvoice import converter, synthesizer
from networks.openvoice.config import ConverterConfig, SynthesizerConfig
from networks.vits.checkpoint import UnfitWeights
from networks.vits.weight_norm import NormedConv1d, NormedConv2d, NormedConvTranspose1d, fold
from tests.vits import (
    CONVERTER_V2,
    SYNTHESIZER,
    checkpoint,
    converter_checkpoint,
    synthesizer_checkpoint,
)

CONFIG = ConverterConfig.parsed(CONVERTER_V2)
NAME = "flow.flows.4.enc.in_layers.2.weight_v"


def _without(weights: dict[str, Tensor]) -> None:
    del weights[NAME]


def _with_more(weights: dict[str, Tensor]) -> None:
    weights["flow.flows.8.pre.weight"] = torch.zeros(3)


def _misshapen(weights: dict[str, Tensor]) -> None:
    weights[NAME] = weights[NAME][..., :3]


def _whole_numbers(weights: dict[str, Tensor]) -> None:
    weights[NAME] = weights[NAME].long()


def _no_tensor(weights: dict[str, Any]) -> None:
    weights[NAME] = [1.0]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_without, rf"lacks {NAME}"),
        (_with_more, r"has flow\.flows\.8\.pre\.weight, which"),
        (_misshapen, rf"{NAME} has the shape \(16, 8, 3\).* wants \(16, 8, 5\)"),
        (_whole_numbers, rf"{NAME} is no tensor of floating"),
        (_no_tensor, rf"{NAME} is no tensor of floating"),
    ],
)
def test_another_networks_weights_are_refused_by_name(
    spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    weights = converter_checkpoint()
    spoil(weights)
    with pytest.raises(UnfitWeights, match=told):
        converter.load(CONFIG, weights)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(number: float) -> None:
    weights = converter_checkpoint()
    weights["dec.conv_post.weight"][0, 0, 0] = number
    with pytest.raises(UnfitWeights, match=r"dec\.conv_post\.weight holds numbers"):
        converter.load(CONFIG, weights)


def test_a_normalised_weight_without_direction_is_refused() -> None:
    weights = converter_checkpoint()
    weights["dec.ups.0.weight_v"][3] = 0
    with pytest.raises(UnfitWeights, match=r"dec\.ups\.0\.weight holds numbers"):
        converter.load(CONFIG, weights)


def test_many_missing_tensors_are_counted_not_listed() -> None:
    with pytest.raises(UnfitWeights, match=r"and \d+ more") as refused:
        synthesizer.load(SynthesizerConfig.parsed(SYNTHESIZER), {})
    assert len(str(refused.value)) < 300


def test_a_config_of_huge_sizes_costs_nothing_before_its_weights_are_looked_at() -> None:
    huge = copy.deepcopy(SYNTHESIZER)
    huge["model"] |= {"hidden_channels": 4096, "filter_channels": 4096, "n_layers": 64}
    huge["model"] |= {"n_heads": 64, "gin_channels": 4096, "upsample_initial_channel": 4096}
    with pytest.raises(UnfitWeights, match="shape"):  # 100 GB, were it built
        synthesizer.load(SynthesizerConfig.parsed(huge), _with_deeper_encoder())


def _with_deeper_encoder() -> dict[str, Tensor]:
    """Weights of the tiny size under the names of a network of 64 layers."""
    deep = copy.deepcopy(SYNTHESIZER)
    deep["model"] |= {"n_layers": 64}
    config = SynthesizerConfig.parsed(deep)
    return checkpoint(lambda: synthesizer.Synthesizer(config))


def test_weights_of_half_precision_are_widened() -> None:
    weights = {name: one.half() for name, one in synthesizer_checkpoint().items()}
    network = synthesizer.load(SynthesizerConfig.parsed(SYNTHESIZER), weights)
    assert {one.dtype for one in network.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize(
    "layer",
    [
        NormedConv1d(4, 6, 3, padding=1),
        NormedConv2d(4, 6, 3, stride=2, padding=1),
        NormedConvTranspose1d(4, 6, 8, stride=4, padding=2),
    ],
    ids=["conv1d", "conv2d", "transposed"],
)
def test_a_folded_weight_has_the_stored_length_at_each_index_of_its_first_axis(
    layer: nn.Module,
) -> None:
    lengths = torch.rand_like(layer.get_parameter("weight_g")) + 0.5
    direction = layer.get_parameter("weight_v").detach().clone()
    layer.load_state_dict({**layer.state_dict(), "weight_g": lengths})
    fold(layer)
    weight = layer.get_parameter("weight")
    assert set(layer.state_dict()) == {"weight", "bias"}
    torch.testing.assert_close(weight.flatten(1).norm(dim=1), lengths.flatten())
    cosine = torch.cosine_similarity(weight.flatten(1), direction.flatten(1))
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
