"""How large VoiceFixer's networks are. Their checkpoints come without a config, so the weights tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from networks.vits.config import DEEPEST, WIDEST, UnfitConfig

if TYPE_CHECKING:
    from torch import Tensor

RATE = 44100  # Hz
HOP = 441  # samples from one frame to the next
BANDS = 128  # of a mel
LEVELS = 6  # of the U-Net; each has half the frames and bands of the one above
SCALES = (7, 7, 3, 3)  # by which the vocoder's stages make steps of one; together, a hop
STAGES = (3, 6, 9, 12)  # their places in the original's list


@attrs.frozen
class RestorerSizes:
    narrow: int  # width of the denoiser's first layer
    wide: int  # and of all others
    hidden: int  # of its recurrent layers, each way
    widths: tuple[int, ...]  # of the U-Net's levels

    @classmethod
    def told_by(cls, weights: Mapping[str, Tensor]) -> RestorerSizes:
        """Of a checkpoint's weights; what else is wrong with them, loading will say."""
        return cls(
            narrow=_size(weights, "denoiser.1.weight", 0),
            wide=_size(weights, "denoiser.4.weight", 0),
            hidden=_size(weights, "denoiser.7.gru.weight_hh_l0", 1),
            widths=tuple(
                _size(weights, f"unet.encoder_block{level}.conv_block1.conv1.weight", 0)
                for level in range(1, LEVELS + 1)
            ),
        )


@attrs.frozen
class VocoderSizes:
    conditions: int  # width of the layers that read the mel
    channels: int  # of the first step; each stage halves them
    depths: tuple[int, ...]  # residual layers of each stage

    @classmethod
    def told_by(cls, weights: Mapping[str, Tensor]) -> VocoderSizes:
        """Of a checkpoint's weights; what else is wrong with them, loading will say."""
        sizes = cls(
            conditions=_size(weights, "condnet.0.weight_v", 0),
            channels=_size(weights, "generator.1.weight_v", 0),
            depths=tuple(
                _count(weights, f"generator.{stage + 1}.layers.{{}}.1.weight_v") for stage in STAGES
            ),
        )
        if sizes.channels % (1 << len(STAGES)):
            raise UnfitConfig(
                f"generator.1.weight_v has {sizes.channels} outputs; they are halved "
                f"{len(STAGES)} times"
            )
        return sizes


def _size(weights: Mapping[str, Tensor], name: str, axis: int) -> int:
    shape = getattr(weights.get(name), "shape", ())  # a stranger's file may hold anything
    if len(shape) <= axis:
        raise UnfitConfig(f"the checkpoint lacks {name}, which tells how large the network is")
    size = int(shape[axis])
    if not 1 <= size <= WIDEST:
        raise UnfitConfig(f"{name} has the size {size}; 1 to {WIDEST} are possible")
    return size


def _count(weights: Mapping[str, Tensor], name: str) -> int:
    known = (number for number in range(DEEPEST) if name.format(number) not in weights)
    return next(known, DEEPEST)
