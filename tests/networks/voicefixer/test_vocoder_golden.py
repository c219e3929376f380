"""VoiceFixer's vocoder beside the original: conditions, layer by layer, small and at full size."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from networks.vits.checkpoint import UnfitWeights, described, fill
from networks.voicefixer import vocoder
from networks.voicefixer.sizes import STAGES
from networks.voicefixer.vocoder import Vocoder
from tests.golden import golden, read_json
from tests.networks.cases import same, tensors
from tests.voicefixer import PUBLISHED_VOCODER, formula

FOLDER = "voicefixer_vocoder"
CASES = ("restored", "odd_frames", "wide_range", "batch")
FULL_CASES = ("restored", "odd_frames")
LAYERS = tuple(place for stage in STAGES for place in (stage, stage + 1))
# The README saw 5e-6, 2e-5 and 3e-5 between float32 and float64; two that compute in float32, in another
# order, may be twice as far apart. Conditions are up to 20, layers on the way up to 16.
TOLERANCE, FULL, FULL_CONDITIONS = 1e-5, 2e-5, 6e-5


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "io.safetensors")


@pytest.fixture(scope="module")
def full() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "full_io.safetensors")


def test_the_cases_are_all_there_are(stored: dict[str, Tensor], full: dict[str, Tensor]) -> None:
    assert {name.partition(".")[0] for name in stored} == {*CASES, "layers", "const"}
    assert {name.partition(".")[0] for name in full} == {*FULL_CASES}


@pytest.mark.parametrize("case", CASES)
def test_a_mel_becomes_the_original_s_sound(
    small_vocoder: Vocoder, stored: dict[str, Tensor], case: str
) -> None:
    mels = stored[f"{case}.mel"][:, 0]
    for mel, known in zip(mels, stored[f"{case}.conditions"], strict=True):
        same(vocoder.conditions(mel), known, TOLERANCE)
    sounds = small_vocoder.speak(list(mels))
    same(torch.stack(sounds)[:, None], stored[f"{case}.wav"], TOLERANCE)


def test_bands_are_weighted_as_the_original_s(stored: dict[str, Tensor]) -> None:
    """Conditions of 1 in each band tell the weight."""
    heard = (vocoder.conditions(torch.ones(2, 128))[:, 0] + 4) * 115 / 8 - 115 + 20
    same(10 ** (-heard / 20) / stored["const.mel_weight"], torch.ones(128), 1e-5)


@torch.inference_mode()
def test_every_layer_is_the_original_s(small_vocoder: Vocoder, stored: dict[str, Tensor]) -> None:
    seen: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.clone()}))
        for name, layer in small_vocoder.named_modules()
        if name.count(".") == 1
    ]
    same(small_vocoder(stored["layers.conditions"]), stored["layers.wav"], TOLERANCE)
    for hook in hooks:
        hook.remove()
    for place in (0, 2, 4, 6, 8):
        heard = F.elu(seen[f"condnet.{place}"])
        same(heard, stored[f"layers.condnet_{place + 1}"], 2 * TOLERANCE)
    for place in (1, *LAYERS, 16):
        same(seen[f"generator.{place}"], stored[f"layers.generator_{place}"], 2 * TOLERANCE)


@pytest.mark.full_size
@pytest.mark.parametrize("case", FULL_CASES)
@torch.inference_mode()
def test_the_full_size_is_the_original_s(
    full_vocoder: Vocoder, full: dict[str, Tensor], case: str
) -> None:
    mel = full[f"{case}.mel"][0, 0]
    told = vocoder.conditions(mel)
    same(told[None], full[f"{case}.conditions"], TOLERANCE)
    for layer in full_vocoder.condnet.values():
        told = F.elu(layer(told[None])[0])
    same(told[None], full[f"{case}.condnet_out"], FULL_CONDITIONS)
    same(full_vocoder.speak([mel])[0], full[f"{case}.wav"][0, 0], FULL)


def test_a_sound_in_stretches_is_the_whole(stored: dict[str, Tensor]) -> None:
    network = vocoder.load(tensors(golden(FOLDER), "weights.safetensors"))
    network.stretch = 300
    same(network.speak([stored["restored.mel"][0, 0]])[0], stored["restored.wav"][0, 0], TOLERANCE)


def test_newer_names_of_weights_mean_the_same(stored: dict[str, Tensor]) -> None:
    newer = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): one
        for name, one in tensors(golden(FOLDER), "weights.safetensors").items()
    }
    sound = vocoder.load(newer).speak([stored["odd_frames.mel"][0, 0]])[0]
    same(sound, stored["odd_frames.wav"][0, 0], TOLERANCE)


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    network = described(lambda: Vocoder(PUBLISHED_VOCODER))
    known = read_json(golden(FOLDER), "keys.json")["keys"]
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == known
    assert network.context == 576


def test_a_single_tensor_that_is_missing_or_of_another_shape_is_refused() -> None:
    known = read_json(golden(FOLDER), "keys.json")["keys"]
    network = described(lambda: Vocoder(PUBLISHED_VOCODER))
    weights = {name: torch.empty(shape, device="meta") for name, shape in known.items()}
    assert len(weights) == 233
    for name, tensor in weights.items():
        with pytest.raises(UnfitWeights, match=f"lacks {re.escape(name)}$"):
            fill(network, {other: one for other, one in weights.items() if other != name})
        with pytest.raises(UnfitWeights, match=f"{re.escape(name)} has the shape"):
            fill(network, {**weights, name: tensor[None]})


@pytest.mark.full_size
def test_the_formula_is_the_golden_data_s() -> None:
    told = read_json(golden(FOLDER), "formula.json")["checks"]
    for name, tensor in formula(FOLDER).items():
        values = tensor.double().flatten()
        assert values.sum().item() == pytest.approx(told[name]["sum"], abs=1e-4)
        assert values.abs().sum().item() == pytest.approx(told[name]["abs_sum"], rel=1e-6)
        assert values[:3].tolist() == pytest.approx(told[name]["first"], abs=1e-7)
        assert values[-1].item() == pytest.approx(told[name]["last"], abs=1e-7)
