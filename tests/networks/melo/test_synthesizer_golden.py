"""MeloTTS' network beside the original, stage by stage."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from networks.melo import synthesizer
from networks.melo.config import MeloConfig
from networks.melo.flow import CODES, Phones, Table
from networks.melo.synthesizer import MeloSynthesizer, Text, spread_over
from networks.vits.checkpoint import described
from networks.vits.posterior import PosteriorEncoder
from tests.golden import golden, read_json
from tests.networks.cases import Case, cases, part_of, tensors
from tests.networks.vits import stages

FOLDER = "melotts_synthesizer"
RELEASES = ("EN", "EN_V2", "EN_NEWEST", "FR", "JP", "ES", "KR", "ZH")


@pytest.fixture(scope="module")
def config() -> MeloConfig:
    return MeloConfig.parsed(read_json(golden(FOLDER), "config.json"))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "weights.safetensors")


@pytest.fixture(scope="module")
def network(config: MeloConfig, weights: dict[str, Tensor]) -> MeloSynthesizer:
    return synthesizer.load(config, weights)


@pytest.fixture(scope="module")
def stored() -> dict[str, Case]:
    return cases(golden(FOLDER), "io.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Case]) -> None:
    assert set(stored) == {*stages.CASES, *stages.MODULES, "expand"}


@pytest.mark.parametrize("case", stages.CASES)
@torch.inference_mode()
def test_speech_is_the_originals(
    network: MeloSynthesizer, stored: dict[str, Case], case: str
) -> None:
    one = stored[case]
    given = one.given
    g = network.speaker(given["sid"].tolist())
    stages.same(g, one.mid["g"])
    text = Text(
        given["x"], given["tone"], given["language"], given["ja_bert"], given["bert"],
        given["x_lengths"].tolist(),
    )  # fmt: skip
    stages.compare_speech(network, network.enc_p(text, g), g, one)


@torch.inference_mode()
def test_features_that_are_not_given_are_the_same_as_zeros(
    network: MeloSynthesizer, stored: dict[str, Case]
) -> None:
    given = stored["b3_det"].given
    g = network.speaker(given["sid"].tolist())
    ids = given["x"], given["tone"], given["language"]
    lengths = given["x_lengths"].tolist()
    zeros = torch.zeros_like(given["ja_bert"]), torch.zeros_like(given["bert"])
    told = network.enc_p(Text(*ids, *zeros, lengths), g)
    untold = network.enc_p(Text(*ids, None, None, lengths), g)
    stages.same(untold.hidden, told.hidden)


@pytest.mark.parametrize("case", ["b3_det", "b3_noise"])
@torch.inference_mode()
def test_a_row_of_a_padded_batch_sounds_as_the_original_does_alone(
    network: MeloSynthesizer, stored: dict[str, Case], case: str
) -> None:
    stages.compare_rows_alone(network, stored[case])


@torch.inference_mode()
def test_the_spline_is_left_alone_outside_its_interval(
    network: MeloSynthesizer, stored: dict[str, Case]
) -> None:
    stages.compare_spline_tails(network, stored["sdp_tails"])


@torch.inference_mode()
def test_the_flow_goes_both_ways(network: MeloSynthesizer, stored: dict[str, Case]) -> None:
    stages.compare_flow(network, stored["flow"])


@torch.inference_mode()
def test_the_posterior_encoder(
    config: MeloConfig, weights: dict[str, Tensor], stored: dict[str, Case]
) -> None:
    sizes = config.sound.bins, config.channels, config.hidden, config.gin
    encoder = part_of(weights, "enc_q.", lambda: PosteriorEncoder(*sizes))
    stages.compare_posterior(cast(PosteriorEncoder, encoder), stored["posterior"])


def test_features_of_words_are_spread_over_positions(stored: dict[str, Case]) -> None:
    case = stored["expand"]
    numbers, tones, words = (case.given[name].tolist() for name in ("phones", "tones", "word2ph"))
    phones = Phones(tuple(map(str, numbers)), tuple(tones), tuple(words))
    table = Table([str(number) for number in range(max(numbers) + 1)], CODES["ZH"])
    ids = table.ids(phones)
    assert ids.word2ph == case.mid["word2ph_expanded"].tolist()
    assert (ids.phones, ids.tones) == (case.out["x"].tolist(), case.out["tone"].tolist())
    stages.same(spread_over(case.given["word_features"], ids.word2ph), case.out["ja_bert"])


def test_the_releases_are_all_there_are() -> None:
    assert set(read_json(golden(FOLDER), "keys.json")["variants"]) == set(RELEASES)


@pytest.mark.parametrize("release", RELEASES)
def test_the_full_size_has_the_published_names_and_shapes(release: str) -> None:
    told = read_json(golden(FOLDER), "keys.json")
    variant = told["variants"][release]
    network = described(lambda: MeloSynthesizer(MeloConfig.parsed(_published(told, variant))))
    shapes = {**told["keys"], **variant["shapes_that_may_differ"]}
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == shapes
    assert network.config.names == variant["spk2id"]


def _published(told: Any, variant: Any) -> Any:
    """The config of a release, which the golden data tell by its differences to the first one."""
    config = copy.deepcopy(told["config"])
    config["data"].update(n_speakers=variant["n_speakers"], spk2id=variant["spk2id"])
    config.update(num_tones=variant["num_tones"], num_languages=variant["num_languages"])
    config["symbols"] = [str(number) for number in range(variant["n_symbols"])]
    return config
