"""OpenVoice V1's base speaker: symbols and a style to sound. A style is a row of the speaker table.

synthesizer = load(SynthesizerConfig.parsed(config), weights, "cpu")
synthesizer.speak([Utterance(symbols=(0, 12, 0), speaker=1)])  ─► [samples]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from networks.openvoice.config import SynthesizerConfig
from networks.vits.attention import AttentionStack
from networks.vits.checkpoint import described, fill
from networks.vits.convolution import Conv1d, place
from networks.vits.flow import wavenet_flow
from networks.vits.masks import mask_of, masked, padded
from networks.vits.synthesizer import Encoded, Manner, Sizes, TooLong
from networks.vits.synthesizer import Synthesizer as VitsSynthesizer

MOST_FRAMES = 10_000  # of one utterance: two minutes


@attrs.frozen
class Utterance:
    """What one row of a batch says: symbol ids, blanks among them, and a row of the speaker table."""

    symbols: Sequence[int]
    speaker: int
    manner: Manner = attrs.field(factory=Manner)


class TextEncoder(nn.Module):
    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.emb = nn.Embedding(len(config.symbols), config.hidden)
        self.encoder = AttentionStack(
            config.hidden, config.filters, config.heads, config.layers, config.kernel
        )
        self.proj = Conv1d(config.hidden, 2 * config.channels, 1)
        self.scale = math.sqrt(config.hidden)

    def forward(self, symbols: Tensor, lengths: Sequence[int], g: Tensor) -> Encoded:
        x = self.emb(symbols).transpose(1, 2) * self.scale
        mask = mask_of(lengths, x)
        hidden = self.encoder(x, mask, g)
        mean, log_scale = masked(self.proj(hidden), mask).chunk(2, dim=1)
        return Encoded(hidden, mean, log_scale, tuple(lengths), mask)


class Synthesizer(VitsSynthesizer):
    def __init__(self, config: SynthesizerConfig) -> None:
        sizes = Sizes(
            config.channels, config.hidden, config.gin, config.speakers, config.sound.bins,
            config.decoder,
        )  # fmt: skip
        super().__init__(sizes, wavenet_flow(config.channels, config.hidden, config.gin))
        self.enc_p = TextEncoder(config)
        self.config = config

    @torch.inference_mode()
    def speak(
        self, utterances: Sequence[Utterance], most_frames: int = MOST_FRAMES
    ) -> list[Tensor | TooLong]:
        """Samples `[T]`, float32 on the CPU, of each utterance, as it would sound alone.

        ValueError for a symbol or a speaker that there is not; TooLong in the place of an utterance
        that would have more frames than allowed.
        """
        for utterance in utterances:
            self._check(utterance)
        lengths = [len(utterance.symbols) for utterance in utterances]
        symbols = padded([torch.tensor(utterance.symbols) for utterance in utterances])
        g = self.speaker([utterance.speaker for utterance in utterances])
        encoded = self.enc_p(symbols.to(self.device), lengths, g)
        return self.utter(encoded, g, [utterance.manner for utterance in utterances], most_frames)

    def _check(self, utterance: Utterance) -> None:
        known = len(self.config.symbols)
        if not utterance.symbols:
            raise ValueError("an utterance without symbols")
        if not all(0 <= symbol < known for symbol in utterance.symbols):
            raise ValueError(f"symbols must be from 0 to {known - 1}")
        if not 0 <= utterance.speaker < self.config.speakers:
            raise ValueError(
                f"speaker {utterance.speaker} is not one of 0 to {self.config.speakers - 1}"
            )


def load(
    config: SynthesizerConfig,
    weights: Mapping[str, Tensor],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Synthesizer:
    """A synthesizer with a checkpoint's weights, which must be exactly its own (else UnfitWeights).

    `dtype` is the decoder's, which does nine tenths of the work. What comes before it stays float32, so
    that durations are the same in any.
    """
    network = described(lambda: Synthesizer(config))
    fill(network, weights)
    network.forget_training()
    network.dec.to(dtype)
    place(network, device)
    return network
