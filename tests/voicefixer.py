"""VoiceFixer's networks at full size with weights by a formula, and small ones in the hub's layout.

formula("voicefixer_restorer")  name → tensor, as the golden data's README says
small()                         (restorer, vocoder) of a few channels with random weights
lay_out(folder)                 the two files of the hub, small
entries(source)                 the entries of `model_configs`
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from networks.vits.checkpoint import described
from networks.voicefixer.restorer import Restorer
from networks.voicefixer.sizes import RestorerSizes, VocoderSizes
from networks.voicefixer.vocoder import Vocoder
from tests.golden import golden, read_json
from tests.openvoice import saved

SOURCE = "jlmarrugom/voice_fixer"
RESTORER, VOCODER = "vf.ckpt", "model.ckpt-1490000_trimed.pt"
NAMES = ("voicefixer-restorer", "voicefixer-vocoder")
PUBLISHED_RESTORER = RestorerSizes(256, 512, 256, (32, 64, 128, 256, 384, 384))
PUBLISHED_VOCODER = VocoderSizes(512, 1024, (8, 8, 8, 8))
SMALL_RESTORER = RestorerSizes(12, 16, 8, (3, 4, 4, 5, 5, 6))
SMALL_VOCODER = VocoderSizes(12, 32, (3, 2, 2, 1))


def entries(source: object = SOURCE) -> list[dict[str, Any]]:
    """The entries of `model_configs` as users of Harmony Speech Engine write them."""
    usual = {"max_batch_size": 10, "dtype": "float32", "device_config": {"device": "cpu"}}
    kinds = ("VoiceFixerRestorer", "VoiceFixerVocoder")
    return [
        {"name": name, "model": str(source), "model_type": kind, **usual}
        for name, kind in zip(NAMES, kinds, strict=True)
    ]


@cache
def small() -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """Weights of a restorer and of a vocoder, by the names that they have in their files."""
    restorer = by_formula(
        _shapes(Restorer, SMALL_RESTORER, "generator."),
        "small",
        [("conv2", 0.35), ("", 1.0)],
    )
    vocoder = by_formula(
        _shapes(Vocoder, SMALL_VOCODER), "small", [(r"generator\.16", 0.5), ("", 1.0)]
    )
    return MappingProxyType(restorer), MappingProxyType(vocoder)


@cache
def repository() -> Mapping[str, bytes]:
    """Both files as they are published, with what nobody needs."""
    restorer, vocoder = small()
    constants = {"f_helper.stft.conv_real.weight": torch.zeros(3), "mel.fb": torch.zeros(3)}
    return MappingProxyType(
        {
            "README.md": b"#",
            RESTORER: saved({**restorer, **constants, "vocoder.model.x": torch.zeros(1)}),
            VOCODER: saved({"generator": dict(vocoder), "step": 7}),
        }
    )


def lay_out(root: Path) -> Path:
    for path, content in repository().items():
        (root / path).write_bytes(content)
    return root


def formula(folder: str) -> Mapping[str, Tensor]:
    """The full-size weights that the golden data was made with."""
    told = read_json(golden(folder), "formula.json")
    gains = [(entry["key_regex"], entry["gain"]) for entry in told["gains"]]
    shapes = {name: tuple(known["shape"]) for name, known in told["checks"].items()}
    return by_formula(shapes, told["tag"], gains)


def published_restorer() -> dict[str, Tensor]:
    """Weights of the published size where there is no golden data; the same kind of numbers."""
    shapes = _shapes(Restorer, PUBLISHED_RESTORER, "generator.")
    return by_formula(shapes, "bench", [(r"unet\..*conv2", 0.35), ("", 1.0)])


def published_vocoder() -> dict[str, Tensor]:
    shapes = _shapes(Vocoder, PUBLISHED_VOCODER)
    return by_formula(shapes, "bench", [(r"layers\..*3\.weight_g", 0.5), ("", 1.0)])


def _shapes(build: Any, sizes: Any, prefix: str = "") -> dict[str, tuple[int, ...]]:
    network = described(lambda: build(sizes))
    return {f"{prefix}{name}": tuple(one.shape) for name, one in network.state_dict().items()}


def by_formula(
    shapes: Mapping[str, tuple[int, ...]], tag: str, gains: list[tuple[str, float]]
) -> dict[str, Tensor]:
    return {name: _tensor(name, shape, tag, gains) for name, shape in shapes.items()}


def _tensor(name: str, shape: tuple[int, ...], tag: str, gains: list[tuple[str, float]]) -> Tensor:
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return torch.tensor(100)
    value = _noise(zlib.crc32(f"{tag}:{name}".encode()), int(np.prod(shape)))
    gain = next((gain for pattern, gain in gains if re.search(pattern, name)), 1.0)
    match last:
        case "running_var":
            value = 1 + 0.5 * value
        case "running_mean":
            value = 0.2 * value
        case "weight_g":
            value = gain * (1 + 0.3 * value)
        case _ if last == "bias" or last.startswith("bias_"):
            value = 0.1 * value
        case _ if len(shape) == 1:
            value = 1 + 0.25 * value
        case _:
            value = gain * np.sqrt(3 / np.prod(shape[1:])) * value
    return torch.from_numpy(value.astype(np.float32).reshape(shape))


def _noise(start: int, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers from -1 to 1 by splitmix64."""
    z = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(start << 32)
    with np.errstate(over="ignore"):
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)) / 2.0**23 - 1
