"""OpenVoice's tone converter, V1 and V2: the tone of a voice, and speech in another's tone.

    spectrogram ─► posterior encoder ─► flow of the source ─► inverse flow of the target ─► decoder ─► sound

    converter = load(ConverterConfig.parsed(config), weights, "cpu")
    spec = spectrogram(samples, converter.config.sound)     # [bins, T]
    tones = converter.embed([spec])                         # [1, gin]
    converter.convert([Stretch(spec, tones[0], target)])    # [samples], each row as it would be alone

An output frame depends on `converter.context` frames of the source to either side, and noise goes by a
frame's place in the whole source. So a long source can be converted in `windows` that join without seams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from networks.openvoice.config import ConverterConfig
from networks.openvoice.reference import ReferenceEncoder
from networks.vits.checkpoint import described, fill
from networks.vits.convolution import place
from networks.vits.decoder import Decoder
from networks.vits.flow import REACH_THERE_AND_BACK, wavenet_flow
from networks.vits.masks import mask_of, masked, padded
from networks.vits.noise import Noise
from networks.vits.posterior import PosteriorEncoder


@attrs.frozen(eq=False)
class Stretch:
    """What one row of a batch converts: a source, or a window of it."""

    spec: Tensor  # [bins, T]
    source: Tensor  # [gin], the tone that it has
    target: Tensor  # [gin], the tone that it shall have
    tau: float = 0.3  # variety of the sound, the published default
    seed: int = 0
    first: int = 0  # place of the first frame in the whole source


class ToneConverter(nn.Module):
    def __init__(self, config: ConverterConfig) -> None:
        super().__init__()
        self.ref_enc = ReferenceEncoder(config.sound.bins, config.gin)
        self.enc_q = PosteriorEncoder(config.sound.bins, config.channels, config.hidden, config.gin)
        self.flow = wavenet_flow(config.channels, config.hidden, config.gin)
        self.dec = Decoder(config.channels, config.decoder, config.gin)
        self.config = config

    @property
    def context(self) -> int:
        """Frames to either side that a converted frame depends on; 102 in the published sizes."""
        return self.enc_q.enc.reach + REACH_THERE_AND_BACK + self.dec.reach

    @property
    def device(self) -> torch.device:
        return self.ref_enc.proj.weight.device

    def embed(self, specs: Sequence[Tensor]) -> Tensor:
        """The tones `[B, gin]`, on the CPU, of spectrograms `[bins, T]`."""
        return self.ref_enc.tones(specs)

    @torch.inference_mode()
    def convert(self, stretches: Sequence[Stretch]) -> list[Tensor]:
        """Samples `[T * hop]`, float32 on the CPU, of each stretch."""
        lengths = [stretch.spec.shape[-1] for stretch in stretches]
        spec = padded([stretch.spec for stretch in stretches])
        noise = padded([self._noise(stretch) for stretch in stretches])
        source = torch.stack([stretch.source for stretch in stretches])
        target = torch.stack([stretch.target for stretch in stretches])
        return self.converted(spec, noise, source, target, lengths)

    def converted(
        self, spec: Tensor, noise: Tensor, source: Tensor, target: Tensor, lengths: Sequence[int]
    ) -> list[Tensor]:
        """Of padded rows `[B, bins, T]` and noise `[B, C, T]`, which tau has scaled."""
        spec, noise, g_source, g_target = (
            part.to(self.device) for part in (spec, noise, source[:, :, None], target[:, :, None])
        )
        mask = mask_of(lengths, spec)
        mean, log_scale = self.posterior(spec, mask, g_source)
        z = masked(mean + noise * torch.exp(log_scale), mask)
        z = self.recoloured(z, mask, g_source, g_target)
        return self.dec.sounds(z, self._told(g_target), lengths)

    def posterior(self, spec: Tensor, mask: Tensor | None, g: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.enc_q(spec, mask, self._told(g))
        return mean, log_scale

    def recoloured(self, z: Tensor, mask: Tensor | None, source: Tensor, target: Tensor) -> Tensor:
        """Latents without the source's tone, and then with the target's."""
        said: Tensor = self.flow(z, mask, source)
        return self.flow.inverse(said, mask, target)

    def _told(self, g: Tensor) -> Tensor:
        """What posterior encoder and decoder hear of a speaker."""
        return torch.zeros_like(g) if self.config.zero_g else g

    def _noise(self, stretch: Stretch) -> Tensor:
        last = stretch.first + stretch.spec.shape[-1]
        return Noise(stretch.seed).between(stretch.first, last, self.config.channels) * stretch.tau


def load(
    config: ConverterConfig,
    weights: Mapping[str, Tensor],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ToneConverter:
    """A converter with a checkpoint's weights, which must be exactly its own (else UnfitWeights).

    `dtype` is the decoder's, which does nine tenths of the work. All before it stays float32: in bfloat16
    the posterior encoder alone costs as much fidelity as the whole decoder does.
    """
    network = described(lambda: ToneConverter(config))
    fill(network, weights)
    network.dec.to(dtype)
    place(network, device)
    return network
