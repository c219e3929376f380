"""config.json files of strangers: what fits is read, what does not is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from networks.openvoice.config import ConverterConfig, SynthesizerConfig
from networks.vits.config import UnfitConfig
from tests.vits import CONVERTER_V1, CONVERTER_V2, SYNTHESIZER


def _changed(config: dict[str, Any], section: str, key: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(config)
    place = changed[section] if section else changed
    place[key] = value
    return changed


def test_what_inference_needs_is_read() -> None:
    config = SynthesizerConfig.parsed(SYNTHESIZER)
    assert (config.sound.rate, config.sound.bins, config.decoder.hop) == (22050, 513, 256)
    assert config.styles == {"default": 1, "whispering": 2, "shouting": 3, "friendly": 9}
    assert config.symbols[:2] == ("_", ",")
    assert ConverterConfig.parsed(CONVERTER_V2).zero_g
    assert not ConverterConfig.parsed(CONVERTER_V1).zero_g


def test_keys_that_nobody_asks_for_are_passed_over() -> None:
    more = {**_changed(SYNTHESIZER, "model", "use_spectral_norm", False), "train": {"epochs": 1}}
    assert SynthesizerConfig.parsed(more) == SynthesizerConfig.parsed(SYNTHESIZER)


@pytest.mark.parametrize(
    ("section", "key"),
    [("data", "hop_length"), ("data", "n_speakers"), ("model", "gin_channels"), ("", "symbols"),
     ("", "model"), ("model", "upsample_rates"), ("model", "n_heads")],
)  # fmt: skip
def test_a_key_that_is_missing_is_named(section: str, key: str) -> None:
    changed = copy.deepcopy(SYNTHESIZER)
    del (changed[section] if section else changed)[key]
    with pytest.raises(UnfitConfig, match=f"no '{key}'"):
        SynthesizerConfig.parsed(changed)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("data", "sampling_rate", 0),
        ("data", "sampling_rate", 22050.0),
        ("data", "filter_length", 10**12),
        ("data", "hop_length", 128),
        ("data", "n_speakers", 0),
        ("data", "n_speakers", True),
        ("data", "add_blank", "yes"),
        ("model", "inter_channels", 7),
        ("model", "hidden_channels", 9),
        ("model", "hidden_channels", -8),
        ("model", "gin_channels", 10**9),
        ("model", "n_layers", "6"),
        ("model", "resblock", "2"),
        ("model", "resblock_kernel_sizes", [3, 4]),
        ("model", "resblock_kernel_sizes", [3]),
        ("model", "resblock_dilation_sizes", [[1, 3], []]),
        ("model", "resblock_dilation_sizes", [[1, 3], 5]),
        ("model", "upsample_rates", []),
        ("model", "upsample_rates", [1] * 1000),
        ("model", "upsample_rates", None),
        ("model", "upsample_kernel_sizes", [16, 16, 4]),
        ("model", "upsample_kernel_sizes", [16, 16, 4, 3]),
        ("model", "upsample_initial_channel", 24),
        ("", "symbols", "abc"),
        ("", "symbols", [1, 2]),
        ("", "speakers", {"default": 10}),
        ("", "speakers", ["default"]),
        ("", "data", None),
    ],
)
def test_values_that_no_network_can_have_are_refused_by_name(
    section: str, key: str, value: Any
) -> None:
    with pytest.raises(UnfitConfig, match=key):
        SynthesizerConfig.parsed(_changed(SYNTHESIZER, section, key, value))


def test_a_synthesizers_config_makes_no_converter() -> None:
    with pytest.raises(UnfitConfig, match="n_speakers is 10"):
        ConverterConfig.parsed(SYNTHESIZER)


@pytest.mark.parametrize("values", [None, [], "x", 3])
def test_what_is_no_object_is_refused(values: Any) -> None:
    with pytest.raises(UnfitConfig, match="object"):
        ConverterConfig.parsed(values)


def test_a_refusal_quotes_no_more_than_a_line() -> None:
    with pytest.raises(UnfitConfig) as refused:
        SynthesizerConfig.parsed(_changed(SYNTHESIZER, "model", "n_layers", "9" * 100_000))
    assert len(str(refused.value)) < 200


def test_configs_come_from_json_as_they_are() -> None:
    assert ConverterConfig.parsed(json.loads(json.dumps(CONVERTER_V1))).gin == 10
