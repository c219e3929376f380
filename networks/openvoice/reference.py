"""The reference encoder: from the spectrogram of a clip to the tone of its voice, one vector.

spectrogram ─► norm over bins ─► six 3x3 convolutions, each halves frames and bins ─► GRU ─► last state
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from networks.vits.masks import mask_of, masked, padded
from networks.vits.weight_norm import NormedConv2d

CHANNELS = (32, 32, 64, 64, 128, 128)
STATE = 128


class ReferenceEncoder(nn.Module):
    def __init__(self, bins: int, gin: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(bins)
        self.convs = nn.ModuleList(
            NormedConv2d(inputs, outputs, 3, stride=2, padding=1)
            for inputs, outputs in zip((1, *CHANNELS), CHANNELS, strict=False)
        )
        for _ in CHANNELS:
            bins = _half(bins)
        self.gru = nn.GRU(CHANNELS[-1] * bins, STATE, batch_first=True)
        self.proj = nn.Linear(STATE, gin)

    @torch.inference_mode()
    def tones(self, specs: Sequence[Tensor]) -> Tensor:
        """`[B, gin]`, on the CPU, of spectrograms `[bins, T]`.

        An accelerator takes all at once. A CPU is twice as fast one after the other: the first layers'
        images of a batch are larger than its cache.
        """
        device = self.proj.weight.device
        if device.type == "cpu":
            return torch.cat([self(spec[None], [spec.shape[-1]]) for spec in specs])
        made: Tensor = self(padded(specs).to(device), [spec.shape[-1] for spec in specs])
        return made.cpu()

    def forward(self, spec: Tensor, lengths: Sequence[int]) -> Tensor:
        """`[B, gin]` of `[B, bins, T]`, each row told by its own frames alone."""
        # An image of one channel, frames by bins
        x = _silenced(self.layernorm(spec.transpose(1, 2))[:, None], lengths)
        for convolution in self.convs:
            lengths = [_half(length) for length in lengths]
            x = _silenced(torch.relu(convolution(x)), lengths)
        states, _ = self.gru(x.transpose(1, 2).flatten(2))
        rows = torch.arange(len(lengths), device=x.device)
        last = torch.tensor(lengths, device=x.device) - 1
        tones: Tensor = self.proj(states[rows, last])
        return tones


def _silenced(image: Tensor, lengths: Sequence[int]) -> Tensor:
    """Images `[B, channels, frames, bins]` with zeros behind each row's last frame."""
    mask = mask_of(lengths, image[:, 0].transpose(1, 2))
    return image if mask is None else masked(image, mask[..., None])


def _half(count: int) -> int:
    return (count + 1) // 2
