"""Gated convolutions with skip connections (WaveNet, van den Oord et al. 2016), not causal.

x ─► convolution ─► + speaker ─► tanh · sigmoid ─► 1x1 ─┬─► + x ─► next layer
                                                       └─► sum of all layers ─► out
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from networks.vits.masks import masked
from networks.vits.weight_norm import NormedConv1d

KERNEL = 5


class WaveNet(nn.Module):
    def __init__(self, channels: int, layers: int, gin: int) -> None:
        super().__init__()
        self.cond_layer = NormedConv1d(gin, 2 * channels * layers, 1)
        self.in_layers = nn.ModuleList(
            NormedConv1d(channels, 2 * channels, KERNEL, padding=KERNEL // 2) for _ in range(layers)
        )
        # The last layer has no next one to speak to.
        outputs = [2 * channels] * (layers - 1) + [channels]
        self.res_skip_layers = nn.ModuleList(NormedConv1d(channels, n, 1) for n in outputs)
        self.reach = layers * (KERNEL // 2)  # frames to either side that an output depends on

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        speaker = self.cond_layer(g).chunk(len(self.in_layers), dim=1)
        *layers, last = zip(self.in_layers, speaker, self.res_skip_layers, strict=True)
        skipped = torch.zeros_like(x)
        for convolution, told, split in layers:
            through, skip = split(_gated(convolution(x) + told)).chunk(2, dim=1)
            x = masked(x + through, mask)
            skipped = skipped + skip
        convolution, told, split = last
        return masked(skipped + split(_gated(convolution(x) + told)), mask)


def _gated(x: Tensor) -> Tensor:
    content, gate = x.chunk(2, dim=1)
    return torch.tanh(content) * torch.sigmoid(gate)
