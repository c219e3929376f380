"""What the config.json files of Harmony Speech V1 say, as far as inference needs it.

Each keeps its network's sizes under `model`; those of the encoder may be told from its weights instead,
because Resemblyzer publishes the same network without a config.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from networks.vits.config import DEEPEST, KERNELS, TABLE, WIDEST, Section, UnfitConfig

if TYPE_CHECKING:
    from torch import Tensor

RATE = 16000  # Hz of everything that these networks hear and say
HOP = 200  # samples from one mel frame of the synthesizer to the next
GATES = 4  # of an LSTM's cell, stacked in its weights


@attrs.frozen
class EncoderConfig:
    """Of the speaker encoder."""

    mels: int
    hidden: int
    layers: int
    voice: int  # numbers of an embedding

    @classmethod
    def parsed(cls, values: object) -> EncoderConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        model = Section(values).section("model")
        return cls(
            mels=model.whole("mel_n_channels", 1, WIDEST),
            hidden=model.whole("model_hidden_size", 1, WIDEST),
            layers=model.whole("model_num_layers", 1, DEEPEST),
            voice=model.whole("model_embedding_size", 1, WIDEST),
        )

    @classmethod
    def told_by(cls, weights: Mapping[str, Tensor]) -> EncoderConfig:
        """Of a checkpoint that comes without a config; what else is wrong with it, loading will say."""
        first, last = weights.get("lstm.weight_ih_l0"), weights.get("linear.weight")
        layers = sum(name.startswith("lstm.weight_ih_l") for name in weights)
        if first is None or last is None or first.dim() != 2 or last.dim() != 2 or layers > DEEPEST:
            raise UnfitConfig("the weights are not those of a speaker encoder")
        return cls(
            mels=first.shape[1], hidden=first.shape[0] // GATES, layers=layers, voice=last.shape[0]
        )


@attrs.frozen
class SeriesSizes:
    """Of a predictor of one value for each character."""

    convolutions: int
    recurrent: int


@attrs.frozen
class BankSizes:
    """Of a bank of convolutions and what follows it (CBHG)."""

    kernels: int  # the bank has one convolution of each kernel from 1 to this
    channels: int
    highways: int


@attrs.frozen
class SynthesizerConfig:
    """Of the synthesizer."""

    characters: int
    voice: int
    mels: int
    embedding: int
    series_embedding: int
    duration: SeriesSizes
    pitch: SeriesSizes
    energy: SeriesSizes
    pitch_strength: float
    energy_strength: float
    prenet: BankSizes
    recurrent: int
    postnet: BankSizes

    @classmethod
    def parsed(cls, values: object) -> SynthesizerConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        model = Section(values).section("model")
        return cls(
            characters=model.whole("num_chars", 2, TABLE),
            voice=model.whole("speaker_embed_dims", 1, WIDEST),
            mels=model.whole("n_mels", 1, WIDEST),
            embedding=model.whole("embed_dims", 1, WIDEST),
            series_embedding=model.whole("series_embed_dims", 1, WIDEST),
            duration=_series(model, "durpred"),
            pitch=_series(model, "pitch"),
            energy=_series(model, "energy"),
            pitch_strength=model.number("pitch_strength", 1.0, 100.0),
            energy_strength=model.number("energy_strength", 1.0, 100.0),
            prenet=_bank(model, "prenet"),
            recurrent=model.whole("rnn_dims", 1, WIDEST),
            postnet=_bank(model, "postnet"),
        )


@attrs.frozen
class VocoderConfig:
    """Of the vocoder."""

    mels: int
    channels: int  # of the first layer; each stage halves them
    kernel: int
    scales: tuple[int, ...]  # of the stages
    stacks: int  # residual stacks of a stage
    stack_kernel: int
    slope: float  # of the leaky ReLUs

    @property
    def edge(self) -> int:
        """Steps that the first and the last convolution look to either side."""
        return (self.kernel - 1) // 2

    @property
    def margins(self) -> tuple[int, ...]:
        """Steps that each stack of a stage looks to either side: dilations are powers of the kernel."""
        half = (self.stack_kernel - 1) // 2
        return tuple(half * self.stack_kernel**number for number in range(self.stacks))

    @classmethod
    def parsed(cls, values: object) -> VocoderConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        model = Section(values).section("model")
        for key, only in _KNOWN.items():
            model.only(key, only)
        config = cls(
            mels=model.whole("in_channels", 1, WIDEST),
            channels=model.whole("channels", 2, WIDEST),
            kernel=model.whole("kernel_size", 1, KERNELS),
            scales=model.wholes("upsample_scales", 1, 64),
            stacks=model.whole("stacks", 1, 6),
            stack_kernel=model.whole("stack_kernel_size", 3, 7),
            slope=model.section("nonlinear_activation_params").number("negative_slope", 0.2, 1.0),
        )
        config._check()
        return config

    def _check(self) -> None:
        if BANDS * math.prod(self.scales) != HOP:
            raise UnfitConfig(
                f"config.json: model: upsample_scales are {self.scales}; with {BANDS} bands they must "
                f"multiply to {HOP // BANDS}"
            )
        if self.channels % (1 << len(self.scales)):
            raise UnfitConfig(
                f"config.json: model: channels is {self.channels}; it is halved {len(self.scales)} times"
            )
        for key, kernel in (("kernel_size", self.kernel), ("stack_kernel_size", self.stack_kernel)):
            if kernel % 2 == 0:
                raise UnfitConfig(f"config.json: model: {key} is {kernel}; it must be odd")


BANDS = 4  # that the vocoder's sound is made in
# What the vocoder's library can do otherwise, and no published vocoder of this family does.
_KNOWN = {
    "out_channels": str(BANDS),
    "bias": "True",
    "nonlinear_activation": "LeakyReLU",
    "pad": "ReflectionPad1d",
    "use_final_nonlinear_activation": "True",
    "use_weight_norm": "True",
    "use_causal_conv": "False",
}


def _series(model: Section, name: str) -> SeriesSizes:
    return SeriesSizes(
        convolutions=model.whole(f"{name}_conv_dims", 1, WIDEST),
        recurrent=model.whole(f"{name}_rnn_dims", 1, WIDEST),
    )


def _bank(model: Section, name: str) -> BankSizes:
    return BankSizes(
        kernels=model.whole(f"{name}_k", 1, KERNELS),
        channels=model.whole(f"{name}_dims", 1, WIDEST),
        highways=model.whole(f"{name}_num_highways", 1, DEEPEST),
    )
