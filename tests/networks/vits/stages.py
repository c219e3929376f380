"""A synthesizer beside the original, stage by stage; how symbols are encoded is each family's own.

Durations must be exactly the original's. Tolerance: the golden data's READMEs allow 1e-4; independent
implementations came within 1.4e-5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from networks.vits.frames import frames_of, spread
from networks.vits.masks import mask_of, masked
from networks.vits.posterior import PosteriorEncoder
from networks.vits.synthesizer import Encoded, Synthesizer
from tests.networks.cases import Case
from tests.networks.cases import same as alike

CASES = (
    "b1_det", "b1_noise", "b1_sdp_only_maxlen", "b1_short_dp_only", "b3_det", "b3_noise",
)  # fmt: skip
MODULES = ("posterior", "flow", "sdp_tails")
TOLERANCE = 5e-5


def same(made: Tensor, known: Tensor) -> None:
    alike(made, known, TOLERANCE)


def compare_speech(network: Synthesizer, encoded: Encoded, g: Tensor, case: Case) -> None:
    """From encoded symbols to the sound."""
    given, known = case.given, case.mid
    for name, made in (
        ("enc_x", encoded.hidden), ("enc_m", encoded.mean), ("enc_logs", encoded.log_scale),
    ):  # fmt: skip
        same(made, known[name])
    frames = _frames(network, encoded, g, case)

    counts = frames.sum(1).clamp(min=1).tolist()
    assert counts == known["y_lengths"].tolist()
    mean, log_scale = (spread(x, frames, counts) for x in (encoded.mean, encoded.log_scale))
    same(mean, known["m_p"])
    same(log_scale, known["logs_p"])
    noise = given.get("noise_z", torch.zeros_like(mean)) * given["noise_scale"]
    same(mean + noise * torch.exp(log_scale), known["z_p"])
    z = network.latents(encoded, frames, counts, g, noise)
    same(z, masked(known["z"], mask_of(counts, mean)))
    limit = int(given["max_len"])
    z = z[..., :limit] if limit >= 0 else z
    same(z, known["dec_in"])
    # The original masks nothing in its decoder.
    same(network.dec(z, g), case.out["audio"])


def _frames(network: Synthesizer, encoded: Encoded, g: Tensor, case: Case) -> Tensor:
    given, known = case.given, case.mid
    noise = given.get("noise_w", torch.zeros(len(g), 2, given["x"].shape[1]))
    noise = noise * given["noise_scale_w"]
    same(network.sdp(encoded.hidden, encoded.mask, g, noise), known["logw_sdp"])
    same(network.dp(encoded.hidden, encoded.mask, g), known["logw_dp"])
    logs = network.log_durations(encoded, g, noise, given["sdp_ratio"])
    same(logs, known["logw"])
    durations = network.durations(logs, encoded.mask, given["length_scale"])
    same(durations, known["w"])
    frames = frames_of(durations)
    assert torch.equal(frames, known["durations"].reshape(frames.shape).long())
    return frames


def compare_rows_alone(network: Synthesizer, case: Case) -> None:
    """Alone the original hears no padding, so its decoder on one row's frames is what we want."""
    known = case.mid
    lengths = known["y_lengths"].tolist()
    together = network.dec.sounds(known["dec_in"], known["g"], lengths)
    for row, length in enumerate(lengths):
        alone = network.dec(known["dec_in"][row : row + 1, :, :length], known["g"][row : row + 1])
        same(together[row], alone[0, 0])


def compare_spline_tails(network: Synthesizer, case: Case) -> None:
    """Outside its interval the spline leaves everything as it is."""
    given = case.given
    noise = given["noise_w"] * given["noise_scale_w"]
    assert noise.abs().max() > 5
    same(network.sdp(given["x"], given["mask"], given["g"], noise), case.out["logw"])


def compare_flow(network: Synthesizer, case: Case) -> None:
    """The flow, in both directions."""
    given, known = case.given, case.out
    same(network.flow(given["z"], given["mask"], given["g"]), known["forward"])
    same(network.flow.inverse(given["z"], given["mask"], given["g"]), known["reverse"])


def compare_posterior(encoder: PosteriorEncoder, case: Case) -> None:
    given, known = case.given, case.out
    mask = mask_of(given["spec_lengths"].tolist(), given["spec"])
    mean, log_scale = encoder(given["spec"], mask, given["g"])
    same(mean, known["m_q"])
    same(log_scale, known["logs_q"])
    same(masked(mean + given["noise"] * given["tau"] * torch.exp(log_scale), mask), known["z"])
