"""OpenVoice V1's base speaker beside the original, stage by stage."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from networks.openvoice import synthesizer
from networks.openvoice.config import SynthesizerConfig
from networks.openvoice.synthesizer import Synthesizer
from networks.vits.checkpoint import described
from networks.vits.frames import frames_of, spread
from networks.vits.masks import mask_of, masked
from networks.vits.posterior import PosteriorEncoder
from tests.golden import golden, read_json
from tests.networks.cases import Case, cases, part_of, same, tensors

FOLDER = "openvoice_v1_synthesizer"
CASES = (
    "b1_det", "b1_noise", "b1_sdp_only_maxlen", "b1_short_dp_only", "b3_det", "b3_noise",
)  # fmt: skip
# The README allows 1e-4; an independent implementation came within 1.4e-5.
TOLERANCE = 5e-5


@pytest.fixture(scope="module")
def config() -> SynthesizerConfig:
    return SynthesizerConfig.parsed(read_json(golden(FOLDER), "config.json"))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "weights.safetensors")


@pytest.fixture(scope="module")
def network(config: SynthesizerConfig, weights: dict[str, Tensor]) -> Synthesizer:
    return synthesizer.load(config, weights)


@pytest.fixture(scope="module")
def stored() -> dict[str, Case]:
    return cases(golden(FOLDER), "io.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Case]) -> None:
    assert set(stored) == {*CASES, "posterior", "flow", "sdp_tails"}


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_speech_is_the_originals(network: Synthesizer, stored: dict[str, Case], case: str) -> None:
    one = stored[case]
    given, known = one.given, one.mid
    lengths = given["x_lengths"].tolist()
    g = network.speaker(given["sid"].tolist())
    _same(g, known["g"])
    encoded = network.enc_p(given["x"], lengths, g)
    for name, made in (
        ("enc_x", encoded.hidden), ("enc_m", encoded.mean), ("enc_logs", encoded.log_scale),
    ):  # fmt: skip
        _same(made, known[name])

    noise_w = given.get("noise_w", torch.zeros(len(g), 2, given["x"].shape[1]))
    noise_w = noise_w * given["noise_scale_w"]
    _same(network.sdp(encoded.hidden, encoded.mask, g, noise_w), known["logw_sdp"])
    _same(network.dp(encoded.hidden, encoded.mask, g), known["logw_dp"])
    logs = network.log_durations(encoded, g, noise_w, given["sdp_ratio"])
    _same(logs, known["logw"])
    durations = network.durations(logs, encoded.mask, given["length_scale"])
    _same(durations, known["w"])
    frames = frames_of(durations)
    assert torch.equal(frames, known["durations"].reshape(frames.shape).long())

    counts = frames.sum(1).clamp(min=1).tolist()
    assert counts == known["y_lengths"].tolist()
    mean, log_scale = (spread(x, frames, counts) for x in (encoded.mean, encoded.log_scale))
    _same(mean, known["m_p"])
    _same(log_scale, known["logs_p"])
    noise_z = given.get("noise_z", torch.zeros_like(mean)) * given["noise_scale"]
    _same(mean + noise_z * torch.exp(log_scale), known["z_p"])
    mask = mask_of(counts, mean)
    z = network.latents(encoded, frames, counts, g, noise_z)
    _same(z, masked(known["z"], mask))
    limit = int(given["max_len"])
    z = z[..., :limit] if limit >= 0 else z
    _same(z, known["dec_in"])
    # The original masks nothing in its decoder.
    _same(network.dec(z, g), one.out["audio"])


@pytest.mark.parametrize("case", ["b3_det", "b3_noise"])
@torch.inference_mode()
def test_a_row_of_a_padded_batch_sounds_as_the_original_does_alone(
    network: Synthesizer, stored: dict[str, Case], case: str
) -> None:
    """Alone the original hears no padding, so its decoder on one row's frames is what we want."""
    known = stored[case].mid
    lengths = known["y_lengths"].tolist()
    together = network.dec.sounds(known["dec_in"], known["g"], lengths)
    for row, length in enumerate(lengths):
        alone = network.dec(known["dec_in"][row : row + 1, :, :length], known["g"][row : row + 1])
        _same(together[row], alone[0, 0])


@torch.inference_mode()
def test_the_spline_is_left_alone_outside_its_interval(
    network: Synthesizer, stored: dict[str, Case]
) -> None:
    given, known = stored["sdp_tails"].given, stored["sdp_tails"].out
    noise = given["noise_w"] * given["noise_scale_w"]
    assert noise.abs().max() > 5
    _same(network.sdp(given["x"], given["mask"], given["g"], noise), known["logw"])


@torch.inference_mode()
def test_the_flow_goes_both_ways(network: Synthesizer, stored: dict[str, Case]) -> None:
    given, known = stored["flow"].given, stored["flow"].out
    _same(network.flow(given["z"], given["mask"], given["g"]), known["forward"])
    _same(network.flow.inverse(given["z"], given["mask"], given["g"]), known["reverse"])


@torch.inference_mode()
def test_the_posterior_encoder(
    config: SynthesizerConfig, weights: dict[str, Tensor], stored: dict[str, Case]
) -> None:
    sizes = config.sound.bins, config.channels, config.hidden, config.gin
    encoder = part_of(weights, "enc_q.", lambda: PosteriorEncoder(*sizes))
    given, known = stored["posterior"].given, stored["posterior"].out
    mask = mask_of(given["spec_lengths"].tolist(), given["spec"])
    mean, log_scale = encoder(given["spec"], mask, given["g"])
    _same(mean, known["m_q"])
    _same(log_scale, known["logs_q"])
    _same(masked(mean + given["noise"] * given["tau"] * torch.exp(log_scale), mask), known["z"])


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    told = read_json(golden(FOLDER), "keys.json")
    network = described(lambda: Synthesizer(SynthesizerConfig.parsed(told["config"])))
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == told["keys"]


def _same(made: Tensor, known: Tensor) -> None:
    same(made, known, TOLERANCE)
