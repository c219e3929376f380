"""Tiny networks of the VITS kind with random weights, as their checkpoints would hold them.

    SYNTHESIZER, CONVERTER_V1, CONVERTER_V2     what config.json says; the sound has the published sizes
    checkpoint(build, seed)                     name → tensor, under the published names
    published(SYNTHESIZER)                      the same in full size, for benches

Written with `torch.save({"model": checkpoint(...)}, path)` beside the config they are a hub's layout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from networks.openvoice import converter, synthesizer
from networks.openvoice.config import ConverterConfig, SynthesizerConfig
from networks.vits.checkpoint import described

_SOUND = {
    "sampling_rate": 22050,
    "filter_length": 1024,
    "hop_length": 256,
    "win_length": 1024,
}
_MODEL = {
    "inter_channels": 6,
    "hidden_channels": 8,
    "filter_channels": 12,
    "n_heads": 2,
    "n_layers": 2,
    "kernel_size": 3,
    "p_dropout": 0.1,
    "resblock": "1",
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3], [1, 3]],
    "upsample_rates": [8, 8, 2, 2],
    "upsample_initial_channel": 32,
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "gin_channels": 10,
}
SYNTHESIZER: dict[str, Any] = {
    "data": {
        **_SOUND,
        "text_cleaners": ["cjke_cleaners2"],
        "add_blank": True,
        "n_speakers": 10,
    },
    "model": _MODEL,
    "symbols": ["_", ",", ".", "!", "?", *"abdefghijklmnoprstuvwzæðŋɑɔəɛɡɪɫɹʃʊʒθˈˌ "],
    "speakers": {"default": 1, "whispering": 2, "shouting": 3, "friendly": 9},
}
CONVERTER_V1: dict[str, Any] = {"data": {**_SOUND, "n_speakers": 0}, "model": _MODEL}
CONVERTER_V2: dict[str, Any] = {
    "_version_": "v2",
    "data": {**_SOUND, "n_speakers": 0},
    "model": {**_MODEL, "zero_g": True},
}

_PUBLISHED = {
    "inter_channels": 192,
    "hidden_channels": 192,
    "filter_channels": 768,
    "n_layers": 6,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_initial_channel": 512,
    "gin_channels": 256,
}


def published(config: dict[str, Any]) -> dict[str, Any]:
    """The same config with the sizes of the published network."""
    return {**config, "model": {**config["model"], **_PUBLISHED}}


def checkpoint(build: Callable[[], nn.Module], seed: int = 0) -> dict[str, Tensor]:
    """Weights for the network that `build` makes, such that signals neither vanish nor burst."""
    dice = torch.Generator().manual_seed(seed)
    wanted = described(build).state_dict()
    return {
        name: _drawn(name, tensor.shape, dice)
        if tensor.is_floating_point()
        else torch.zeros(tensor.shape, dtype=tensor.dtype)  # a counter
        for name, tensor in wanted.items()
    }


def synthesizer_checkpoint(config: dict[str, Any] = SYNTHESIZER) -> dict[str, Tensor]:
    return checkpoint(lambda: synthesizer.Synthesizer(SynthesizerConfig.parsed(config)))


def converter_checkpoint(config: dict[str, Any] = CONVERTER_V2) -> dict[str, Tensor]:
    return checkpoint(lambda: converter.ToneConverter(ConverterConfig.parsed(config)))


def a_synthesizer(
    config: dict[str, Any] = SYNTHESIZER, dtype: torch.dtype = torch.float32
) -> synthesizer.Synthesizer:
    return synthesizer.load(
        SynthesizerConfig.parsed(config), synthesizer_checkpoint(config), dtype=dtype
    )


def a_converter(
    config: dict[str, Any] = CONVERTER_V2, dtype: torch.dtype = torch.float32
) -> converter.ToneConverter:
    return converter.load(ConverterConfig.parsed(config), converter_checkpoint(config), dtype=dtype)


def _drawn(name: str, shape: torch.Size, dice: torch.Generator) -> Tensor:
    drawn = torch.randn(shape, generator=dice)
    kind = name.rpartition(".")[2]
    if kind == "running_var":
        return 1 + 0.1 * drawn.square()
    if kind in ("weight_g", "gamma") or name.endswith("layernorm.weight"):
        return 1 + 0.1 * drawn
    if kind.startswith(("bias", "beta", "logs", "m")):
        return 0.1 * drawn
    if kind.startswith("emb") or name.startswith("emb_g"):
        return drawn
    return drawn / math.sqrt(max(math.prod(shape[1:]), 1))
