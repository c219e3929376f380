"""Harmony Speech V1's repository with small networks in it, and a configuration that uses them.

    repository()                    {path: bytes}, for a fake hub
    lay_out(folder)                 the same as a folder
    entries(source)                 the entries of `model_configs`: encoder, synthesizer, vocoder

The networks are the golden ones where their data lies beside the repository, else some of the same kind.
Their weights are random: they babble at 16 kHz, and their voices have 64 numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.golden import golden, read_json, read_tensors
from tests.openvoice import saved

SOURCE = "harmony-ai/harmony-speech-v1"
SPACE = "harmony_v1"
VOICE = 64
NAMES = ("harmony-encoder", "harmony-synthesizer", "harmony-vocoder")
_SERIES = {
    f"{name}_{part}": size
    for name in ("durpred", "pitch", "energy")
    for part, size in (("conv_dims", 8), ("rnn_dims", 6))
}
_BANKS = {
    f"{name}_{part}": size
    for name in ("prenet", "postnet")
    for part, size in (("k", 3), ("dims", 8), ("num_highways", 2))
}
CONFIGS: Mapping[str, dict[str, Any]] = {
    "encoder": {
        "mel_n_channels": 40, "model_hidden_size": 16, "model_num_layers": 2,
        "model_embedding_size": VOICE,
    },
    "synthesizer": {
        **_SERIES, **_BANKS, "num_chars": 66, "embed_dims": 8, "series_embed_dims": 6,
        "rnn_dims": 8, "n_mels": 80, "speaker_embed_dims": VOICE, "pitch_strength": 1.0,
        "energy_strength": 1.0,
    },
    "vocoder": {
        "in_channels": 80, "out_channels": 4, "kernel_size": 7, "channels": 16,
        "upsample_scales": [5, 5, 2], "stack_kernel_size": 3, "stacks": 2,
        "nonlinear_activation_params": {"negative_slope": 0.2},
    },
}  # fmt: skip

# What training wrote into the published ones; dropouts left out.
PUBLISHED: Mapping[str, dict[str, Any]] = {
    "encoder": {
        "mel_n_channels": 40, "model_hidden_size": 768, "model_num_layers": 3,
        "model_embedding_size": 768,
    },
    "synthesizer": {
        "num_chars": 66, "embed_dims": 256, "series_embed_dims": 64, "durpred_conv_dims": 256,
        "durpred_rnn_dims": 64, "pitch_conv_dims": 256, "pitch_rnn_dims": 128,
        "pitch_strength": 1.0, "energy_conv_dims": 256, "energy_rnn_dims": 64,
        "energy_strength": 1.0, "rnn_dims": 512, "prenet_dims": 256, "prenet_k": 16,
        "prenet_num_highways": 4, "postnet_dims": 256, "postnet_k": 8, "postnet_num_highways": 4,
        "n_mels": 80, "speaker_embed_dims": 768,
    },
    "vocoder": {**CONFIGS["vocoder"], "channels": 384, "stacks": 4},
}  # fmt: skip


def voice(number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A voice of length 1, as the encoder tells them [VOICE]."""
    drawn = np.abs(np.random.default_rng(number).standard_normal(VOICE))
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


@cache
def repository() -> Mapping[str, bytes]:
    """All three networks, as training left them, with a file that nobody needs."""
    encoder, synthesizer, vocoder = (_network(name) for name in CONFIGS)
    return MappingProxyType(
        {
            "README.md": b"#",
            "encoder/config.json": _json(encoder[1]),
            "encoder/encoder.pt": saved({"step": 7, "model_state": encoder[0]}),
            "synthesizer/config.json": _json(synthesizer[1]),
            "synthesizer/synthesizer.pt": saved({"model_state": synthesizer[0]}),
            "vocoder/config.json": _json(vocoder[1]),
            "vocoder/vocoder.pt": saved(
                {"model_type": "multiband-melgan", "steps": 7, "model": {"generator": vocoder[0]}}
            ),
        }
    )


def lay_out(root: Path) -> Path:
    for path, content in repository().items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def entries(source: object = SOURCE) -> list[dict[str, Any]]:
    """The entries of `model_configs` as users of Harmony Speech Engine write them."""
    kinds = ("HarmonySpeechEncoder", "HarmonySpeechSynthesizer", "HarmonySpeechVocoder")
    usual = {"max_batch_size": 10, "dtype": "float32", "device_config": {"device": "cpu"}}
    return [
        {"name": name, "model": str(source), "model_type": kind, **usual}
        for name, kind in zip(NAMES, kinds, strict=True)
    ]


def _network(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights and config.json."""
    import torch

    try:
        folder = golden(f"harmonyspeech_{name}")
    except pytest.skip.Exception:
        return _generated(name)
    tensors = read_tensors(folder, "weights.safetensors")
    weights = {key: torch.from_numpy(values) for key, values in tensors.items()}
    return weights, read_json(folder, "config.json")


def _generated(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random weights for a network of the config above."""
    from networks.harmony import config, encoder, synthesizer, vocoder
    from tests.vits import checkpoint

    values = {"model": CONFIGS[name]}
    match name:
        case "encoder":
            sizes = config.EncoderConfig.parsed(values)
            return checkpoint(lambda: encoder.SpeakerEncoder(sizes)), values
        case "synthesizer":
            known = config.SynthesizerConfig.parsed(values)
            return checkpoint(lambda: synthesizer.Synthesizer(known)), values
        case _:
            layers = config.VocoderConfig.parsed(values)
            return checkpoint(lambda: vocoder.Vocoder(layers)), values


def _json(values: Any) -> bytes:
    return json.dumps(values).encode()
