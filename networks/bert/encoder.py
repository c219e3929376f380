"""BERT's encoder: ids of tokens to vectors. The names of the weights are those of published checkpoints.

    ids ─► word + position ─► norm ─► [ attention ─► + ─► norm ─► wide, GELU, narrow ─► + ─► norm ] × layers

A text longer than the positions that BERT has is read in parts, each framed as a text of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.checkpoint import described, fill
from networks.vits.config import DEEPEST, WIDEST, Section, UnfitConfig
from networks.vits.masks import padded

WORDS = 1 << 20  # rows of the largest vocabulary that is believed
INNERMOST = 1 << 14  # channels between the two halves of a feed-forward layer
LONGEST = 1 << 14  # positions
# Names in checkpoints: of the whole model around the encoder, and of the norms of the first releases
PREFIX = "bert."
OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}


@attrs.frozen
class BertConfig:
    """Of a published config.json."""

    words: int
    hidden: int
    inner: int
    heads: int
    layers: int
    positions: int
    kinds: int  # of tokens: of a first and a second text, of which we have only the first
    epsilon: float

    @classmethod
    def parsed(cls, values: object) -> BertConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        config = Section(values)
        config.only("model_type", "bert")
        config.only("hidden_act", "gelu")
        config.only("position_embedding_type", "absolute")
        return cls(
            words=config.whole("vocab_size", 1, WORDS),
            hidden=config.shared("hidden_size", "num_attention_heads"),
            inner=config.whole("intermediate_size", 1, INNERMOST),
            heads=config.whole("num_attention_heads", 1, DEEPEST),
            layers=config.whole("num_hidden_layers", 1, DEEPEST),
            positions=config.whole("max_position_embeddings", 3, LONGEST),
            kinds=config.whole("type_vocab_size", 1, WIDEST),
            epsilon=config.number("layer_norm_eps", 1e-12, most=1),
        )


class _Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.hidden, config.hidden)
        self.key = nn.Linear(config.hidden, config.hidden)
        self.value = nn.Linear(config.hidden, config.hidden)

    def forward(self, x: Tensor, heard: Tensor | None) -> Tensor:
        """`heard` `[B, 1, 1, T]` is false where a row has ended."""
        query, key, value = (
            part(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=heard)
        return found.transpose(1, 2).flatten(2)


class _Sum(nn.Module):
    """A projection that is added to what was there before, and the norm of both."""

    def __init__(self, inputs: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden)
        self.LayerNorm = nn.LayerNorm(config.hidden, config.epsilon)

    def forward(self, told: Tensor, x: Tensor) -> Tensor:
        summed: Tensor = self.LayerNorm(self.dense(told) + x)
        return summed


class _Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": _Attention(config), "output": _Sum(config.hidden, config)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.hidden, config.inner)})
        self.output = _Sum(config.inner, config)

    def forward(self, x: Tensor, heard: Tensor | None) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, heard), x)
        wide = F.gelu(self.intermediate["dense"](x))
        made: Tensor = self.output(wide, x)
        return made


class _Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.words, config.hidden)
        self.position_embeddings = nn.Embedding(config.positions, config.hidden)
        self.token_type_embeddings = nn.Embedding(config.kinds, config.hidden)
        self.LayerNorm = nn.LayerNorm(config.hidden, config.epsilon)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        x = x + self.position_embeddings.weight[: ids.shape[1]]
        normed: Tensor = self.LayerNorm(x)
        return normed


class Bert(nn.Module):
    """The first layers of a BERT; vectors `[T, hidden]` of texts of T tokens, both frames included."""

    def __init__(self, config: BertConfig, layers: int) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(_Layer(config) for _ in range(layers))}
        )
        self.config = config

    @property
    def device(self) -> torch.device:
        return self.embeddings.word_embeddings.weight.device

    def forward(self, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """`[B, T, hidden]` of padded ids `[B, T]`; what lies behind a row's end has no meaning."""
        heard = None
        if min(lengths) < ids.shape[1]:
            places = torch.arange(ids.shape[1], device=ids.device)
            ends = torch.tensor(lengths, device=ids.device)
            heard = (places < ends[:, None])[:, None, None]
        x: Tensor = self.embeddings(ids)
        for layer in cast(nn.ModuleList, self.encoder["layer"]):
            x = layer(x, heard)
        return x

    @torch.inference_mode()
    def read(self, texts: Sequence[Sequence[int]], begin: int, end: int) -> list[Tensor]:
        """Vectors `[T + 2, hidden]` of each text of T ids, between the ids that frame it."""
        room = self.config.positions - 2
        parts = [
            (text, [begin, *ids[start : start + room], end])
            for text, ids in enumerate(texts)
            for start in range(0, max(len(ids), 1), room)
        ]
        lengths = [len(ids) for _, ids in parts]
        rows = padded([torch.tensor(ids) for _, ids in parts]).to(self.device)
        vectors = self(rows, lengths)
        found: list[list[Tensor]] = [[] for _ in texts]
        for (text, ids), row in zip(parts, vectors, strict=True):
            found[text].append(row[: len(ids)])
        return [_joined(read) for read in found]


def load(
    config: BertConfig, weights: Mapping[str, Tensor], *, layers: int, device: str = "cpu"
) -> Bert:
    """The first `layers` of a checkpoint, which must have all that they need (else UnfitWeights)."""
    if layers > config.layers:
        raise UnfitConfig(f"config.json: num_hidden_layers is {config.layers}; {layers} are needed")
    network = described(lambda: Bert(config, layers))
    own = network.state_dict().keys()
    found = {_renamed(name): tensor for name, tensor in weights.items()}
    fill(network, {name: tensor for name, tensor in found.items() if name in own})
    return network.to(device)


def _renamed(name: str) -> str:
    name = str(name).removeprefix(PREFIX)
    for old, new in OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """The vectors of a text that was read in parts, without the frames between them."""
    inner = [part[1:-1] for part in parts]
    return torch.cat([parts[0][:1], *inner, parts[-1][-1:]])
