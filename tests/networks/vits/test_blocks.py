"""The parts by themselves, on random weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from networks.vits.attention import AttentionStack
from networks.vits.config import DecoderSizes, SoundSizes
from networks.vits.decoder import Decoder
from networks.vits.flow import Coupling, Flow
from networks.vits.frames import LONGEST, frames_of, spread
from networks.vits.masks import mask_of, padded
from networks.vits.noise import BLOCK, Noise
from networks.vits.spectrogram import frame_count, least_samples, spectrogram
from networks.vits.spline import BINS, BOUND, inverse_spline
from networks.vits.stretches import in_stretches
from tests.golden import golden
from tests.networks.cases import cases, part_of, same, tensors
from tests.vits import a_converter

SIZES = SoundSizes(rate=22050, window=1024, hop=256, taper=1024)


def _dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.inference_mode()
def test_couplings_may_be_made_of_attention() -> None:
    """MeloTTS' flow: the same couplings around conditioned attention stacks."""
    folder = golden("melotts_synthesizer")
    flow = part_of(
        tensors(folder, "weights.safetensors"),
        "flow.",
        lambda: Flow(Coupling(20, 24, AttentionStack(24, 40, 2, 3, 5, gin=16)) for _ in range(4)),
    )
    assert isinstance(flow, Flow)
    case = cases(folder, "io.safetensors")["flow"]
    z, mask, g = case.given["z"], case.given["mask"], case.given["g"]
    same(flow(z, mask, g), case.out["forward"], 5e-5)
    same(flow.inverse(z, mask, g), case.out["reverse"], 5e-5)


@torch.inference_mode()
def test_rows_of_any_length_pay_no_attention_to_what_is_behind_their_end() -> None:
    torch.manual_seed(0)
    stack = AttentionStack(8, 12, 2, 3, 4, gin=5).eval()
    for parameter in stack.parameters():
        nn.init.normal_(parameter, std=0.3)
    rows = [torch.randn(8, length, generator=_dice(length)) for length in (1, 3, 12, 9)]
    x, g = padded(rows), torch.randn(4, 5, 1)
    x[0, :, 1:] = 1e3  # padding that would be heard
    together = stack(x, mask_of([1, 3, 12, 9], x), g)
    for row, one in enumerate(rows):
        alone = stack(one[None], None, g[row : row + 1])[0]
        torch.testing.assert_close(together[row, :, : one.shape[-1]], alone, atol=1e-5, rtol=0)


def _decoder() -> Decoder:
    return a_converter().dec


@torch.inference_mode()
def test_a_masked_decoder_gives_each_row_what_it_gives_alone() -> None:
    """As an accelerator decodes: all rows at once."""
    decoder, lengths = _decoder(), [9, 31, 20]
    z = torch.randn(3, 6, 31, generator=_dice())
    g = torch.randn(3, 10, 1, generator=_dice(1))
    together = decoder(z, g, mask_of(lengths, z))
    heard = 0.0
    for row, length in enumerate(lengths):
        alone = decoder(z[row : row + 1, :, :length], g[row : row + 1])[0]
        torch.testing.assert_close(together[row, :, : length * 256], alone, atol=1e-6, rtol=0)
        unmasked = decoder(z, g)[row, :, : length * 256]
        heard = max(heard, float((unmasked - alone).abs().max()))
    assert heard > 1e-4  # as it would be without the mask


@torch.inference_mode()
def test_a_decoder_in_stretches_gives_what_it_gives_at_once() -> None:
    """As a CPU decodes: row by row, in stretches that fit its cache."""
    decoder, lengths = _decoder(), [200, 61]
    z = torch.randn(2, 6, 200, generator=_dice())
    g = torch.randn(2, 10, 1, generator=_dice(1))
    decoder.stretch = 4096  # 32 frames in the first stage, 8 in the last
    for row, sound in enumerate(decoder.sounds(z, g, lengths)):
        whole = decoder(z[row : row + 1, :, : lengths[row]], g[row : row + 1])[0, 0]
        torch.testing.assert_close(sound, whole, atol=1e-6, rtol=0)


