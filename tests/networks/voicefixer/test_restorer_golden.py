"""VoiceFixer's restorer beside the original: what it hears, block by block, in all modes, at full size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from networks.vits.checkpoint import UnfitWeights, described, fill
from networks.voicefixer import hearing
from networks.voicefixer.blocks import Decoder, Encoder, Norm, Recurrence, Residual
from networks.voicefixer.restorer import Denoiser, Restorer
from networks.voicefixer.sizes import RestorerSizes
from tests.golden import golden, read_json
from tests.networks.cases import part_of, same, tensors
from tests.voicefixer import PUBLISHED_RESTORER, by_formula

FOLDER = "voicefixer_restorer"
CASES = ("noisy", "narrow_clipped", "reverb")
# What the README saw, or allows.
TOLERANCE, FROM_SOUND, AT_HAND = 1e-5, 5e-4, 2e-4


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "io.safetensors")


@pytest.fixture(scope="module")
def blocks() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "blocks_io.safetensors")


def relative(made: Tensor, known: Tensor, tolerance: float = TOLERANCE) -> None:
    same(made / known.abs().max(), known / known.abs().max(), tolerance)


# What is heard


def test_the_cases_are_all_there_are(stored: dict[str, Tensor]) -> None:
    assert {name.partition(".")[0] for name in stored} == {*CASES, "train_mode", "const"}


def test_the_bands_are_the_original_s(stored: dict[str, Tensor]) -> None:
    same(hearing.bands(), stored["const.mel_filterbank"], 2e-5)


@pytest.mark.parametrize("case", CASES)
def test_a_sound_is_heard_as_the_original_hears_it(stored: dict[str, Tensor], case: str) -> None:
    wave = stored[f"{case}.wav"]
    frames = stored.get(f"{case}.magnitude_frame_indices", torch.arange(len(wave) // 441 + 1))
    known = stored.get(f"{case}.magnitude", stored.get(f"{case}.magnitude_frames"))
    assert known is not None
    same(hearing.magnitudes(wave)[frames], known, 3e-4)
    relative(hearing.mel(wave), stored[f"{case}.mel_noisy"], 3e-6)


@pytest.mark.parametrize("samples", [0, 1, 440, 441, 1024, 1025, 5000])
def test_sounds_of_any_length_are_heard(samples: int) -> None:
    heard = hearing.mel(torch.ones(samples))
    assert heard.shape == (1 + max(samples, hearing.LEAST) // 441, 128)
    assert heard.isfinite().all()


def test_silence_is_as_soft_as_the_floor() -> None:
    assert torch.allclose(hearing.magnitudes(torch.zeros(5000)), torch.tensor(1e-4))


# Blocks


@pytest.mark.parametrize(
    ("name", "build", "given", "made"),
    [
        ("bn_gru", lambda: Recurrence(12, 5), "x", "y"),
        ("conv_block_res", lambda: Residual(3, 5), "x", "y"),
        ("conv_block_res_same", lambda: Residual(6, 6), "x", "y"),
        ("encoder_block", lambda: Encoder(2, 4), "x", "full pooled"),
        ("decoder_block", lambda: Decoder(6, 4), "x skip", "y"),
        ("denoiser", lambda: Denoiser(8, RestorerSizes(16, 32, 16, ())), "x", "y"),
    ],
)
@torch.inference_mode()
def test_a_block_is_the_original_s(
    blocks: dict[str, Tensor], name: str, build: Callable[[], nn.Module], given: str, made: str
) -> None:
    block = part_of(tensors(golden(FOLDER), "blocks_weights.safetensors"), f"{name}.", build)
    out = block(*(blocks[f"{name}.{part}"] for part in given.split()))
    for part, known in zip(out if isinstance(out, tuple) else (out,), made.split(), strict=True):
        same(part, blocks[f"{name}.{known}"], TOLERANCE)


def test_the_blocks_are_all_there_are(blocks: dict[str, Tensor]) -> None:
    known = {"bn_gru", "conv_block_res", "conv_block_res_same", "encoder_block", "decoder_block"}
    assert {name.partition(".")[0] for name in blocks} == {*known, "denoiser"}


# The whole


@pytest.mark.full_size
@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_a_mel_becomes_the_original_s(
    full_restorer: Restorer, stored: dict[str, Tensor], case: str
) -> None:
    noisy = stored[f"{case}.mel_noisy"][None, None]
    with watched(full_restorer) as seen:
        made = full_restorer.logarithm(noisy)[0, 0]
    same(made, stored[f"{case}.mel_log10"], TOLERANCE)
    relative(10**made, stored[f"{case}.mel_restored"])
    clean = noisy[0, 0] * seen["denoiser"][0, 0]
    relative(clean, stored[f"{case}.clean"])
    same(clean.log10(), stored[f"{case}.clean_log10"], TOLERANCE)
    same(seen["unet"][0, 0], stored[f"{case}.unet_out"], TOLERANCE)
    for name in (name.removeprefix(f"{case}.") for name in stored):
        part, _, block = name.partition(".")
        known = stored.get(f"{case}.{name}")
        if part == "unet_channel_mean" and known is not None:
            same(seen[f"unet.{block}"].mean(dim=1)[0], known, 5 * TOLERANCE)
        elif name == "unet.bottleneck" and known is not None:
            same(seen["unet.conv_block7"][0], known, 5 * TOLERANCE)
        elif part == "denoiser" and known is not None:
            place = block.removeprefix("after_")
            every = 1 if case == "narrow_clipped" else 8
            out = seen[f"denoiser.{place}"][0, 0, ::every]
            same(out, known, TOLERANCE)


@contextmanager
def watched(network: Restorer) -> Iterator[dict[str, Tensor]]:
    """What each part makes; an encoder's before it is made smaller."""
    seen: dict[str, Tensor] = {}

    def note(name: str, made: Tensor | tuple[Tensor, ...]) -> None:
        seen[name] = (made[0] if isinstance(made, tuple) else made).clone()

    hooks = [
        part.register_forward_hook(lambda _, __, made, name=name: note(name, made))
        for name, part in network.named_modules()
        if name.count(".") < 2 and not isinstance(part, Norm)
    ]
    yield seen
    for hook in hooks:
        hook.remove()


