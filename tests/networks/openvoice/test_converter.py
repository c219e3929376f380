"""Tone converters on random weights: batches, windows, formats."""

from __future__ import annotations

import attrs
import pytest
import torch
from torch import Tensor

from networks.openvoice.converter import Stretch, ToneConverter
from networks.openvoice.windows import windows
from networks.vits.masks import padded
from tests.vits import CONVERTER_V1, CONVERTER_V2, a_converter

FLOAT_NOISE = 1e-5
WINDOW = 150  # frames


@pytest.fixture(scope="module", params=[CONVERTER_V1, CONVERTER_V2], ids=["V1", "V2"])
def network(request: pytest.FixtureRequest) -> ToneConverter:
    return a_converter(request.param)


def _stretch(frames: int, seed: int, tau: float = 0.3) -> Stretch:
    dice = torch.Generator().manual_seed(seed)
    source, target = torch.randn(2, 10, generator=dice)
    return Stretch(torch.rand(513, frames, generator=dice), source, target, tau, seed)


STRETCHES = [_stretch(91, 1), _stretch(7, 2, tau=0.9), _stretch(140, 3, tau=0.0), _stretch(140, 4)]


def test_stretches_sound_in_a_batch_as_they_do_alone(network: ToneConverter) -> None:
    for stretch, sound in zip(STRETCHES, network.convert(STRETCHES), strict=True):
        assert len(sound) == stretch.spec.shape[-1] * 256
        (alone,) = network.convert([stretch])
        torch.testing.assert_close(sound, alone, atol=FLOAT_NOISE, rtol=0.0)
        assert alone.std() > 0.01  # and it is no silence that is compared


def test_clips_have_in_a_batch_the_tones_that_they_have_alone(network: ToneConverter) -> None:
    clips = [_stretch(frames, frames).spec for frames in (1, 64, 65, 300, 129)]
    with torch.inference_mode():
        together = network.ref_enc(padded(clips), [clip.shape[-1] for clip in clips])
    assert together.shape == (5, 10)
    for clip, tone in zip(clips, together, strict=True):
        torch.testing.assert_close(tone, network.embed([clip])[0], atol=FLOAT_NOISE, rtol=0.0)


def test_tones_differ(network: ToneConverter) -> None:
    one, other = network.embed([_stretch(200, 1).spec, 3 * _stretch(200, 2).spec.flip(0)])
    assert (one - other).abs().max() > 1e-3


def _in_windows(network: ToneConverter, whole: Stretch, context: int) -> Tensor:
    parts = []
    for window in windows(whole.spec.shape[-1], WINDOW, context):
        heard = attrs.evolve(
            whole, spec=whole.spec[:, window.first : window.last], first=window.first
        )
        parts.append(window.kept(network.convert([heard])[0], network.config.sound.hop))
    return torch.cat(parts)


def test_windows_join_to_what_the_whole_becomes(network: ToneConverter) -> None:
    source = _stretch(4 * WINDOW + 17, 9)
    (whole,) = network.convert([source])
    joined = _in_windows(network, source, network.context)
    torch.testing.assert_close(joined, whole, atol=FLOAT_NOISE, rtol=0.0)
    # With less context the seams would be heard.
    short = _in_windows(network, source, network.context // 8)
    assert (short - whole).abs().max() > 100 * FLOAT_NOISE


def test_the_context_is_what_a_frame_hears_and_not_much_more() -> None:
    """Read from the gradient, in double precision, where even the faintest influence shows."""
    network = a_converter().double()
    middle, hop = 200, network.config.sound.hop
    spec = torch.rand(1, 513, 2 * middle + 1, dtype=torch.float64, requires_grad=True)
    tone = torch.randn(1, 10, 1, dtype=torch.float64)
    z, _ = network.posterior(spec, None, tone)
    z = network.recoloured(z, None, tone, -tone)
    network.dec(z, tone)[0, 0, middle * hop : (middle + 1) * hop].sum().backward()
    assert spec.grad is not None
    heard = spec.grad[0].abs().sum(0).nonzero()[:, 0] - middle
    assert network.context - 3 <= -heard.min() <= network.context
    assert network.context - 3 <= heard.max() <= network.context


def test_noise_belongs_to_its_place_and_its_seed(network: ToneConverter) -> None:
    source = _stretch(60, 1)
    (sound,) = network.convert([source])
    assert torch.equal(sound, network.convert([source])[0])
    for other in (attrs.evolve(source, seed=2), attrs.evolve(source, first=60)):
        assert not torch.equal(sound, network.convert([other])[0])


def test_in_bfloat16_tones_are_the_same_and_the_sound_is_near() -> None:
    exact, coarse = (a_converter(dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    assert torch.equal(exact.embed([STRETCHES[0].spec]), coarse.embed([STRETCHES[0].spec]))
    for one, other in zip(exact.convert(STRETCHES), coarse.convert(STRETCHES), strict=True):
        assert other.dtype == torch.float32
        assert 0 < (one - other).square().mean() < 1e-3 * one.square().mean()  # 30 dB below
