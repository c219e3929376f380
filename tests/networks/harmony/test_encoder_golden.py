"""Harmony Speech's speaker encoder beside the original, with random weights and with Resemblyzer's."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audio import Audio, decode, resample
from networks.harmony import encoder, hearing
from networks.harmony.config import EncoderConfig
from networks.harmony.encoder import SpeakerEncoder
from networks.harmony.hearing import HARMONY, RESEMBLYZER
from networks.harmony.mel import mel_bands
from networks.vits.checkpoint import described
from tests.golden import golden, read_json
from tests.networks.cases import same, tensors

FOLDER = "harmonyspeech_encoder"
RECORDED = ("speech22k", "stereo44k", "quiet16k", "pauses16k", "short24k", "sparse16k")
SYNTHETIC = (
    "synthetic_harmonic", "synthetic_noise_short", "synthetic_chirp", "synthetic_am_noise",
)  # fmt: skip
FORWARD = ("fwd_batch", "fwd_short", "fwd_one_frame", "fwd_hidden_init", "fwd_zero_padded_row")
# The README saw 2e-6 in an embedding, float32 beside float64.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def network() -> SpeakerEncoder:
    config = EncoderConfig.parsed(read_json(golden(FOLDER), "config.json"))
    return encoder.load(config, tensors(golden(FOLDER), "weights.safetensors"))


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "io.safetensors")


@pytest.fixture(scope="module")
def expected() -> Any:
    return read_json(golden(FOLDER), "expected.json")


def test_the_cases_are_all_there_are(stored: dict[str, Tensor]) -> None:
    named = {name.partition(".")[0] for name in stored}
    assert named == {*RECORDED, *SYNTHETIC, *FORWARD, "all_zero_mel", "const"}


@pytest.mark.parametrize("case", FORWARD)
@torch.inference_mode()
def test_mels_become_the_original_s_voices(
    network: SpeakerEncoder, stored: dict[str, Tensor], case: str
) -> None:
    mels = stored[f"{case}.utterances"]
    state = None
    if f"{case}.hidden_init_h" in stored:
        state = stored[f"{case}.hidden_init_h"], stored[f"{case}.hidden_init_c"]
    heard = network.heard(mels, state=state)
    _same(heard, stored[f"{case}.lstm_last_hidden"])
    _same(network.linear(heard), stored[f"{case}.linear"])
    _same(network(mels, state=state), stored[f"{case}.embeds"])


@torch.inference_mode()
def test_rows_of_a_padded_batch_are_what_the_original_makes_of_them_alone(
    network: SpeakerEncoder, stored: dict[str, Tensor]
) -> None:
    row = stored["fwd_zero_padded_row.utterances"]
    length = int(row.abs().sum((0, 2)).nonzero().max()) + 1
    assert length < row.shape[1]
    together = network(torch.cat([row, stored["fwd_batch.utterances"]]), [length, *[160] * 4])
    _same(together[:1], stored["fwd_zero_padded_row.embeds_unpadded"])
    _same(together[1:], stored["fwd_batch.embeds"])


@torch.inference_mode()
def test_silence_has_the_original_s_voice(
    network: SpeakerEncoder, stored: dict[str, Tensor]
) -> None:
    _same(network(torch.zeros(1, 160, 40)), stored["all_zero_mel.embeds"])


@pytest.mark.parametrize("case", RECORDED)
def test_a_recording_is_heard_as_by_the_original(
    network: SpeakerEncoder, stored: dict[str, Tensor], expected: Any, case: str
) -> None:
    about = next(one for one in expected["cases"] if one["case"] == case)
    at_16k, known_16k = torch.from_numpy(_recorded(case).samples), stored[f"{case}.wav_16k"]
    # Of a length that is no whole number of samples, the original rounds up.
    assert 0 <= len(known_16k) - len(at_16k) <= 1
    same(at_16k, known_16k[: len(at_16k)], 1e-5)
    samples = stored[f"{case}.wav_16k"].numpy()
    loud = samples / np.abs(samples).max() * np.float32(HARMONY.peak)
    assert hearing.gain(loud) == pytest.approx(
        float(stored[f"{case}.gain_after_rescale"]), rel=1e-5
    )
    level = hearing.levelled(samples)
    flags = hearing.judged(level[: len(level) // 480 * 480])
    assert flags.tolist() == stored[f"{case}.vad_flags"].bool().tolist()
    spoken = hearing.spoken(level)
    assert len(spoken) == about["samples_trimmed"]
    same(torch.from_numpy(spoken), stored[f"{case}.wav_trimmed"], 1e-6)
    starts = hearing.window_starts(len(spoken), HARMONY.step)
    assert [[s, s + 160] for s in starts] == stored[f"{case}.mel_slices"].tolist()
    frames = hearing.mel_frames(hearing.with_room(spoken, starts))
    _alike(frames, stored[f"{case}.mel"])
    windows = hearing.heard(samples)
    _same(network(windows), stored[f"{case}.partial_embeds"])
    (voice,) = network.embed([windows])
    _same(voice, stored[f"{case}.embed"])
    known = np.frombuffer(base64.b64decode(about["embedding_base64"]), "<f4").copy()
    _same(voice, torch.from_numpy(known))


@pytest.mark.parametrize("case", RECORDED)
def test_a_file_becomes_the_original_s_voice(
    network: SpeakerEncoder, stored: dict[str, Tensor], case: str
) -> None:
    (voice,) = network.embed([hearing.heard(_recorded(case).samples)])
    _same(voice, stored[f"{case}.embed"])


@pytest.mark.parametrize("case", SYNTHETIC)
def test_a_made_up_signal_is_heard_as_by_the_original(
    network: SpeakerEncoder, stored: dict[str, Tensor], case: str
) -> None:
    windows = hearing.mel_windows(stored[f"{case}.wav"].numpy())
    _alike(windows, stored[f"{case}.mel_frames"])
    _same(network(windows), stored[f"{case}.partial_embeds"])
    _same(network.embed([windows])[0], stored[f"{case}.embed"])


def test_clips_of_all_lengths_in_one_batch_have_the_voices_that_they_have_alone(
    network: SpeakerEncoder, stored: dict[str, Tensor]
) -> None:
    clips = [hearing.heard(stored[f"{case}.wav_16k"].numpy()) for case in RECORDED]
    assert len({len(clip) for clip in clips}) > 1
    for voice, case in zip(network.embed(clips), RECORDED, strict=True):
        _same(voice, stored[f"{case}.embed"])


def test_windows_begin_where_the_original_s_do(expected: Any) -> None:
    for row in expected["partial_slices_default"]:
        starts = hearing.window_starts(row["n_samples"], HARMONY.step)
        assert [[start, start + 160] for start in starts] == row["mel_slices"]


def test_bands_are_the_original_s(stored: dict[str, Tensor]) -> None:
    _alike(mel_bands(16000, 400, 40), stored["const.mel_filterbank"])
    _same(torch.hann_window(400), stored["const.hann_window"])


# With the weights that Resemblyzer publishes


@pytest.fixture(scope="module")
def real(resemblyzer: Path) -> SpeakerEncoder:
    weights = torch.load(resemblyzer, map_location="cpu", weights_only=True)["model_state"]
    assert EncoderConfig.told_by(weights) == EncoderConfig(40, 256, 3, 256)
    return encoder.load(EncoderConfig.told_by(weights), weights)


@pytest.fixture(scope="module")
def real_stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "real_io.safetensors")


def test_the_real_cases_are_all_there_are(real_stored: dict[str, Tensor]) -> None:
    named = {name.partition(".")[0] for name in real_stored}
    assert named == {*RECORDED, *SYNTHETIC, "all_zero_mel"}


@torch.inference_mode()
def test_real_silence(real: SpeakerEncoder, real_stored: dict[str, Tensor]) -> None:
    _same(real(torch.zeros(1, 160, 40)), real_stored["all_zero_mel.embeds"])


@pytest.mark.parametrize("case", RECORDED)
def test_real_voices_of_recordings(
    real: SpeakerEncoder, stored: dict[str, Tensor], real_stored: dict[str, Tensor], case: str
) -> None:
    samples = stored[f"{case}.wav_16k"].numpy()
    _compare_voices(real, hearing.heard(samples), real_stored, f"{case}.engine")
    level = hearing.levelled(samples, RESEMBLYZER)
    spoken = hearing.spoken(level)
    same(torch.from_numpy(spoken), real_stored[f"{case}.resemblyzer.wav_preprocessed"], 1e-6)
    starts = hearing.window_starts(len(spoken), RESEMBLYZER.step)
    slices = [[160 * s, 160 * (s + 160)] for s in starts]
    assert slices == real_stored[f"{case}.resemblyzer.wav_slices"].tolist()
    frames = hearing.mel_frames(hearing.with_room(spoken, starts))
    _alike(frames, real_stored[f"{case}.resemblyzer.mel"])
    windows = hearing.heard(samples, RESEMBLYZER)
    _compare_voices(real, windows, real_stored, f"{case}.resemblyzer")


@pytest.mark.parametrize("case", SYNTHETIC)
def test_real_voices_of_made_up_signals(
    real: SpeakerEncoder, real_stored: dict[str, Tensor], case: str
) -> None:
    samples = real_stored[f"{case}.wav"].numpy()
    windows = hearing.mel_windows(samples)
    _alike(windows, real_stored[f"{case}.engine.mel_frames"])
    _compare_voices(real, windows, real_stored, f"{case}.engine")
    starts = hearing.window_starts(len(samples), RESEMBLYZER.step)
    slices = [[160 * s, 160 * (s + 160)] for s in starts]
    assert slices == real_stored[f"{case}.resemblyzer.wav_slices"].tolist()
    windows = hearing.mel_windows(samples, RESEMBLYZER)
    _compare_voices(real, windows, real_stored, f"{case}.resemblyzer")


def test_real_voices_are_as_alike_as_the_original_s(
    real: SpeakerEncoder, stored: dict[str, Tensor], expected: Any
) -> None:
    told = expected["real_weights_engine_cosine"]
    clips = [
        hearing.heard(stored[f"{case}.wav_16k"].numpy())
        if case in RECORDED
        else hearing.mel_windows(stored[f"{case}.wav"].numpy())
        for case in told["order"]
    ]
    voices = real.embed(clips)
    same(voices @ voices.T, torch.tensor(told["matrix"]), 2e-5)


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    told = read_json(golden(FOLDER), "keys.json")
    for config, keys in (
        (EncoderConfig(40, 768, 3, 768), told["keys"]),
        (EncoderConfig(40, 256, 3, 256), told["_meta"]["same_family_real_file"]["keys"]),
    ):
        network = described(lambda config=config: SpeakerEncoder(config))  # type: ignore[misc]
        assert {name: list(one.shape) for name, one in network.state_dict().items()} == keys


def _recorded(case: str) -> Audio:
    """A recording at 16 kHz, by our own decoder and resampler."""
    file = golden(FOLDER) / "wavs" / f"{case}.wav"
    return resample(decode(file.read_bytes()), 16000)


def _compare_voices(
    network: SpeakerEncoder, windows: Tensor, stored: dict[str, Tensor], case: str
) -> None:
    with torch.inference_mode():
        _same(network(windows), stored[f"{case}.partial_embeds"])
    _same(network.embed([windows])[0], stored[f"{case}.embed"])


def _alike(made: Tensor, known: Tensor) -> None:
    torch.testing.assert_close(made, known, rtol=1e-5, atol=1e-6 * float(known.abs().max()))


def _same(made: Tensor, known: Tensor) -> None:
    same(made, known, TOLERANCE)