@pytest.mark.full_size
@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_a_sound_becomes_the_original_s_mel(
    full_restorer: Restorer, stored: dict[str, Tensor], case: str
) -> None:
    made = full_restorer.logarithm(hearing.mel(stored[f"{case}.wav"])[None, None])[0, 0]
    same(made, stored[f"{case}.mel_log10"], FROM_SOUND)


# By the statistics at hand


@pytest.mark.full_size
@torch.inference_mode()
def test_training_mode_is_the_original_s_without_what_it_remembers(
    full_restorer: Restorer, stored: dict[str, Tensor]
) -> None:
    before = {name: tensor.clone() for name, tensor in full_restorer.state_dict().items()}
    noisy = hearing.mel(stored["reverb.wav"])[None, None]
    keeps = [stored[f"train_mode.keep_mask_{number}"].bool() for number in (1, 2)]
    with watched(full_restorer) as seen, inputs_of_norms(full_restorer) as inputs:
        made = full_restorer.logarithm(noisy, keeps)[0, 0]
    same(made, stored["train_mode.mel_log10"], AT_HAND)
    relative(10**made, stored["train_mode.mel_restored"], AT_HAND)
    relative(noisy[0, 0] * seen["denoiser"][0, 0], stored["train_mode.clean"], AT_HAND)
    same(seen["unet"][0, 0], stored["train_mode.unet_out"], AT_HAND)
    assert not full_restorer.training
    after = full_restorer.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    for name in (name for name in stored if "_after." in name):
        kind, _, place = name.removeprefix("train_mode.").partition("_after.")
        same(moved(before[f"{place}.{kind}"], inputs[place], place), stored[name], AT_HAND)


def moved(before: Tensor, x: Tensor, place: str) -> Tensor:
    """What the original remembers instead."""
    momentum = (
        0.01 if "block" in place and ".bn" in place and "decoder_block1.bn1" not in place else 0.1
    )
    variance, mean = torch.var_mean(x.transpose(0, 1).flatten(1), dim=1)
    return before + momentum * ((variance if before.min() > 0.4 else mean) - before)


@contextmanager
def inputs_of_norms(network: Restorer) -> Iterator[dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_pre_hook(lambda _, x, name=name: seen.update({name: x[0].clone()}))
        for name, part in network.named_modules()
        if isinstance(part, Norm)
    ]
    yield seen
    for hook in hooks:
        hook.remove()


# Names and shapes


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    network = described(lambda: Restorer(PUBLISHED_RESTORER))
    known = read_json(golden(FOLDER), "keys.json")["keys"]
    assert {f"generator.{n}": list(one.shape) for n, one in network.state_dict().items()} == known


def test_a_single_tensor_that_is_missing_or_of_another_shape_is_refused() -> None:
    known = read_json(golden(FOLDER), "keys.json")["keys"]
    network = described(lambda: Restorer(PUBLISHED_RESTORER))
    weights = {
        name.removeprefix("generator."): torch.empty(shape, device="meta").to(
            torch.int64 if name.endswith("tracked") else torch.float32
        )
        for name, shape in known.items()
    }
    assert len(weights) == 730
    for name, tensor in weights.items():
        with pytest.raises(UnfitWeights, match=f"lacks {re.escape(name)}$"):
            fill(network, {other: one for other, one in weights.items() if other != name})
        with pytest.raises(UnfitWeights, match=f"{re.escape(name)} has the shape"):
            fill(network, {**weights, name: tensor[None]})


def test_the_formula_is_the_golden_data_s() -> None:
    told = read_json(golden(FOLDER), "formula.json")["checks"]
    names = [name for name in told if ".encoder_block1." in name or ".denoiser." in name]
    gains = [
        (entry["key_regex"], entry["gain"])
        for entry in read_json(golden(FOLDER), "formula.json")["gains"]
    ]
    made = by_formula({name: tuple(told[name]["shape"]) for name in names}, "vf-golden-1", gains)
    for name in names:
        values = made[name].double().flatten()
        assert values.sum().item() == pytest.approx(told[name]["sum"], abs=1e-4)
        assert values[:3].tolist() == pytest.approx(told[name]["first"], abs=1e-7)
