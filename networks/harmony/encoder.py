"""Harmony Speech's speaker encoder: mel windows of a recording to the voice in it. Resemblyzer's, too.

    encoder = load(EncoderConfig.parsed(config), weights, "cpu")
    encoder.embed([mel_windows(clip) for clip in clips])        # [B, E], rows of length 1

A window's voice is what a stack of LSTMs knows after its last frame; a recording's is the mean of its
windows'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from networks.harmony.config import EncoderConfig
from networks.vits.checkpoint import described, fill

TOGETHER = 128  # windows in one forward: more is no faster, and memory stays bounded

State = tuple[Tensor, Tensor]


class SpeakerEncoder(nn.Module):
    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.lstm = nn.LSTM(config.mels, config.hidden, config.layers, batch_first=True)
        self.linear = nn.Linear(config.hidden, config.voice)
        # Training only, and in every checkpoint.
        self.similarity_weight = nn.Parameter(torch.ones(1))
        self.similarity_bias = nn.Parameter(torch.zeros(1))
        self.config = config

    @property
    def device(self) -> torch.device:
        return self.linear.weight.device

    @torch.inference_mode()
    def embed(self, clips: Sequence[Tensor]) -> Tensor:
        """Voices `[B, E]`, on the CPU, of clips that are mel windows `[W, T, mels]` each."""
        windows = torch.split(torch.cat(list(clips)), TOGETHER)
        voices = torch.cat([self(part.to(self.device)).cpu() for part in windows])
        means = [part.mean(0) for part in torch.split(voices, [len(clip) for clip in clips])]
        return _unit(torch.stack(means))

    def forward(
        self, mels: Tensor, lengths: Sequence[int] | None = None, state: State | None = None
    ) -> Tensor:
        """Voices `[B, E]` of mels `[B, T, mels]`; frames behind a row's length are not heard."""
        return _unit(torch.relu(self.linear(self.heard(mels, lengths, state))))

    def heard(
        self, mels: Tensor, lengths: Sequence[int] | None = None, state: State | None = None
    ) -> Tensor:
        """What the top layer knows after the last frame of each row."""
        known, _ = self.lstm(mels, state)
        # Time runs one way only, so whatever comes after a row's last frame has changed nothing.
        ends = torch.tensor(lengths or [mels.shape[1]] * len(mels), device=mels.device) - 1
        last: Tensor = known[torch.arange(len(mels), device=mels.device), ends]
        return last


def _unit(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths


def load(
    config: EncoderConfig, weights: Mapping[str, Tensor], device: str = "cpu"
) -> SpeakerEncoder:
    """An encoder with a checkpoint's weights, which must be exactly its own (else UnfitWeights)."""
    network = described(lambda: SpeakerEncoder(config))
    fill(network, weights)
    del network.similarity_weight, network.similarity_bias
    return network.to(device)