def test_stretches_need_all_of_their_reach() -> None:
    x = torch.randn(1, 3, 50, generator=_dice())
    weight = torch.randn(3, 3, 7, generator=_dice(1))

    def layers(part: Tensor) -> Tensor:
        return torch.nn.functional.conv1d(part, weight, padding=3)

    whole = layers(x)
    torch.testing.assert_close(in_stretches(layers, x, length=8, reach=3), whole)
    assert (in_stretches(layers, x, length=8, reach=2) - whole).abs().max() > 0.01


def test_what_a_decoder_depends_on_grows_with_its_kernels() -> None:
    sizes = DecoderSizes(512, (8, 8, 2, 2), (16, 16, 4, 4), (3, 7, 11), ((1, 3, 5),) * 3)
    with torch.device("meta"):
        assert Decoder(192, sizes, 256).reach == 14


def test_symbols_last_as_many_frames_as_they_are_told_to() -> None:
    values = torch.randn(2, 3, 4, generator=_dice())
    frames = torch.tensor([[2, 0, 3, 1], [1, 1, 0, 0]])
    made = spread(values, frames, [6, 2])
    assert made.shape == (2, 3, 6)
    assert torch.equal(made[0], values[0].repeat_interleave(frames[0], dim=1))
    assert torch.equal(made[1, :, :2], values[1, :, :2])
    assert not made[1, :, 2:].any()


def test_durations_round_up_and_those_that_are_no_numbers_are_bounded() -> None:
    durations = torch.tensor([[[0.0, 0.1, 1.0, 1.01, float("inf"), float("nan"), 1e30]]])
    assert frames_of(durations).tolist() == [[0, 1, 1, 2, LONGEST, LONGEST, LONGEST]]


def test_a_spline_is_monotone_and_the_identity_outside_its_interval() -> None:
    shape = torch.randn(1, 3 * BINS - 1, generator=_dice()) * 3
    values = torch.linspace(-2 * BOUND, 2 * BOUND, 401, dtype=torch.float64)[:, None]
    widths, heights, slopes = torch.split(
        shape.double().expand(401, 1, -1), [BINS, BINS, BINS - 1], dim=-1
    )
    arguments = inverse_spline(values, widths, heights, slopes)
    assert (arguments.diff(dim=0) > 0).all()
    outside = values.abs() > BOUND
    assert torch.equal(arguments[outside], values[outside])
    assert (arguments[~outside] - values[~outside]).abs().max() > 0.1


def test_noise_is_the_same_wherever_it_is_drawn_from() -> None:
    noise = Noise(11)
    whole = noise.between(0, 4 * BLOCK, 5)
    for start, stop in ((0, 1), (BLOCK - 1, BLOCK + 1), (100, 230), (7, 7)):
        assert torch.equal(noise.between(start, stop, 5), whole[:, start:stop])
    assert abs(float(whole.std()) - 1) < 0.1
    assert abs(float(whole.mean())) < 0.1


@pytest.mark.parametrize("other", [Noise(12), Noise(11, stream=1), Noise(-11), Noise(2**64 - 1)])
def test_other_seeds_and_streams_are_other_noise(other: Noise) -> None:
    drawn = other.between(0, 200, 2)
    assert (drawn - Noise(11).between(0, 200, 2)).abs().mean() > 0.5


def test_some_frames_of_a_spectrogram_are_those_of_the_whole() -> None:
    samples = torch.randn(9 * 256 + 77, generator=_dice())
    whole = spectrogram(samples, SIZES)
    assert whole.shape == (513, frame_count(len(samples), SIZES))
    for start, stop in ((0, 1), (0, 9), (1, 2), (3, 6), (7, 9), (8, 99)):
        part = spectrogram(samples, SIZES, start, stop)
        torch.testing.assert_close(part, whole[:, start:stop], atol=1e-5, rtol=0)


def test_a_sound_too_short_to_mirror_is_refused() -> None:
    least = least_samples(SIZES)
    assert spectrogram(torch.zeros(least), SIZES).shape == (513, 1)
    with pytest.raises(ValueError, match=f"at least {least} are needed"):
        spectrogram(torch.zeros(least - 1), SIZES)
