"""A tiny BERT with random weights and a tiny vocabulary, in the layout of the hub.

CONFIG, TOKENIZER          what config.json and tokenizer_config.json say
vocabulary(words)          the text of a vocab.txt: BERT's marks, letters as words and within words, words
checkpoint(config, seed)   name → tensor, under the published names
repository()               {path: bytes}, for a fake hub or a folder
    a_bert(FULL_SIZE, layers)  a network as large as the published ones
"""

from __future__ import annotations

import io
import json
import math
import string
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from networks.bert.encoder import Bert, BertConfig, load
from networks.vits.checkpoint import described

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# As wide as MeloTTS reads it
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "architectures": ["BertForMaskedLM"],
    "vocab_size": 400,
    "hidden_size": 768,
    "num_hidden_layers": 4,
    "num_attention_heads": 12,
    "intermediate_size": 24,
    "hidden_act": "gelu",
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
FULL_SIZE: dict[str, Any] = {
    **CONFIG, "vocab_size": 30522, "num_hidden_layers": 12, "intermediate_size": 3072,
    "max_position_embeddings": 512,
}  # fmt: skip
TOKENIZER: dict[str, Any] = {"do_lower_case": True}


def vocabulary(words: Iterable[str] = ()) -> str:
    letters = string.ascii_lowercase + string.digits
    inside = [f"##{letter}" for letter in letters]
    entries = dict.fromkeys([*MARKS, *string.punctuation, "…", *letters, *inside, *words])
    return "".join(f"{entry}\n" for entry in entries)


def checkpoint(config: Mapping[str, Any] = CONFIG, seed: int = 0) -> dict[str, Tensor]:
    """As published: inside a model that predicts words, of which we read a part."""
    parsed = BertConfig.parsed(config)
    dice = torch.Generator().manual_seed(seed)
    network = described(lambda: Bert(parsed, parsed.layers))
    weights = {
        f"bert.{name}": _drawn(name, tensor.shape, dice)
        for name, tensor in network.state_dict().items()
    }
    others = {
        "bert.embeddings.position_ids": torch.arange(parsed.positions)[None],
        "bert.pooler.dense.weight": torch.zeros(parsed.hidden, parsed.hidden),
        "cls.predictions.bias": torch.zeros(parsed.words),
    }
    return {**weights, **others}


def a_bert(config: Mapping[str, Any], layers: int) -> Bert:
    return load(BertConfig.parsed(config), checkpoint(config), layers=layers)


def repository(words: Iterable[str] = (), weights: str = "pytorch_model.bin") -> dict[str, bytes]:
    found = checkpoint()
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer_config.json": json.dumps(TOKENIZER).encode(),
        "vocab.txt": vocabulary(words).encode(),
        weights: _saved(found) if weights.endswith(".bin") else _safe(found),
    }


def _saved(weights: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(weights), buffer)
    return buffer.getvalue()


def _safe(weights: Mapping[str, Tensor]) -> bytes:
    """What a safetensors file of float32 holds."""
    told: dict[str, Any] = {}
    body = b""
    for name, tensor in weights.items():
        part = tensor.float().contiguous().numpy().tobytes()
        span = [len(body), len(body) + len(part)]
        told[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": span}
        body += part
    header = json.dumps(told).encode()
    return len(header).to_bytes(8, "little") + header + body


def _drawn(name: str, shape: torch.Size, dice: torch.Generator) -> Tensor:
    drawn = torch.randn(shape, generator=dice)
    if name.endswith("LayerNorm.weight"):
        return 1 + 0.1 * drawn
    if name.endswith("bias"):
        return 0.1 * drawn
    return drawn * (1 if "embeddings" in name else 2 / math.sqrt(shape[-1]))
