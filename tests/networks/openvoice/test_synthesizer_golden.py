"""OpenVoice V1's base speaker beside the original, stage by stage."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from networks.openvoice import synthesizer
from networks.openvoice.config import SynthesizerConfig
from networks.openvoice.synthesizer import Synthesizer
from networks.vits.checkpoint import described
from networks.vits.posterior import PosteriorEncoder
from tests.golden import golden, read_json
from tests.networks.cases import Case, cases, part_of, tensors
from tests.networks.vits import stages

FOLDER = "openvoice_v1_synthesizer"


@pytest.fixture(scope="module")
def config() -> SynthesizerConfig:
    return SynthesizerConfig.parsed(read_json(golden(FOLDER), "config.json"))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "weights.safetensors")


@pytest.fixture(scope="module")
def network(config: SynthesizerConfig, weights: dict[str, Tensor]) -> Synthesizer:
    return synthesizer.load(config, weights)


@pytest.fixture(scope="module")
def stored() -> dict[str, Case]:
    return cases(golden(FOLDER), "io.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Case]) -> None:
    assert set(stored) == {*stages.CASES, *stages.MODULES}


@pytest.mark.parametrize("case", stages.CASES)
@torch.inference_mode()
def test_speech_is_the_originals(network: Synthesizer, stored: dict[str, Case], case: str) -> None:
    one = stored[case]
    g = network.speaker(one.given["sid"].tolist())
    stages.same(g, one.mid["g"])
    encoded = network.enc_p(one.given["x"], one.given["x_lengths"].tolist(), g)
    stages.compare_speech(network, encoded, g, one)


@pytest.mark.parametrize("case", ["b3_det", "b3_noise"])
@torch.inference_mode()
def test_a_row_of_a_padded_batch_sounds_as_the_original_does_alone(
    network: Synthesizer, stored: dict[str, Case], case: str
) -> None:
    stages.compare_rows_alone(network, stored[case])


@torch.inference_mode()
def test_the_spline_is_left_alone_outside_its_interval(
    network: Synthesizer, stored: dict[str, Case]
) -> None:
    stages.compare_spline_tails(network, stored["sdp_tails"])


@torch.inference_mode()
def test_the_flow_goes_both_ways(network: Synthesizer, stored: dict[str, Case]) -> None:
    stages.compare_flow(network, stored["flow"])


@torch.inference_mode()
def test_the_posterior_encoder(
    config: SynthesizerConfig, weights: dict[str, Tensor], stored: dict[str, Case]
) -> None:
    sizes = config.sound.bins, config.channels, config.hidden, config.gin
    encoder = part_of(weights, "enc_q.", lambda: PosteriorEncoder(*sizes))
    stages.compare_posterior(cast(PosteriorEncoder, encoder), stored["posterior"])


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    told = read_json(golden(FOLDER), "keys.json")
    network = described(lambda: Synthesizer(SynthesizerConfig.parsed(told["config"])))
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == told["keys"]
