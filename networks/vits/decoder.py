"""HiFi-GAN's generator (Kong et al. 2020): from latent frames to a waveform, louder in rate each stage.

z ─► conv ─► + speaker ─► [ upsample ─► mean of residual blocks ] × stages ─► conv ─► tanh
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.config import DecoderSizes
from networks.vits.convolution import Conv1d
from networks.vits.masks import mask_of, masked
from networks.vits.stretches import in_stretches
from networks.vits.weight_norm import NormedConv1d, NormedConvTranspose1d

SLOPE = 0.1  # of the leaky ReLUs
LAST_SLOPE = 0.01  # the original leaves PyTorch's default before its last convolution
EDGE = 7  # kernel of the first and the last convolution
STRETCH = (
    1 << 20
)  # values of one layer that a CPU works on at a time: 4 MiB, measured to be fastest


class ResidualBlock(nn.Module):
    """Rounds of a dilated and a plain convolution, each round added to what came in."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=kernel // 2 * span, dilation=span)
            for span in dilations
        )
        self.convs2 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = dilated(masked(F.leaky_relu(x, SLOPE), mask))
            x = plain(masked(F.leaky_relu(y, SLOPE, inplace=True), mask)).add_(x)
        return x


class Decoder(nn.Module):
    def __init__(self, channels: int, sizes: DecoderSizes, gin: int) -> None:
        super().__init__()
        widths = [sizes.initial_channel >> stage for stage in range(len(sizes.rates) + 1)]
        self.conv_pre = Conv1d(channels, widths[0], EDGE, padding=EDGE // 2)
        self.cond = Conv1d(gin, widths[0], 1)
        self.ups = nn.ModuleList(
            NormedConvTranspose1d(wide, narrow, kernel, stride=rate, padding=(kernel - rate) // 2)
            for wide, narrow, kernel, rate in zip(
                widths, widths[1:], sizes.kernels, sizes.rates, strict=False
            )
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations)
            for width in widths[1:]
            for kernel, dilations in zip(sizes.block_kernels, sizes.block_dilations, strict=True)
        )
        self.conv_post = Conv1d(widths[-1], 1, EDGE, padding=EDGE // 2, bias=False)
        self.stretch = STRETCH
        self._sizes = sizes

    @property
    def reach(self) -> int:
        """Frames to either side that a sample depends on."""
        steps = EDGE // 2  # from the last layer back to the first, in each stage's own rate
        for stage in reversed(range(len(self.ups))):
            steps = self._reach(stage, steps)
        return steps + EDGE // 2

    def forward(self, z: Tensor, g: Tensor, mask: Tensor | None = None) -> Tensor:
        """`[B, 1, T * hop]` of `[B, C, T]`, at once; without a mask, rows hear their padding."""
        x = self.conv_pre(masked(z, mask)) + self.cond(g)
        for stage, rate in enumerate(self._sizes.rates):
            x = self._stage(stage, x, mask)
            mask = None if mask is None else mask.repeat_interleave(rate, dim=-1)
        return self._end(x, mask)

    def sounds(self, z: Tensor, g: Tensor, lengths: Sequence[int]) -> list[Tensor]:
        """Samples `[T * hop]` of each row of `[B, C, T]`, as it sounds alone; float32, on the CPU.

        Latents come in float32 and are decoded in the weights' own format. An accelerator takes all rows
        at once. A CPU is fastest with what fits into its cache: one row after the other, in stretches.
        """
        z, g = z.to(self.conv_pre.weight.dtype), g.to(self.conv_pre.weight.dtype)
        if z.device.type == "cpu":
            rows = zip(z, g, lengths, strict=True)
            return [self._row(one[None, :, :n], told[None])[0, 0].float() for one, told, n in rows]
        made = self(z, g, mask_of(lengths, z)).float().cpu()
        hop = self._sizes.hop
        return [row[0, : length * hop] for row, length in zip(made, lengths, strict=True)]

    def _row(self, z: Tensor, g: Tensor) -> Tensor:
        x = self.conv_pre(z) + self.cond(g)
        for stage, rate in enumerate(self._sizes.rates):
            width = self._sizes.initial_channel >> (stage + 1)
            length = max(self.stretch // (width * rate), 1)
            x = in_stretches(
                partial(self._stage, stage, mask=None), x,
                length=length, reach=self._reach(stage, 0), rate=rate,
            )  # fmt: skip
        length = max(self.stretch // x.shape[1], 1)
        return in_stretches(partial(self._end, mask=None), x, length=length, reach=EDGE // 2)

    def _stage(self, stage: int, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.ups[stage](masked(F.leaky_relu(x, SLOPE), mask))
        if mask is not None:
            mask = mask.repeat_interleave(self._sizes.rates[stage], dim=-1)
        count = len(self._sizes.block_kernels)
        first, *others = self.resblocks[stage * count : (stage + 1) * count]
        total: Tensor = first(x, mask)
        for block in others:
            total += block(x, mask)
        return total.div_(count)

    def _end(self, x: Tensor, mask: Tensor | None) -> Tensor:
        made: Tensor = self.conv_post(masked(F.leaky_relu(x, LAST_SLOPE), mask))
        return made.tanh_()

    def _reach(self, stage: int, steps: int) -> int:
        """Steps of a stage's input that its output depends on, `steps` of which are asked for."""
        sizes = self._sizes
        kernel, rate = sizes.kernels[stage], sizes.rates[stage]
        blocks = max(
            kernel // 2 * (sum(dilations) + len(dilations))
            for kernel, dilations in zip(sizes.block_kernels, sizes.block_dilations, strict=True)
        )
        return math.ceil((steps + blocks + kernel - 1 - (kernel - rate) // 2) / rate)
