"""MeloTTS' repositories with small networks in them, each with the BERT of its language.

    repositories()                {repository: {path: bytes}}, for a fake hub, at the commits()
    folders = lay_out(tmp_path)   the same as folders, with OpenVoice's, which have the tones of the voices
    entry("EN", folders)          an entry of a configuration that uses them
    a_synthesizer(full_size())    a network as large as the published ones

The networks are random: they babble at 44.1 kHz, and every phone lasts three frames or so. The symbols are
the published ones where the golden data lie beside the repository.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runners.melo_releases import LANGUAGES, RELEASES
from tests import bert, openvoice
from tests.golden import golden, read_json
from tests.vits import checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from networks.melo.synthesizer import MeloSynthesizer

VOICES = {
    "MeloTTS-English": {"EN-US": 0, "EN-BR": 1, "EN_INDIA": 2, "EN-AU": 3, "EN-Default": 4},
    "MeloTTS-English-v2": {"EN-US": 0, "EN-BR": 1, "EN-INDIA": 2, "EN-AU": 4},
    "MeloTTS-English-v3": {"EN-Newest": 0},
    "MeloTTS-Chinese": {"ZH": 1},
    "MeloTTS-Japanese": {"JP": 0},
    "MeloTTS-Korean": {"KR": 0},
    "MeloTTS-Spanish": {"ES": 0},
    "MeloTTS-French": {"FR": 0},
}
RELEASE_OF = {
    "EN": "MeloTTS-English", "ZH": "MeloTTS-Chinese", "JP": "MeloTTS-Japanese",
    "KR": "MeloTTS-Korean", "ES": "MeloTTS-Spanish", "FR": "MeloTTS-French",
}  # fmt: skip
# What the languages' tokenizers find in the texts of our tests, besides letters and marks
WORDS = {
    "EN": ("the", "birds", "are", "singing", "my", "little", "sister"),
    "ZH": ("the", "小", "鸟", "在", "唱", "歌", "我", "们", "准", "备", "好", "了"),
    "JP": ("準備", "でき", "まし", "た", "ジュンビ", "デキ", "マシ", "タ", "。"),
    "KR": ("준비", "##되", "##었습니다", "준비되었습니다"),
    "ES": ("todo", "listo", "los"),
    "FR": ("Tout", "est", "prêt", "les"),
}
SETTINGS: Mapping[str, dict[str, Any]] = {
    "EN": {"do_lower_case": True},
    "ZH": {"do_lower_case": True},
    "JP": {
        "tokenizer_class": "BertJapaneseTokenizer", "do_lower_case": False,
        "word_tokenizer_type": "mecab", "subword_tokenizer_type": "wordpiece",
        "mecab_kwargs": {"mecab_dic": "unidic_lite"},
    },
    "KR": {"do_lower_case": True, "strip_accents": False},
    "ES": {"do_lower_case": True, "strip_accents": False},
    "FR": {"do_lower_case": False},
}  # fmt: skip
_CONFIG: dict[str, Any] = {
    "data": {
        "sampling_rate": 44100, "filter_length": 512, "hop_length": 512, "add_blank": True,
        "n_speakers": 6,
    },
    "model": {
        "use_spk_conditioned_encoder": True, "inter_channels": 6, "hidden_channels": 8,
        "filter_channels": 12, "n_heads": 2, "n_layers": 3, "n_layers_trans_flow": 3,
        "kernel_size": 3, "p_dropout": 0.1, "resblock": "1", "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]], "upsample_rates": [8, 8, 2, 2, 2],
        "upsample_initial_channel": 32, "upsample_kernel_sizes": [16, 16, 8, 2, 2],
        "gin_channels": openvoice.GIN,
    },
    "num_tones": 16,
    "num_languages": 10,
}  # fmt: skip
_FULL_SIZE = {
    "inter_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_layers": 6,
    "resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_initial_channel": 512, "gin_channels": 256,
}  # fmt: skip
_ENOUGH_FOR_ENGLISH = (
    "_ AA E EE N OO V a aa ae ah ai an ang ao aw ay b ch d dh e eh ei en eng er ey f g h hh i iy ih ing j jh "
    "k l m n ng o ong ou ow oy p q r s sh t th u uh uw w x y z zh ! ? … , . ' - SP UNK"
)

Repository = Mapping[str, bytes]


def symbols() -> list[str]:
    """Those of most releases, where the golden data are at hand."""
    try:
        listed = read_json(golden("melotts_synthesizer"), "symbols.json")
    except pytest.skip.Exception:
        return _ENOUGH_FOR_ENGLISH.split()
    found: list[str] = listed["symbols_219_a"]["list"]
    return found


def config(voices: Mapping[str, int]) -> dict[str, Any]:
    """What config.json says of a release with these voices."""
    data = {**_CONFIG["data"], "spk2id": dict(voices)}
    return {**_CONFIG, "data": data, "symbols": symbols()}


def full_size() -> dict[str, Any]:
    """What config.json says of an English release, in the published sizes."""
    model = {**_CONFIG["model"], **_FULL_SIZE}
    data = {**_CONFIG["data"], "filter_length": 2048, "n_speakers": 256}
    return {**config({}), "data": data, "model": model}


def weights(values: Mapping[str, Any]) -> dict[str, Tensor]:
    """Random weights for a config, under the published names."""
    from networks.melo.config import MeloConfig
    from networks.melo.synthesizer import MeloSynthesizer

    found = checkpoint(lambda: MeloSynthesizer(MeloConfig.parsed(values)))
    # Three frames for a phone, give or take what chance does.
    found["dp.proj.weight"] *= 0.1
    found["dp.proj.bias"].fill_(math.log(3) / 0.8)
    return found


def a_synthesizer(values: Mapping[str, Any]) -> MeloSynthesizer:
    from networks.melo.config import MeloConfig
    from networks.melo.synthesizer import load

    return load(MeloConfig.parsed(values), weights(values))


@cache
def _checkpoint() -> bytes:
    return openvoice.saved({"model": weights(config({})), "iteration": 7, "optimizer": None})


@cache
def _bert(name: str) -> dict[str, bytes]:
    published = next(one.bert for one in LANGUAGES if one.name == name)
    files = bert.repository(WORDS[name], published.weights)
    return {
        **files,
        "tokenizer_config.json": json.dumps(SETTINGS[name]).encode(),
        "tf_model.h5": b"nobody wants it",
    }


@cache
def repositories() -> Mapping[str, Repository]:
    """Every release and every BERT, by the id of the repository."""
    releases = {
        f"myshell-ai/{name}": {
            "README.md": b"#",
            "config.json": json.dumps(config(voices)).encode(),
            "checkpoint.pth": _checkpoint(),
        }
        for name, voices in VOICES.items()
    }
    berts = {one.bert.source.partition("@")[0]: _bert(one.name) for one in LANGUAGES}
    return {**releases, **berts}


def commits() -> Mapping[str, str]:
    """The known commit of each repository."""
    known = {name: commit for name, commit, _ in RELEASES.values()}
    berts = (one.bert.source.partition("@") for one in LANGUAGES)
    return {**known, **{name: commit for name, _, commit in berts}}


def lay_out(root: Path) -> Mapping[str, Path]:
    """The folders of all repositories below a folder."""
    found = dict(openvoice.lay_out(root))
    for repository, files in repositories().items():
        found[repository] = root / repository.replace("/", "--")
        for path, content in files.items():
            place = found[repository] / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return found


def entry(
    language: str, folders: Mapping[str, Path] | None = None, **changes: Any
) -> dict[str, Any]:
    """An entry of `model_configs` as users of Harmony Speech Engine write it; on folders, if given."""
    repository = f"myshell-ai/{changes.pop('release', RELEASE_OF[language])}"
    usual = {
        "name": f"ov2-synthesizer-{language.lower()}",
        "model": repository,
        "model_type": "MeloTTSSynthesizer",
        "language": language,
        "max_batch_size": 10,
        "dtype": "float32",
        "device_config": {"device": "cpu"},
    }
    if folders is not None:
        spoken = next(one for one in LANGUAGES if one.name == language)
        options = {
            "bert": str(folders[spoken.bert.source.partition("@")[0]]),
            "tones": str(folders[openvoice.V2]),
        }
        usual |= {"model": str(folders[repository]), "options": options}
    return {**usual, **changes}
