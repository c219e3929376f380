"""VoiceFixer's restorer: the mel of a damaged sound to the one that it should have had.

    mel ─► denoiser ─► × mel = clean ─┬─────────────► + ─► mel
                       logarithms:    └─► U-Net ──────┘

    restorer = load(weights, "cpu")
    restorer.restore([mel])                     # as trained
    restorer.restore([mel], chances=[Chance(7)])  # by the statistics of the input, the same for the same seed

Frames hear each other everywhere, so rows of a batch are of one length; others take turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.checkpoint import UnfitWeights, described, fill
from networks.voicefixer.blocks import Decoder, Encoder, Norm, Recurrence, Residual
from networks.voicefixer.sizes import BANDS, LEVELS, RestorerSizes

FLOOR = 1e-8  # of a mel
CEILING = 5.0  # of its logarithm: no sound is as loud
STEP = 1 << LEVELS  # frames that the U-Net's lowest level sees as one
DROPPED = 0.5  # of the denoiser's values, twice, where something is left to chance
OURS = "generator."
# In the published file beside them: the front end's constants, and the vocoder, which has a file of its own.
FOREIGN = ("f_helper.stft.", "f_helper.istft.", "mel.fb", "vocoder.model.")


@attrs.frozen
class Chance:
    """What is left to chance of one row: which values are dropped."""

    seed: int

    def keeps(self, frames: int, width: int) -> Iterator[Tensor]:
        """`[frames, width]`, true where a value is kept, for each layer that drops any."""
        dice = torch.Generator().manual_seed(self.seed)
        while True:
            yield torch.rand(frames, width, generator=dice) >= DROPPED


class Denoiser(nn.Module):
    """How much of each band is speech, from 0 to 1."""

    def __init__(self, bands: int, sizes: RestorerSizes) -> None:
        super().__init__()
        narrow, wide = sizes.narrow, sizes.wide
        # The places in the original's list, where activations and dropouts count.
        layers: dict[str, nn.Module] = {
            "0": Norm(1),
            "1": nn.Linear(bands, narrow),
            "3": Norm(1),
            "4": nn.Linear(narrow, wide),
            "7": Recurrence(wide, sizes.hidden),
            "8": Recurrence(2 * sizes.hidden, sizes.hidden),
            "9": Norm(1),
            "11": nn.Linear(2 * sizes.hidden, wide),
            "13": Norm(1),
            "15": nn.Linear(wide, bands),
        }
        for place, layer in layers.items():
            self.add_module(place, layer)

    def forward(self, x: Tensor, keeps: Sequence[Tensor] = ()) -> Tensor:
        """Of mels `[B, 1, frames, bands]`; with `keeps`, by the statistics at hand."""
        at_hand, kept = bool(keeps), iter(keeps)
        layer = self.get_submodule
        x = layer("1")(layer("0")(x, at_hand))
        x = layer("4")(layer("3")(F.relu_(x), at_hand))
        x = F.relu_(_dropped(x, kept))
        x = layer("8")(layer("7")(x, at_hand), at_hand)
        x = layer("11")(F.relu_(layer("9")(x, at_hand)))
        x = F.relu_(layer("13")(_dropped(x, kept), at_hand))
        return torch.sigmoid(layer("15")(x))


class UNet(nn.Module):
    """What the denoiser cannot know: bands that are missing, distortion, the sound of a room."""

    def __init__(self, sizes: RestorerSizes) -> None:
        super().__init__()
        widths = sizes.widths
        above = (2, *widths[:-1])
        for level in range(LEVELS):
            self.add_module(f"encoder_block{level + 1}", Encoder(above[level], widths[level]))
        self.conv_block7 = Residual(widths[-1], widths[-1])
        below = widths[-1]
        for number, width in enumerate(reversed(widths), start=1):
            self.add_module(f"decoder_block{number}", Decoder(below, width))
            below = width
        self.after_conv_block1 = Residual(below, below)
        self.after_conv2 = nn.Conv2d(below, 1, 1)

    def forward(self, x: Tensor, at_hand: bool = False) -> Tensor:
        """`[B, 1, frames, bands]` of `[B, 2, frames, bands]`."""
        frames = x.shape[2]
        # A single value has no statistics, so what goes by them gets two.
        least = 2 * STEP if at_hand else STEP
        x = F.pad(x, (0, -1, 0, max(-frames % STEP, least - frames)))
        found = []
        for level in range(1, LEVELS + 1):
            whole, x = self.get_submodule(f"encoder_block{level}")(x, at_hand)
            found.append(whole)
        del whole
        x = self.conv_block7(x, at_hand)
        for number in range(1, LEVELS + 1):
            x = self.get_submodule(f"decoder_block{number}")(x, found.pop(), at_hand)
        x = self.after_conv2(self.after_conv_block1(x, at_hand))
        return F.pad(x[:, :, :frames], (0, 1))


class Restorer(nn.Module):
    def __init__(self, sizes: RestorerSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.denoiser = Denoiser(BANDS, sizes)
        self.unet = UNet(sizes)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @torch.inference_mode()
    def restore(self, mels: Sequence[Tensor], chances: Sequence[Chance] = ()) -> list[Tensor]:
        """Mels `[frames, bands]`, float32 on the CPU, of mels of one length on any device.

        `chances`, one a row, where the statistics are the row's own: such rows go one by one.
        """
        if not chances:
            return list(self(torch.stack(list(mels))[:, None])[:, 0].cpu())
        return [
            self(mel[None, None], self._keeps(chance, len(mel)))[0, 0].cpu()
            for mel, chance in zip(mels, chances, strict=True)
        ]

    def forward(self, mels: Tensor, keeps: Sequence[Tensor] = ()) -> Tensor:
        """Mels `[B, 1, frames, bands]` of damaged ones; `keeps` are the denoiser's."""
        made: Tensor = 10 ** self.logarithm(mels, keeps).clamp(max=CEILING)
        return made

    def logarithm(self, mels: Tensor, keeps: Sequence[Tensor] = ()) -> Tensor:
        """The same as powers of ten, in float32 whatever the networks compute in."""
        dtype = next(self.parameters()).dtype
        mels = mels.to(self.device)
        clean = _log(self.denoiser(mels.to(dtype), keeps).float() * mels)
        both = torch.cat([_log(mels), clean], dim=1).to(dtype)
        made: Tensor = clean + self.unet(both, bool(keeps)).float()
        return made

    def _keeps(self, chance: Chance, frames: int) -> list[Tensor]:
        drawn = chance.keeps(frames, self.sizes.wide)
        return [next(drawn).to(self.device) for _ in range(2)]


def _log(mels: Tensor) -> Tensor:
    return mels.clamp(min=FLOOR).log10()


def _dropped(x: Tensor, keeps: Iterator[Tensor]) -> Tensor:
    """What is kept, made louder for what is not; all of it where nothing is left to chance."""
    kept = next(keeps, None)
    return x if kept is None else x * kept / (1 - DROPPED)


def load(
    weights: Mapping[str, Tensor], device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Restorer:
    """A restorer with a checkpoint's weights, which must be exactly its own (else UnfitWeights)."""
    found = {str(name): tensor for name, tensor in weights.items()}
    for name in found:
        if not name.startswith((OURS, *FOREIGN)):
            raise UnfitWeights(f"the checkpoint has {name}, which the network does not know")
    own = {name.removeprefix(OURS): one for name, one in found.items() if name.startswith(OURS)}
    sizes = RestorerSizes.told_by(own)
    network = described(lambda: Restorer(sizes))
    fill(network, own)
    network.to(device, dtype)
    if network.device.type == "cpu":  # twice as fast with channels side by side
        for weight in network.parameters():
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return network
