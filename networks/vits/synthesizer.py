"""A VITS synthesizer without its text encoder: from encoded symbols to sound.

Families differ in what they encode and in the couplings of the flow; the way from there is the same,
and `Synthesizer.utter` goes it for a batch of utterances.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor, nn

from networks.vits.config import DecoderSizes
from networks.vits.decoder import Decoder
from networks.vits.durations import DurationPredictor, StochasticDurationPredictor
from networks.vits.flow import Flow
from networks.vits.frames import frames_of, spread
from networks.vits.masks import mask_of, masked, padded
from networks.vits.noise import Noise
from networks.vits.posterior import PosteriorEncoder

RHYTHM, TIMBRE = 0, 1  # streams of an utterance's noise


class TooLong(ValueError):
    """An utterance that would last longer than the caller allows."""

    def __init__(self, frames: int, most: int) -> None:
        super().__init__(f"{frames} frames of sound; {most} are allowed")
        self.frames = frames
        self.most = most


@attrs.frozen
class Manner:
    """How one utterance is spoken; the defaults are those of the published OpenVoice V1."""

    length_scale: float = 1.0  # 1 / speed
    noise_scale: float = 0.667  # variety of the sound
    noise_scale_w: float = 0.6  # variety of the rhythm
    sdp_ratio: float = 0.2  # share of the stochastic predictor in the rhythm
    seed: int = 0


@attrs.frozen(eq=False)
class Encoded:
    """What a text encoder made of padded symbols: `[B, C, T]` each, and the mask."""

    hidden: Tensor
    mean: Tensor
    log_scale: Tensor
    lengths: tuple[int, ...]
    mask: Tensor | None


@attrs.frozen
class Sizes:
    """What all synthesizers of this kind are given by their config."""

    channels: int  # of the latent frames
    hidden: int
    gin: int
    speakers: int
    bins: int
    decoder: DecoderSizes


class Synthesizer(nn.Module):
    """The parts that every family has, under their published names."""

    def __init__(self, sizes: Sizes, flow: Flow) -> None:
        super().__init__()
        self.sdp = StochasticDurationPredictor(sizes.hidden, sizes.gin)
        self.dp = DurationPredictor(sizes.hidden, sizes.gin)
        self.flow = flow
        self.dec = Decoder(sizes.channels, sizes.decoder, sizes.gin)
        self.emb_g = nn.Embedding(sizes.speakers, sizes.gin)
        # Training only: synthesis never sees a spectrogram.
        self.enc_q = PosteriorEncoder(sizes.bins, sizes.channels, sizes.hidden, sizes.gin)
        self.channels = sizes.channels

    def forget_training(self) -> None:
        """Let go of the weights that synthesis never reads, which are a quarter of all."""
        del self.enc_q
        self.sdp.forget_training()

    @property
    def device(self) -> torch.device:
        return self.emb_g.weight.device

    def speaker(self, numbers: Sequence[int]) -> Tensor:
        """Vectors `[B, gin, 1]` of rows of the speaker table."""
        found: Tensor = self.emb_g(torch.tensor(numbers, device=self.device))
        return found[:, :, None]

    def log_durations(
        self, encoded: Encoded, g: Tensor, noise: Tensor, sdp_ratio: Tensor | float
    ) -> Tensor:
        """`[B, 1, T]`, with scaled noise `[B, 2, T]` for the stochastic predictor."""
        stochastic = self.sdp(encoded.hidden, encoded.mask, g, noise)
        plain = self.dp(encoded.hidden, encoded.mask, g)
        mixed: Tensor = stochastic * sdp_ratio + plain * (1 - sdp_ratio)
        return mixed

    def durations(self, logs: Tensor, mask: Tensor | None, length_scale: Tensor | float) -> Tensor:
        return masked(torch.exp(logs), mask) * length_scale

    def latents(
        self, encoded: Encoded, frames: Tensor, lengths: Sequence[int], g: Tensor, noise: Tensor
    ) -> Tensor:
        """What the decoder reads, `[B, C, longest]`, of scaled noise of that shape."""
        mean = spread(encoded.mean, frames, lengths)
        log_scale = spread(encoded.log_scale, frames, lengths)
        z = mean + noise * torch.exp(log_scale)
        mask = mask_of(lengths, z)
        return masked(self.flow.inverse(z, mask, g), mask)

    def utter(
        self, encoded: Encoded, g: Tensor, manners: Sequence[Manner], most_frames: int
    ) -> list[Tensor | TooLong]:
        """Samples `[T]` of each row; the longer ones than allowed are refused, and only they."""
        frames = self._frames(encoded, g, manners)
        wanted = frames.sum(dim=1).clamp(min=1).tolist()
        found: list[Tensor | TooLong] = [TooLong(count, most_frames) for count in wanted]
        kept = [row for row, count in enumerate(wanted) if count <= most_frames]
        if kept:
            sounds = self._spoken(
                _rows(encoded, kept), frames[kept], g[kept], [manners[row] for row in kept]
            )
            for row, sound in zip(kept, sounds, strict=True):
                found[row] = sound
        return found

    def _frames(self, encoded: Encoded, g: Tensor, manners: Sequence[Manner]) -> Tensor:
        noise = self._noise(
            [
                Noise(manner.seed, RHYTHM).between(0, length, 2) * manner.noise_scale_w
                for manner, length in zip(manners, encoded.lengths, strict=True)
            ],
            encoded.hidden.shape[-1],
        )
        ratio = self._column([manner.sdp_ratio for manner in manners])
        scale = self._column([manner.length_scale for manner in manners])
        logs = self.log_durations(encoded, g, noise, ratio)
        return frames_of(self.durations(logs, encoded.mask, scale))

    def _spoken(
        self, encoded: Encoded, frames: Tensor, g: Tensor, manners: Sequence[Manner]
    ) -> list[Tensor]:
        lengths = frames.sum(dim=1).clamp(min=1).tolist()
        noise = self._noise(
            [
                Noise(manner.seed, TIMBRE).between(0, length, self.channels) * manner.noise_scale
                for manner, length in zip(manners, lengths, strict=True)
            ],
            max(lengths),
        )
        z = self.latents(encoded, frames, lengths, g, noise)
        return self.dec.sounds(z, g, lengths)

    def _noise(self, rows: Sequence[Tensor], longest: int) -> Tensor:
        return padded(rows, longest).to(self.device)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, device=self.device)[:, None, None]


def _rows(encoded: Encoded, kept: Sequence[int]) -> Encoded:
    return Encoded(
        encoded.hidden[kept], encoded.mean[kept], encoded.log_scale[kept],
        tuple(encoded.lengths[row] for row in kept),
        None if encoded.mask is None else encoded.mask[kept],
    )  # fmt: skip
