"""Harmony Speech's vocoder beside the original, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from networks.harmony import pqmf, vocoder
from networks.harmony.config import BANDS, HOP, VocoderConfig
from networks.harmony.vocoder import Vocoder
from networks.vits import weight_norm
from networks.vits.checkpoint import described
from tests.golden import golden, read_json
from tests.networks.cases import same, tensors

FOLDER = "harmonyspeech_vocoder"
CASES = ("synth_text0", "two_segments", "no_breaks", "random_clipped", "short_breaks")
PARTS = ("batch", "layers", "pqmf", "weight_norm")
LAYERS = (1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 22)
# The README saw 2e-6 in the raw wave, float32 beside float64.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def config() -> VocoderConfig:
    return VocoderConfig.parsed(read_json(golden(FOLDER), "config.json"))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "weights.safetensors")


@pytest.fixture(scope="module")
def network(config: VocoderConfig, weights: dict[str, Tensor]) -> Vocoder:
    return vocoder.load(config, weights)


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "io.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Tensor]) -> None:
    assert {name.partition(".")[0] for name in stored} == {*CASES, *PARTS}


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_a_mel_becomes_the_original_s_sound(
    network: Vocoder, stored: dict[str, Tensor], case: str
) -> None:
    mel = stored[f"{case}.mel_synth"]
    bands = network(mel[None] / vocoder.RANGE, [mel.shape[1]])
    _same(bands[0], stored[f"{case}.subbands"])
    (raw,) = network.speak([mel])
    _same(raw, stored[f"{case}.wav_raw"])


@torch.inference_mode()
def test_every_layer_is_the_original_s(network: Vocoder, stored: dict[str, Tensor]) -> None:
    made: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, place=place: made.update({place: out}))
        for place, layer in network.melgan.items()
    ]
    mel = stored["layers.c"]
    bands = network(mel, [mel.shape[2]])
    for hook in hooks:
        hook.remove()
    assert set(made) == {str(place) for place in LAYERS}
    for place, out in made.items():
        _same(out, stored[f"layers.after_{place}"])
    _same(pqmf.merged(bands), stored["layers.wav"])


@torch.inference_mode()
def test_rows_of_a_batch_of_one_length_are_the_original_s(
    network: Vocoder, stored: dict[str, Tensor]
) -> None:
    mels = stored["batch.c"]
    _same(network(mels, [mels.shape[2]] * len(mels)), stored["batch.subbands"])


@torch.inference_mode()
def test_a_row_of_a_padded_batch_is_what_the_original_makes_of_it_alone(
    network: Vocoder, stored: dict[str, Tensor]
) -> None:
    mels, alone = stored["batch.c"], stored["batch.subbands_row2_unpadded"]
    length = mels.shape[2] - 11
    together = network(mels, [mels.shape[2], mels.shape[2], length])
    assert alone.shape[2] == length * HOP // BANDS
    _same(together[2:, :, : alone.shape[2]], alone)
    _same(together[:2], stored["batch.subbands"][:2])
    assert not together[2:, :, alone.shape[2] :].any()


@torch.inference_mode()
def test_a_sound_in_stretches_is_the_whole(
    config: VocoderConfig, weights: dict[str, Tensor], stored: dict[str, Tensor]
) -> None:
    network = vocoder.load(config, weights)
    network.stretch = 1 << 11
    mel = stored["synth_text0.mel_synth"]
    _same(network.speak([mel])[0], stored["synth_text0.wav_raw"])


def test_parts_that_know_their_context_join_without_seams(
    network: Vocoder, stored: dict[str, Tensor]
) -> None:
    mel, parts = stored["synth_text0.mel_synth"], []
    for start in range(0, mel.shape[1], 30):
        first = max(start - network.context, 0)
        part = mel[:, first : start + 30 + network.context]
        parts.append(network.speak([part])[0][(start - first) * HOP : (start - first + 30) * HOP])
    _same(torch.cat(parts), stored["synth_text0.wav_raw"])


def test_a_mel_that_is_too_short_to_be_mirrored_sounds_as_it_goes_on(
    network: Vocoder, stored: dict[str, Tensor]
) -> None:
    mel = stored["no_breaks.mel_synth"]
    short, longer = network.speak([mel[:, :3], mel[:, [0, 1, 2, 2, 2, 2]]])
    assert len(short) == 3 * HOP
    _same(short, longer[: 3 * HOP])


def test_the_bank_of_bands_is_the_original_s(stored: dict[str, Tensor]) -> None:
    _same(pqmf.prototype().float(), stored["pqmf.prototype"])
    _same(pqmf.filters(turn=1.0)[:, None], stored["pqmf.analysis_filter"])
    _same(pqmf.filters(turn=-1.0)[None], stored["pqmf.synthesis_filter"])
    _same(pqmf.merged(stored["pqmf.subbands"]), stored["pqmf.synthesis"])


def test_bands_of_a_sound_merge_into_the_sound(stored: dict[str, Tensor]) -> None:
    sound = stored["pqmf.wav"]
    analysis = pqmf.filters(turn=1.0)[:, None]
    bands = F.conv1d(sound, analysis, stride=BANDS, padding=pqmf.TAPS // 2)
    _same(bands, stored["pqmf.analysis"])
    again = pqmf.merged(bands)
    _same(again, stored["pqmf.resynthesis"])
    inner = slice(pqmf.TAPS, -pqmf.TAPS)
    same(again[..., inner], sound[..., inner], 3e-3)


def test_weights_are_normalised_as_the_original_s(
    network: Vocoder, stored: dict[str, Tensor]
) -> None:
    for place, name in (("1", "first_conv"), ("3", "first_upsample")):
        _same(network.melgan[place].get_parameter("weight"), stored[f"weight_norm.{name}_weight"])


def test_newer_names_of_weights_mean_the_same(
    config: VocoderConfig, weights: dict[str, Tensor], stored: dict[str, Tensor]
) -> None:
    newer = {
        name.replace("weight_g", f"{weight_norm.NEWER}0").replace(
            "weight_v", f"{weight_norm.NEWER}1"
        ): one
        for name, one in weights.items()
    }
    assert not newer.keys() & {name for name in weights if "weight_" in name}
    mel = stored["no_breaks.mel_synth"]
    _same(vocoder.load(config, newer).speak([mel])[0], stored["no_breaks.wav_raw"])


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    told = read_json(golden(FOLDER), "keys.json")
    config = VocoderConfig.parsed({"model": told["_meta"]["full_size_model_settings"]})
    network = described(lambda: Vocoder(config))
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == told["keys"]
    assert (network.context, network.least) == (16, 6)


def _same(made: Tensor, known: Tensor) -> None:
    same(made, known, TOLERANCE)
