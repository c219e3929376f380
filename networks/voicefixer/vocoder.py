"""VoiceFixer's vocoder, a TFGAN: mel frames to sound, 441 samples of 44.1 kHz for each.

    mel ─► weighted, dB, -4 to 4 ─► conditions ─► conv ─► [ upsample ─► residuals ] × 4 ─► conv ─► tanh

    vocoder = load(weights, "cpu")
    vocoder.speak([mel])            # [samples]; some frames longer than the mel, which is in the middle

A frame hears some hundred others on either side, so rows of a batch are of one length; others take turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.checkpoint import described, fill
from networks.vits.convolution import Conv1d, place
from networks.vits.stretches import in_stretches
from networks.vits.weight_norm import NormedConv1d, NormedConvTranspose1d, older_names
from networks.voicefixer.sizes import BANDS, SCALES, STAGES, VocoderSizes

# How the original levels the bands of a mel, of which high ones are wide: fitted by its authors.
WEIGHT, GROWTH = 18.8927416350036, 0.0269863588184314
FLOOR = 1e-5  # of a band
REFERENCE_DB, LOWEST_DB = 20.0, 115.0
RANGE = 4.0  # conditions are from -4 to 4; silence is -4
TAIL = 4  # frames of silence at the end, or one more: their number is always even
EDGE = 3  # steps that the first and the last convolution look to either side
CONDITIONING = 5  # layers
SLOPE, STACK_SLOPE = 0.2, 0.01  # of leaky ReLUs
# Steps of one stage that are worked on at a time: on a CPU what fits into its cache, elsewhere into memory.
STRETCH, LONG_STRETCH = 1 << 15, 1 << 17
REACH = 3  # by which each layer of a stack looks farther than the one before


class Upsampler(nn.Module):
    """A wave added to itself as seen by a sine, and more steps of it."""

    def __init__(self, inputs: int, scale: int) -> None:
        super().__init__()
        outputs = inputs // 2
        # In the checkpoint, and never heard: `load` checks that it is there, and lets it go.
        self.skip_conv = Conv1d(inputs, outputs, 1)
        self.layer = NormedConvTranspose1d(
            inputs, outputs, 2 * scale,
            stride=scale, padding=scale // 2 + scale % 2, surplus=scale % 2,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layer(x + x.sin())
        return made


class Stack(nn.Module):
    """Residual layers, each of which looks three times as far as the one before."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        # The numbers are places in the original's list, where activations count.
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "1": NormedConv1d(
                        channels, channels, 3, padding=REACH**number, dilation=REACH**number
                    ),
                    "3": NormedConv1d(channels, channels, 3, padding=1),
                }
            )
            for number in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleDict)
            y = layer["1"](F.leaky_relu(x, STACK_SLOPE))
            x = layer["3"](F.leaky_relu_(y, STACK_SLOPE)).add_(x)
        return x


class Vocoder(nn.Module):
    def __init__(self, sizes: VocoderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.stretch: int | None = None  # as the device likes it
        widths = pairwise([BANDS, *[sizes.conditions] * CONDITIONING])
        self.condnet = nn.ModuleDict(
            {
                str(2 * number): NormedConv1d(inputs, outputs, 3, padding=1)
                for number, (inputs, outputs) in enumerate(widths)
            }
        )
        channels = sizes.channels
        layers: dict[str, nn.Module] = {"1": NormedConv1d(sizes.conditions, channels, 2 * EDGE + 1)}
        for stage, scale, depth in zip(STAGES, SCALES, sizes.depths, strict=True):
            layers[str(stage)] = Upsampler(channels, scale)
            channels //= 2
            layers[str(stage + 1)] = Stack(channels, depth)
        layers[str(STAGES[-1] + 4)] = NormedConv1d(channels, 1, 2 * EDGE + 1)
        self.generator = nn.ModuleDict(layers)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def context(self) -> int:
        """Frames to either side that a sample depends on; 576 in the published sizes."""
        steps = 0
        for stage in reversed(range(len(STAGES))):
            steps = self._reach(stage, steps)
        return steps + EDGE + CONDITIONING

    @torch.inference_mode()
    def speak(self, mels: Sequence[Tensor]) -> list[Tensor]:
        """Samples, float32 on the CPU, of mels `[frames, bands]` of one length: 4 or 5 frames more.

        A CPU is fastest with what fits into its cache: one row after the other.
        """
        dtype, device = next(self.parameters()).dtype, self.device
        told = torch.stack([conditions(mel) for mel in mels]).to(device, dtype)
        parts = told[:, None] if device.type == "cpu" else told[None]
        return [row.float().cpu() for part in parts for row in self(part)[:, 0]]

    def forward(self, x: Tensor) -> Tensor:
        """`[B, 1, 441 T]` of conditions `[B, 128, T]`."""
        for layer in self.condnet.values():
            x = F.elu_(layer(x))
        x = self.generator["1"](F.pad(x, (EDGE, EDGE), mode="reflect"))
        stretch = self.stretch or (STRETCH if x.device.type == "cpu" else LONG_STRETCH)
        for stage, scale in enumerate(SCALES):
            x = in_stretches(
                partial(self._stage, stage), x,
                length=max(stretch // scale, 1), reach=self._reach(stage), rate=scale,
            )  # fmt: skip
        return x

    def _stage(self, stage: int, x: Tensor) -> Tensor:
        """Steps `[B, C / 2, T * scale]` of `[B, C, T]`; of the last stage, sound."""
        upsampler, stack = (self.generator[str(STAGES[stage] + place)] for place in (0, 1))
        x = stack(upsampler(F.leaky_relu(x, SLOPE)))
        if stage < len(STAGES) - 1:
            return x
        last = self.generator[str(STAGES[-1] + 4)]
        return torch.tanh(last(F.pad(F.leaky_relu_(x, SLOPE), (EDGE, EDGE), mode="reflect")))

    def _reach(self, stage: int, steps: int = 0) -> int:
        """Steps before a stage that its output depends on, if so many of it are asked for."""
        if stage == len(STAGES) - 1:
            steps += EDGE
        looks = sum(int(REACH**number) + 1 for number in range(self.sizes.depths[stage]))
        return math.ceil((steps + looks) / SCALES[stage]) + 1


def conditions(mel: Tensor) -> Tensor:
    """`[128, frames + 4 or 5]` from -4 to 4 of a mel `[frames, 128]`, with silence behind it."""
    places = torch.arange(1, BANDS + 1, dtype=torch.float64)
    weights = (WEIGHT * (GROWTH * places).exp()).float().to(mel.device)
    decibels = 20 * (mel.float() / weights).abs().clamp(min=FLOOR).log10() - REFERENCE_DB
    told = (2 * RANGE * (decibels + LOWEST_DB) / LOWEST_DB - RANGE).clamp(-RANGE, RANGE)
    return F.pad(told.T, (0, tail(len(mel))), value=-RANGE)


def tail(frames: int) -> int:
    """Frames of silence that are heard after so many."""
    return TAIL + frames % 2


def load(
    weights: Mapping[str, Tensor], device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Vocoder:
    """A vocoder with a checkpoint's weights, which must be exactly its own (else UnfitWeights)."""
    weights = older_names(weights)
    sizes = VocoderSizes.told_by(weights)
    network = described(lambda: Vocoder(sizes))
    fill(network, weights)
    for layer in network.generator.values():
        if isinstance(layer, Upsampler):
            del layer.skip_conv
    place(network.to(dtype), device)
    return network
