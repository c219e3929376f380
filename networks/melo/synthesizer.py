"""MeloTTS' network, a VITS2 that reads BERT: symbols, tones and features of the text to sound at 44.1 kHz.

symbols, tones, languages ─► + ─► attention, told the speaker ─► durations, frames ─► flow ─► decoder
BERT features ─► 1x1 ────────┘

synthesizer = load(MeloConfig.parsed(config), weights)
synthesizer.speak([Utterance((0, 12, 0), (0, 7, 0), (0, 2, 0), speaker=4, features=vectors)])
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from networks.melo.config import FLOW_LAYERS, MeloConfig
from networks.vits.attention import AttentionStack
from networks.vits.checkpoint import described, fill
from networks.vits.convolution import Conv1d, place
from networks.vits.flow import Coupling, Flow
from networks.vits.masks import mask_of, masked, padded
from networks.vits.synthesizer import Encoded, Manner, Sizes, Synthesizer, TooLong

MOST_FRAMES = 5_000  # of one utterance: a minute. Attention over twice as many would take 4 GB
FLOW_KERNEL = 5  # whatever the config says of the text encoder's
FEATURES, WIDE_FEATURES = 768, 1024  # of a position, from a base and from a large BERT


@attrs.frozen(eq=False)
class Utterance:
    """What one row of a batch says: for each position, blanks among them, ids and features of the text."""

    symbols: Sequence[int]
    tones: Sequence[int]
    languages: Sequence[int]
    speaker: int  # a row of the speaker table
    features: Tensor | None = None  # [768, T]; None is the same as zeros
    wide_features: Tensor | None = None  # [1024, T], which no published release is given
    manner: Manner = attrs.field(factory=Manner)


@attrs.frozen(eq=False)
class Text:
    """Padded rows: ids `[B, T]`, features `[B, 768, T]` and `[B, 1024, T]`."""

    symbols: Tensor
    tones: Tensor
    languages: Tensor
    features: Tensor | None
    wide_features: Tensor | None
    lengths: Sequence[int]


class TextEncoder(nn.Module):
    def __init__(self, config: MeloConfig) -> None:
        super().__init__()
        self.emb = nn.Embedding(len(config.symbols), config.hidden)
        self.tone_emb = nn.Embedding(config.tones, config.hidden)
        self.language_emb = nn.Embedding(config.languages, config.hidden)
        self.bert_proj = Conv1d(WIDE_FEATURES, config.hidden, 1)
        self.ja_bert_proj = Conv1d(FEATURES, config.hidden, 1)
        self.encoder = AttentionStack(
            config.hidden, config.filters, config.heads, config.layers, config.kernel,
            config.gin if config.told_speaker else 0,
        )  # fmt: skip
        self.proj = Conv1d(config.hidden, 2 * config.channels, 1)
        self.scale = math.sqrt(config.hidden)

    def forward(self, text: Text, g: Tensor) -> Encoded:
        ids = self.emb(text.symbols) + self.tone_emb(text.tones) + self.language_emb(text.languages)
        read = _projected(self.bert_proj, text.wide_features)
        read = read + _projected(self.ja_bert_proj, text.features)
        x = (ids.transpose(1, 2) + read) * self.scale
        mask = mask_of(text.lengths, x)
        hidden = self.encoder(x, mask, g)
        mean, log_scale = masked(self.proj(hidden), mask).chunk(2, dim=1)
        return Encoded(hidden, mean, log_scale, tuple(text.lengths), mask)


class MeloSynthesizer(Synthesizer):
    def __init__(self, config: MeloConfig) -> None:
        sizes = Sizes(
            config.channels, config.hidden, config.gin, config.speakers, config.sound.bins,
            config.decoder,
        )  # fmt: skip
        super().__init__(sizes, _attention_flow(config))
        self.enc_p = TextEncoder(config)
        self.config = config

    @torch.inference_mode()
    def speak(
        self, utterances: Sequence[Utterance], most_frames: int = MOST_FRAMES
    ) -> list[Tensor | TooLong]:
        """Samples `[T]`, float32 on the CPU, of each utterance, as it would sound alone.

        ValueError for an id that there is not; TooLong in the place of an utterance that would have
        more frames than allowed.
        """
        for utterance in utterances:
            self._check(utterance)
        g = self.speaker([utterance.speaker for utterance in utterances])
        encoded = self.enc_p(self._text(utterances), g)
        return self.utter(encoded, g, [utterance.manner for utterance in utterances], most_frames)

    def _text(self, utterances: Sequence[Utterance]) -> Text:
        def ids(rows: Sequence[Sequence[int]]) -> Tensor:
            return padded([torch.tensor(row) for row in rows]).to(self.device)

        return Text(
            ids([utterance.symbols for utterance in utterances]),
            ids([utterance.tones for utterance in utterances]),
            ids([utterance.languages for utterance in utterances]),
            self._features([one.features for one in utterances], FEATURES),
            self._features([one.wide_features for one in utterances], WIDE_FEATURES),
            [len(utterance.symbols) for utterance in utterances],
        )

    def _features(self, rows: Sequence[Tensor | None], width: int) -> Tensor | None:
        if all(row is None for row in rows):
            return None
        nothing = torch.zeros(width, 0, device=self.device)
        return padded([nothing if row is None else row.to(self.device) for row in rows])

    def _check(self, utterance: Utterance) -> None:
        count, config = len(utterance.symbols), self.config
        if not count:
            raise ValueError("an utterance without symbols")
        for what, ids, known in (
            ("symbols", utterance.symbols, len(config.symbols)),
            ("tones", utterance.tones, config.tones),
            ("languages", utterance.languages, config.languages),
            ("speakers", (utterance.speaker,) * count, config.speakers),
        ):
            if len(ids) != count or not all(0 <= one < known for one in ids):
                raise ValueError(f"{what} must be {count} numbers from 0 to {known - 1}")
        for features, width in (
            (utterance.features, FEATURES),
            (utterance.wide_features, WIDE_FEATURES),
        ):
            if features is not None and features.shape != (width, count):
                raise ValueError(f"features must be [{width}, {count}]")


def load(
    config: MeloConfig,
    weights: Mapping[str, Tensor],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> MeloSynthesizer:
    """A synthesizer with a checkpoint's weights, which must be exactly its own (else UnfitWeights).

    The decoder runs in `dtype`; everything else stays float32.
    """
    network = described(lambda: MeloSynthesizer(config))
    fill(network, weights)
    network.forget_training()
    network.dec.to(dtype)
    place(network, device)
    return network


def spread_over(features: Tensor, counts: Sequence[int]) -> Tensor:
    """`[768, positions]` of `[tokens, 768]`: each token's features at as many positions as it counts."""
    return features.T.repeat_interleave(torch.tensor(counts, device=features.device), dim=1)


def _projected(projection: Conv1d, features: Tensor | None) -> Tensor:
    """What zeros become is the bias alone, which is as much as most calls ask for."""
    if features is None:
        assert projection.bias is not None
        return projection.bias[:, None]
    made: Tensor = projection(features)
    return made


def _attention_flow(config: MeloConfig) -> Flow:
    """Couplings of attention, each told the speaker before its last layer."""
    return Flow(
        Coupling(
            config.channels,
            config.hidden,
            AttentionStack(
                config.hidden, config.filters, config.heads, FLOW_LAYERS, FLOW_KERNEL, config.gin
            ),
        )
        for _ in range(config.couplings)
    )
