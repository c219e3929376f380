"""Harmony Speech's synthesizer beside the original, stage by stage."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from networks.harmony import synthesizer
from networks.harmony.blocks import Bank, both_ways, told
from networks.harmony.config import SynthesizerConfig
from networks.harmony.synthesizer import Synthesizer, Text, Utterance, frames_of
from networks.vits.checkpoint import described
from networks.vits.frames import spread
from networks.vits.masks import mask_of
from networks.vits.synthesizer import TooLong
from tests.golden import golden, read_json
from tests.networks.cases import part_of, same, tensors

FOLDER = "harmonyspeech_synthesizer"
SINGLE = (
    "text0", "text1", "text2", "control0", "control1", "control2", "control3", "control4",
    "fallback_all_two", "one_char",
)  # fmt: skip
PARTS = ("padded_batch", "teacher_forced", "length_regulator", "cbhg_prenet")
# The README saw 1e-5 in a mel, float32 beside float64.
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def values() -> Any:
    return read_json(golden(FOLDER), "config.json")


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "weights.safetensors")


@pytest.fixture(scope="module")
def network(values: Any, weights: dict[str, Tensor]) -> Synthesizer:
    return synthesizer.load(SynthesizerConfig.parsed(values), weights)


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    return tensors(golden(FOLDER), "io.safetensors")


@pytest.fixture(scope="module")
def told_of() -> dict[str, dict[str, Any]]:
    return {case["case"]: case for case in read_json(golden(FOLDER), "expected.json")["cases"]}


def test_the_cases_are_all_there_are(stored: dict[str, Tensor]) -> None:
    assert {name.partition(".")[0] for name in stored} == {*SINGLE, *PARTS}


@pytest.mark.parametrize("case", [*SINGLE, "padded_batch"])
@torch.inference_mode()
def test_every_stage_is_the_originals(
    network: Synthesizer, stored: dict[str, Tensor], told_of: dict[str, dict[str, Any]], case: str
) -> None:
    about, known = told_of[case], _below(case, stored)
    # The original masks nothing, so in the padded batch its rows hear their padding.
    text = _unmasked(known["x"], known["spk_emb"])
    said = network.dur_pred(text.characters, text.voices, text.lengths, None) / about["alpha"]
    _same(said, known["durations_raw"])
    durations = network.durations(text, torch.tensor(about["alpha"]))
    # What the original hands out was clamped on the way.
    _same(durations.clamp(min=0), known["durations_used"])
    frames = frames_of(durations)
    assert torch.equal(frames, known["frames_per_char"])

    pitch = network.pitch(text) * about["pitch_factor"]
    energy = network.energy(text) * about["energy_factor"]
    _same(pitch, known["pitch"][:, 0])
    _same(energy, known["energy"][:, 0])
    hidden = network.hidden(text, pitch, energy)
    lengths = frames.sum(1).tolist()
    repeated = spread(hidden, frames, lengths)
    assert repeated.shape[2] == about["frames"]
    if "inter.regulated" in known:
        _compare_inner_stages(network, text, pitch, energy, known)
        _same(repeated.transpose(1, 2), known["inter.regulated"])
        state = both_ways(network.lstm, told(repeated.transpose(1, 2), text.voices), lengths, None)
        _same(state, known["inter.lstm_out"])
    first = network.first_mel(repeated, text.voices, lengths, None)
    _same(first, known["mel"])
    after = network.postnet(first, lengths, None)
    if "inter.postnet_out" in known:
        _same(after, known["inter.postnet_out"])
    _same(network.post_proj(after).transpose(1, 2), known["mel_post"])


def _compare_inner_stages(
    network: Synthesizer, text: Text, pitch: Tensor, energy: Tensor, known: dict[str, Tensor]
) -> None:
    read = network.embedding(text.characters).transpose(1, 2)
    _same(network.prenet.projected(read, None), known["inter.prenet_proj2"])
    added = read + network.prenet.projected(read, None)
    _same(network.prenet.pre_highway(added.transpose(1, 2)), known["inter.prenet_highway_in"])
    _same(network.prenet(read, text.lengths, None), known["inter.prenet_out"])
    _same(network.pitch_proj(pitch[:, None]), known["inter.pitch_proj"])
    _same(network.energy_proj(energy[:, None]), known["inter.energy_proj"])


@pytest.mark.parametrize("case", SINGLE)
def test_an_utterance_is_the_originals(
    network: Synthesizer, stored: dict[str, Tensor], told_of: dict[str, dict[str, Any]], case: str
) -> None:
    (mel,) = network.speak([_utterance(stored, told_of[case])])
    assert isinstance(mel, Tensor)
    _same(mel, stored[f"{case}.mel_post"][0])


def test_rows_of_a_padded_batch_are_what_the_original_makes_of_them_alone(
    network: Synthesizer, stored: dict[str, Tensor], told_of: dict[str, dict[str, Any]]
) -> None:
    together = network.speak([_utterance(stored, told_of[case]) for case in SINGLE])
    for case, mel in zip(SINGLE, together, strict=True):
        assert isinstance(mel, Tensor)
        _same(mel, stored[f"{case}.mel_post"][0])


def test_rows_of_the_original_s_padded_batch_are_here_as_they_are_alone(
    network: Synthesizer, stored: dict[str, Tensor]
) -> None:
    known = _below("padded_batch", stored)
    rows = [
        Utterance(row[:length].tolist(), voice)
        for row, voice, length in zip(
            known["x"], known["spk_emb"], known["char_lens"].tolist(), strict=True
        )
    ]
    for row, mel in zip(rows, network.speak(rows), strict=True):
        (alone,) = network.speak([row])
        assert isinstance(mel, Tensor)
        assert isinstance(alone, Tensor)
        _same(mel, alone)


@torch.inference_mode()
def test_told_durations_pitch_and_energy_make_the_original_s_mel(
    network: Synthesizer, values: Any, stored: dict[str, Tensor]
) -> None:
    """As in training: frames behind a row's end hold a value of their own, which the norms hear."""
    known, filling = _below("teacher_forced", stored), values["model"]["padding_value"]
    text = _unmasked(known["x"], known["spk_emb"])
    for name, predictor in (
        ("dur", network.dur_pred), ("pitch", network.pitch_pred), ("energy", network.energy_pred),
    ):  # fmt: skip
        said = predictor(text.characters, text.voices, text.lengths, None)
        _same(said, known[f"{name}_hat"].reshape(said.shape))
    frames, lengths = frames_of(known["dur"]), known["mel_lens"].tolist()
    hidden = network.hidden(text, known["pitch_in"], known["energy_in"])
    repeated = told(spread(hidden, frames, frames.sum(1).tolist()).transpose(1, 2), text.voices)
    repeated = repeated[:, : max(lengths)]
    ends = mask_of(lengths, repeated.transpose(1, 2))
    assert ends is not None
    heard = both_ways(network.lstm, repeated, lengths, ends)
    heard = heard.masked_fill(ends.transpose(1, 2) == 0, filling)
    first = network.lin(heard).transpose(1, 2)
    last = network.post_proj(network.postnet(first, lengths, None)).transpose(1, 2)
    lacking = int(known["mel_target_frames"]) - first.shape[2]
    for made, name in ((first, "mel"), (last, "mel_post")):
        # Numbers reach 30 there.
        same(F.pad(made, (0, lacking), value=filling), known[name], 5 * TOLERANCE)


