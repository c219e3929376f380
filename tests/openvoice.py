"""OpenVoice's repositories with small networks in them, and a configuration that uses them.

    repositories()                  {repository: {path: bytes}}, for a fake hub
    folders = lay_out(tmp_path)     the same as folders
    configuration(folders)          the tree of a configuration.yaml: V1 in English and Chinese, both
                                    converters with their encoders, Silero VAD, Whisper and Kokoro

The networks are the golden ones where their data lies beside the repository, else some of the same kind.
Their weights are random: they babble at 22.05 kHz, and their tones have 16 numbers.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import settings
from tests.conftest import BUNDLE
from tests.golden import golden, read_json, read_tensors

V1, V2 = "myshell-ai/OpenVoice", "myshell-ai/OpenVoiceV2"
SPEAKERS = "checkpoints/base_speakers"
STYLES = (
    "default", "whispering", "shouting", "excited", "cheerful", "terrified", "angry", "sad", "friendly",
)  # fmt: skip
TONES = ("EN/en_default_se.pth", "EN/en_style_se.pth", "ZH/zh_default_se.pth")
# Of the voices of MeloTTS, which V2 converts
BASE_TONES = (
    "en-au", "en-br", "en-default", "en-india", "en-newest", "en-us", "es", "fr", "jp", "kr", "zh",
)  # fmt: skip
SPACES = ("openvoice_v1", "openvoice_v2")
GIN = 16
NAMES = (
    "ov1-synthesizer-en", "ov1-synthesizer-zh", "ov1-tone-converter", "ov1-tone-converter-encoder",
    "ov2-tone-converter", "ov2-tone-converter-encoder",
)  # fmt: skip
OTHERS = ("silero-vad", "faster-whisper-tiny.en", "kokoro")

_SIZES = {
    "filter_channels": 40, "n_heads": 2, "n_layers": 2, "kernel_size": 3, "resblock": "1",
    "resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_rates": [4, 4, 2, 2], "upsample_kernel_sizes": [8, 8, 4, 4],
    "upsample_initial_channel": 32, "gin_channels": GIN,
}  # fmt: skip
_SOUND = {"sampling_rate": 22050, "filter_length": 256, "hop_length": 64, "win_length": 256}
_SYMBOLS = "_,.!?-~…NQabdefghijklmnopstuvwxyzɑæʃʑçɯɪɔɛɹðəɫɥɸʊɾʒθβŋɦ⁼ʰ`^#*=ˈˌ→↓↑ "
CONFIGS: Mapping[str, dict[str, Any]] = {
    "openvoice_v1_synthesizer": {
        "data": {**_SOUND, "add_blank": True, "n_speakers": 10},
        "model": {**_SIZES, "inter_channels": 20, "hidden_channels": 24},
        "symbols": list(_SYMBOLS),
        "speakers": {style: number for number, style in enumerate(STYLES, start=1)},
    },
    "openvoice_tone_converter": {
        "data": {**_SOUND, "n_speakers": 0},
        "model": {**_SIZES, "inter_channels": 16, "hidden_channels": 20},
    },
    "openvoice_v2_tone_converter": {
        "data": {**_SOUND, "n_speakers": 0},
        "model": {**_SIZES, "inter_channels": 16, "hidden_channels": 20, "zero_g": True},
    },
}

Repositories = Mapping[str, Mapping[str, bytes]]


def saved(thing: Any) -> bytes:
    """What `torch.save` writes."""
    import torch

    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def tone(number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The tone of a base voice, in the order of TONES [GIN]."""
    drawn = np.random.default_rng(number).standard_normal(GIN, dtype=np.float32)
    return np.asarray(drawn * 0.3, dtype=np.float32)


