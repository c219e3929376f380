"""OpenVoice's tone converters, V1 and V2, beside the originals, stage by stage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from networks.openvoice import converter
from networks.openvoice.config import ConverterConfig
from networks.openvoice.converter import ToneConverter
from networks.vits.checkpoint import described
from networks.vits.config import SoundSizes
from networks.vits.masks import mask_of, masked, padded
from networks.vits.spectrogram import spectrogram
from tests.golden import golden, read_json
from tests.networks.cases import Case, Tensors, cases, same, tensors

PUBLISHED = SoundSizes(rate=22050, window=1024, hop=256, taper=1024)
CONVERSIONS = ("vc_b1_noise", "vc_b1_tau0", "vc_b3_noise", "vc_b3_tau0")
CLIPS = ("ref_b1", "ref_b1_mid", "ref_b1_short", "ref_b3")
SPECTROGRAMS = ("stft_real_a", "stft_real_b")
TOLERANCE = 5e-5  # what the READMEs allow


@pytest.fixture(scope="module", params=["openvoice_tone_converter", "openvoice_v2_tone_converter"])
def folder(request: pytest.FixtureRequest) -> Path:
    return golden(request.param)


@pytest.fixture(scope="module")
def network(folder: Path) -> ToneConverter:
    config = ConverterConfig.parsed(read_json(folder, "config.json"))
    return converter.load(config, tensors(folder, "weights.safetensors"))


@pytest.fixture(scope="module")
def stored(folder: Path) -> dict[str, Case]:
    return cases(folder, "io.safetensors")


@pytest.fixture(scope="module")
def whole_ways(folder: Path) -> dict[str, Case]:
    return cases(folder, "e2e.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Case], whole_ways: dict[str, Case]) -> None:
    assert set(stored) == {*CONVERSIONS, *CLIPS, *SPECTROGRAMS, "flow"}
    assert set(whole_ways) == {"tau0.3", "tau0"}


@pytest.mark.parametrize("case", CONVERSIONS)
@torch.inference_mode()
def test_conversion_is_the_originals(
    network: ToneConverter, stored: dict[str, Case], case: str
) -> None:
    given, known, out = stored[case].given, stored[case].mid, stored[case].out
    source, target = given["g_src"], given["g_tgt"]
    mask = mask_of(given["spec_lengths"].tolist(), given["spec"])
    mean, log_scale = network.posterior(given["spec"], mask, source)
    _same(mean, known["m_q"])
    _same(log_scale, known["logs_q"])
    z = masked(mean + _noise(given, mean) * torch.exp(log_scale), mask)
    _same(z, known["z"])
    said = network.flow(z, mask, source)
    _same(said, known["z_p"])
    coloured = network.recoloured(z, mask, source, target)
    _same(coloured, known["z_hat"])
    _same(masked(coloured, mask), known["dec_in"])
    # The original masks nothing in its decoder.
    told = torch.zeros_like(target) if network.config.zero_g else target
    _same(network.dec(masked(coloured, mask), told), out["audio"])


@pytest.mark.parametrize("case", CONVERSIONS)
@torch.inference_mode()
def test_a_row_of_a_padded_batch_sounds_as_it_does_alone(
    network: ToneConverter, stored: dict[str, Case], case: str
) -> None:
    given = stored[case].given
    lengths = given["spec_lengths"].tolist()
    noise = _noise(given, stored[case].mid["m_q"])
    source, target = given["g_src"][:, :, 0], given["g_tgt"][:, :, 0]
    together = network.converted(given["spec"], noise, source, target, lengths)
    for row, length in enumerate(lengths):
        one = slice(row, row + 1)
        alone = network.converted(
            given["spec"][one, :, :length],
            noise[one, :, :length],
            source[one],
            target[one],
            [length],
        )
        _same(together[row], alone[0])
    if len(set(lengths)) == 1:
        _same(torch.stack(together)[:, None], stored[case].out["audio"])


@pytest.mark.parametrize("case", CLIPS)
def test_the_tone_of_a_clip_is_the_originals(
    network: ToneConverter, stored: dict[str, Case], case: str
) -> None:
    _same(network.embed(list(stored[case].given["spec"])), stored[case].out["embedding"])


def test_clips_of_all_lengths_in_one_batch_have_the_tones_that_they_have_alone(
    network: ToneConverter, stored: dict[str, Case]
) -> None:
    """As an accelerator embeds: all rows at once, padded."""
    clips = [clip for case in CLIPS for clip in stored[case].given["spec"]]
    known = torch.cat([stored[case].out["embedding"] for case in CLIPS])
    with torch.inference_mode():
        _same(network.ref_enc(padded(clips), [clip.shape[-1] for clip in clips]), known)


@torch.inference_mode()
def test_the_flow_goes_both_ways(network: ToneConverter, stored: dict[str, Case]) -> None:
    given, known = stored["flow"].given, stored["flow"].out
    _same(network.flow(given["z"], given["mask"], given["g"]), known["forward"])
    _same(network.flow.inverse(given["z"], given["mask"], given["g"]), known["reverse"])


@pytest.mark.parametrize("case", SPECTROGRAMS)
def test_the_spectrogram_is_the_originals(stored: dict[str, Case], case: str) -> None:
    made = spectrogram(stored[case].given["wav"][0], PUBLISHED)
    _same(made, stored[case].out["spec"][0])


@pytest.mark.parametrize("case", ["tau0.3", "tau0"])
@torch.inference_mode()
def test_from_waveform_to_waveform(
    network: ToneConverter, whole_ways: dict[str, Case], case: str
) -> None:
    given, known, out = whole_ways[case].given, whole_ways[case].mid, whole_ways[case].out
    sounds = {name: given[f"wav_{name}"][0] for name in ("src", "ref_a", "ref_b")}
    specs = {name: spectrogram(one, network.config.sound) for name, one in sounds.items()}
    for name, spec in specs.items():
        _same(spec, known[f"spec_{name}"][0])
    tones = dict(zip(specs, network.embed(list(specs.values())), strict=True))
    for name, tone in tones.items():
        _same(tone, known[f"se_{name}"][0, :, 0])
    target = torch.stack([tones["ref_a"], tones["ref_b"]]).mean(0)
    _same(target, known["se_tgt"][0, :, 0])
    made = network.converted(
        specs["src"][None], _noise(given, known["m_q"]), tones["src"][None], target[None],
        [specs["src"].shape[-1]],
    )  # fmt: skip
    _same(made[0], out["audio"][0, 0])


def test_the_full_size_has_the_published_names_and_shapes(folder: Path) -> None:
    told = read_json(folder, "keys.json")
    network = described(lambda: ToneConverter(ConverterConfig.parsed(told["config"])))
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == told["keys"]
    assert network.context == 102


def _noise(given: Tensors, mean: Tensor) -> Tensor:
    return given["noise"] * given["tau"] if "noise" in given else torch.zeros_like(mean)


def _same(made: Tensor, known: Tensor) -> None:
    same(made, known, TOLERANCE)