def test_values_are_repeated_as_often_as_the_rounded_duration(stored: dict[str, Tensor]) -> None:
    known = _below("length_regulator", stored)
    frames = frames_of(known["dur"])
    repeated = spread(known["x"].transpose(1, 2), frames, frames.sum(1).tolist())
    _same(repeated.transpose(1, 2), known["out"])


@torch.inference_mode()
def test_the_bank_is_the_original_s(
    values: Any, weights: dict[str, Tensor], stored: dict[str, Tensor]
) -> None:
    config = SynthesizerConfig.parsed(values)
    bank = part_of(weights, "prenet.", lambda: Bank(config.embedding, config.prenet))
    known = _below("cbhg_prenet", stored)
    _same(bank(known["x"], [known["x"].shape[2]] * 2, None), known["out"])


def test_what_would_last_too_long_is_refused_alone(
    network: Synthesizer, stored: dict[str, Tensor], told_of: dict[str, dict[str, Any]]
) -> None:
    rows = [_utterance(stored, told_of[case]) for case in ("text2", "text1", "text0")]
    short, long, middle = network.speak(rows, most_frames=200)
    assert isinstance(long, TooLong)
    assert (long.frames, long.most) == (364, 200)
    for mel, case in ((short, "text2"), (middle, "text0")):
        assert isinstance(mel, Tensor)
        _same(mel, stored[f"{case}.mel_post"][0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"characters": ()}, "without characters"),
        ({"characters": (66,)}, "from 0 to 65"),
        ({"characters": (-1,)}, "from 0 to 65"),
        ({"voice": torch.ones(63)}, "64 numbers"),
    ],
)
def test_what_the_network_does_not_know_is_refused(
    network: Synthesizer, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        network.speak([attrs.evolve(Utterance((1,), torch.ones(64)), **wrong)])


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    told = read_json(golden(FOLDER), "keys.json")
    config = SynthesizerConfig.parsed({"model": told["_meta"]["full_size_model_settings"]})
    network = described(lambda: Synthesizer(config))
    assert {name: list(one.shape) for name, one in network.state_dict().items()} == told["keys"]
    whole = {name for name, one in network.state_dict().items() if not one.is_floating_point()}
    assert whole == {name for name, kind in told["dtypes"].items() if kind == "int64"}


def _utterance(stored: dict[str, Tensor], about: dict[str, Any]) -> Utterance:
    case = about["case"]
    return Utterance(
        stored[f"{case}.x"][0].tolist(), stored[f"{case}.spk_emb"][0],
        about["alpha"], about["pitch_factor"], about["energy_factor"],
    )  # fmt: skip


def _unmasked(characters: Tensor, voices: Tensor) -> Text:
    return Text(characters, voices, (characters.shape[1],) * len(characters), None)


def _below(case: str, stored: dict[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{case}."
    return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}


def _same(made: Tensor, known: Tensor) -> None:
    same(made, known, TOLERANCE)