@cache
def repositories() -> Repositories:
    """Both repositories, with files that nobody needs among them."""
    speaker, config = _checkpoint("openvoice_v1_synthesizer")
    one, two = _checkpoint("openvoice_tone_converter"), _checkpoint("openvoice_v2_tone_converter")
    chinese = {**config, "speakers": {"default": 1}}
    v1 = {
        "README.md": b"#",
        f"{SPEAKERS}/EN/checkpoint.pth": speaker,
        f"{SPEAKERS}/EN/config.json": _json(config),
        f"{SPEAKERS}/ZH/checkpoint.pth": speaker,
        f"{SPEAKERS}/ZH/config.json": _json(chinese),
        "checkpoints/converter/checkpoint.pth": one[0],
        "checkpoints/converter/config.json": _json(one[1]),
        **{f"{SPEAKERS}/{name}": _tone(number) for number, name in enumerate(TONES)},
    }
    v2 = {
        "README.md": b"#",
        **{
            f"base_speakers/ses/{name}.pth": _tone(number)
            for number, name in enumerate(BASE_TONES, start=20)
        },
        "converter/checkpoint.pth": two[0],
        "converter/config.json": _json(two[1]),
    }
    return MappingProxyType({V1: v1, V2: v2})


def lay_out(root: Path) -> Mapping[str, Path]:
    """The folders of both repositories below a folder."""
    found = {}
    for repository, files in repositories().items():
        found[repository] = root / repository.rpartition("/")[2]
        for path, content in files.items():
            place = found[repository] / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return found


def entries(v1: object = V1, v2: object = V2) -> list[dict[str, Any]]:
    """The entries of `model_configs` as users of Harmony Speech Engine write them."""
    usual = {"max_batch_size": 10, "dtype": "float32", "device_config": {"device": "cpu"}}
    kinds = [
        ("OpenVoiceV1Synthesizer", v1, {"language": "EN", "voices": list(STYLES)}),
        ("OpenVoiceV1Synthesizer", v1, {"language": "ZH", "voices": ["default"]}),
        ("OpenVoiceV1ToneConverter", v1, {}),
        ("OpenVoiceV1ToneConverterEncoder", v1, {}),
        ("OpenVoiceV2ToneConverter", v2, {}),
        ("OpenVoiceV2ToneConverterEncoder", v2, {}),
    ]
    return [
        {"name": name, "model": str(source), "model_type": kind, **own, **usual}
        for name, (kind, source, own) in zip(NAMES, kinds, strict=True)
    ]


def configuration(folders: Mapping[str, Path]) -> dict[str, Any]:
    """A configuration of all that OpenVoice needs, on folders from `lay_out`."""
    embedded = settings.load(BUNDLE / "configuration.yaml").model_configs
    others = [
        entry.model_dump(mode="json", exclude_defaults=True)
        for entry in embedded
        if entry.name in OTHERS
    ]
    return {"model_configs": [*others, *entries(folders[V1], folders[V2])]}


def _checkpoint(name: str) -> tuple[bytes, dict[str, Any]]:
    """A network's `.pth`, with what training leaves in it, and its config."""
    weights, config = _network(name)
    packed = {"model": weights, "iteration": 7, "optimizer": None, "learning_rate": 0.0001}
    return saved(packed), config


def _network(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    try:
        folder = golden(name)
    except pytest.skip.Exception:
        return _generated(CONFIGS[name])
    tensors = read_tensors(folder, "weights.safetensors")
    weights = {key: torch.from_numpy(values) for key, values in tensors.items()}
    return weights, read_json(folder, "config.json")


def _generated(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random weights for a network of this config."""
    from networks.openvoice.config import ConverterConfig, SynthesizerConfig
    from networks.openvoice.converter import ToneConverter
    from networks.openvoice.synthesizer import Synthesizer
    from tests.vits import checkpoint

    if config["data"]["n_speakers"]:
        return checkpoint(lambda: Synthesizer(SynthesizerConfig.parsed(config))), config
    return checkpoint(lambda: ToneConverter(ConverterConfig.parsed(config))), config


def _tone(number: int) -> bytes:
    import torch

    return saved(torch.from_numpy(tone(number))[None, :, None])


def _json(values: Any) -> bytes:
    return json.dumps(values).encode()
