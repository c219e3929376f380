"""Harmony Speech's vocoder, a multi-band MelGAN: mel frames to sound, 200 samples of 16 kHz for each.

    mel ─► conv ─► [ upsample ─► residual stacks ] × stages ─► conv ─► tanh ─► 4 bands ─► sound

    vocoder = load(VocoderConfig.parsed(config), weights, "cpu")
    vocoder.speak([mel])                                        # [samples], each row as it would be alone

At its ends a sound is mirrored wherever a layer looks beyond them. A sample depends on `vocoder.context`
frames to either side, so a long mel can be spoken in parts that join without seams.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.harmony import pqmf
from networks.harmony.config import BANDS, HOP, VocoderConfig
from networks.vits.checkpoint import described, fill
from networks.vits.convolution import place
from networks.vits.masks import mask_of, masked, padded
from networks.vits.stretches import in_stretches
from networks.vits.weight_norm import NormedConv1d, NormedConvTranspose1d, older_names

STRETCH = 1 << 20  # values of one layer that a CPU works on at a time: 4 MiB
RANGE = 4.0  # mels are from -4 to 4, and the vocoder has learned them from -1 to 1

Lengths = Sequence[int]


class ResidualStack(nn.Module):
    """A dilated and a plain convolution, added to a mix of what came in."""

    def __init__(self, channels: int, kernel: int, margin: int, slope: float) -> None:
        super().__init__()
        dilation = 2 * margin // (kernel - 1)
        # The numbers are places in the original's list, where activations and paddings count.
        self.stack = nn.ModuleDict(
            {
                "2": NormedConv1d(channels, channels, kernel, dilation=dilation),
                "4": NormedConv1d(channels, channels, 1),
            }
        )
        self.skip_layer = NormedConv1d(channels, channels, 1)
        self.margin = margin
        self.slope = slope

    def forward(self, x: Tensor, lengths: Lengths) -> Tensor:
        y = self.stack["2"](mirrored(F.leaky_relu(x, self.slope), self.margin, lengths))
        made: Tensor = self.stack["4"](F.leaky_relu(y, self.slope)) + self.skip_layer(x)
        return made


class Vocoder(nn.Module):
    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stretch = STRETCH
        self.melgan = nn.ModuleDict(
            {str(place): layer for place, layer in enumerate(_layers(config)) if layer is not None}
        )

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def context(self) -> int:
        """Frames to either side that a sample depends on; 16 in the published sizes."""
        steps = math.ceil(pqmf.TAPS / 2 / BANDS) + self.config.edge
        for scale in reversed(self.config.scales):
            steps = self._reach(scale, steps)
        return steps + self.config.edge

    @property
    def least(self) -> int:
        """Frames of the shortest mel that can be mirrored in every layer; 6 in the published sizes."""
        longest, factor, least = max(self.config.edge, *self.config.margins), 1, self.config.edge
        for scale in self.config.scales:
            factor *= scale
            least = max(least, longest // factor)
        return least + 1

    @torch.inference_mode()
    def speak(self, mels: Sequence[Tensor]) -> list[Tensor]:
        """Samples `[200 T]`, float32 on the CPU, of mels `[bands, T]` from -4 to 4.

        They are as loud as the mel says, which may be louder than 1. An accelerator takes all rows at
        once; a CPU is fastest with what fits into its cache: one row after the other, in stretches.
        """
        if not mels:
            return []
        counts = [mel.shape[-1] for mel in mels]
        mels = [_lengthened(mel, self.least) for mel in mels]
        if self.device.type == "cpu":
            rows = [pqmf.merged(self._row(self._told(mel[None])).float())[0, 0] for mel in mels]
        else:
            lengths = [mel.shape[-1] for mel in mels]
            bands = self(self._told(padded(mels)), lengths)
            rows = list(pqmf.merged(bands.float()).cpu()[:, 0])
        return [row[: count * HOP] for row, count in zip(rows, counts, strict=True)]

    def forward(self, x: Tensor, lengths: Lengths) -> Tensor:
        """Bands `[B, 4, 50 T]` of mels `[B, bands, T]` from -1 to 1, zeros behind each row's end."""
        x = self._begin(x, lengths)
        for stage, scale in enumerate(self.config.scales):
            x = self._stage(stage, x, lengths)
            lengths = [length * scale for length in lengths]
        bands = self._end(x, lengths)
        return masked(bands, mask_of(lengths, bands))

    def _told(self, mels: Tensor) -> Tensor:
        return mels.to(self.device, self.dtype) / RANGE

    def _row(self, x: Tensor) -> Tensor:
        """The same of one row alone, in stretches."""
        x = self._begin(x, [x.shape[-1]])
        for stage, scale in enumerate(self.config.scales):
            x = in_stretches(
                partial(self._stage, stage), x,
                length=max(self.stretch // (x.shape[1] // 2 * scale), 1),
                reach=self._reach(scale, 0), rate=scale,
            )  # fmt: skip
        return in_stretches(self._end, x, length=self.stretch // x.shape[1], reach=self.config.edge)

    def _begin(self, x: Tensor, lengths: Lengths) -> Tensor:
        made: Tensor = self.melgan["1"](mirrored(x, self.config.edge, lengths))
        return made

    def _stage(self, stage: int, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        lengths = lengths or [x.shape[-1]] * len(x)
        size = 1 + self.config.stacks
        _, *layers, _ = self.melgan.values()
        upsampler, *stacks = layers[stage * size : (stage + 1) * size]
        x = upsampler(masked(F.leaky_relu(x, self.config.slope), mask_of(lengths, x)))
        lengths = [length * self.config.scales[stage] for length in lengths]
        for stack in stacks:
            x = stack(x, lengths)
        return x

    def _end(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        *_, last = self.melgan.values()
        lengths = lengths or [x.shape[-1]] * len(x)
        x = mirrored(F.leaky_relu(x, self.config.slope), self.config.edge, lengths)
        return torch.tanh(last(x))

    def _reach(self, scale: int, steps: int) -> int:
        """Steps before a stage that its output depends on, `steps` of which are asked for."""
        upsampled = 2 * scale - 1 - overlap(scale)
        return math.ceil((steps + sum(self.config.margins) + upsampled) / scale)


def _layers(config: VocoderConfig) -> Iterator[nn.Module | None]:
    """All layers by their places in the original's list; None is one without weights."""
    yield from (None, NormedConv1d(config.mels, config.channels, config.kernel))
    channels = config.channels
    for scale in config.scales:
        yield None
        yield NormedConvTranspose1d(
            channels, channels // 2, 2 * scale,
            stride=scale, padding=overlap(scale), surplus=scale % 2,
        )  # fmt: skip
        channels //= 2
        for margin in config.margins:
            yield ResidualStack(channels, config.stack_kernel, margin, config.slope)
    yield from (None, None, NormedConv1d(channels, BANDS, config.kernel))


def overlap(scale: int) -> int:
    """Steps that an upsampler's first window begins before the sound."""
    return scale // 2 + scale % 2


def mirrored(x: Tensor, margin: int, lengths: Lengths) -> Tensor:
    """`[B, C, T + 2 margin]`: each row of `[B, C, T]` goes on beyond its ends as it came."""
    across = x.transpose(1, 2)  # channels stay side by side, as the convolutions want them
    before, behind = across[:, 1 : margin + 1].flip(1), across[:, -1 - margin : -1].flip(1)
    wide = torch.cat([before, across, behind], dim=1)
    for row, length in zip(wide, lengths, strict=True):
        if length < x.shape[-1]:
            end = margin + length
            row[end : end + margin] = row[end - 1 - margin : end - 1].flip(0)
    return wide.transpose(1, 2)


def load(
    config: VocoderConfig,
    weights: Mapping[str, Tensor],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Vocoder:
    """A vocoder with a checkpoint's weights, which must be exactly its own (else UnfitWeights)."""
    network = described(lambda: Vocoder(config))
    fill(network, older_names(weights))
    place(network.to(dtype), device)
    return network


def _lengthened(mel: Tensor, least: int) -> Tensor:
    """A mel that is too short to be mirrored goes on as it ended."""
    lacking = least - mel.shape[-1]
    return mel if lacking <= 0 else torch.cat([mel, mel[:, -1:].expand(-1, lacking)], dim=1)
