"""The posterior encoder: from a spectrogram to the latent frames that the decoder could have made it of."""

from __future__ import annotations

from torch import Tensor, nn

from networks.vits.convolution import Conv1d
from networks.vits.masks import masked
from networks.vits.wavenet import WaveNet

LAYERS = 16


class PosteriorEncoder(nn.Module):
    def __init__(self, bins: int, channels: int, hidden: int, gin: int) -> None:
        super().__init__()
        self.pre = Conv1d(bins, hidden, 1)
        self.enc = WaveNet(hidden, LAYERS, gin)
        self.proj = Conv1d(hidden, 2 * channels, 1)

    def forward(self, spec: Tensor, mask: Tensor | None, g: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-scale `[B, C, T]` of the latents of a spectrogram `[B, bins, T]`."""
        hidden = self.enc(masked(self.pre(spec), mask), mask, g)
        mean, log_scale = masked(self.proj(hidden), mask).chunk(2, dim=1)
        return mean, log_scale
