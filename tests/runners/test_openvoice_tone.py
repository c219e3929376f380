"""OpenVoice's converters and encoders on small checkpoints in the hub's layout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from audio import Audio, Samples, resample, silence
from catalog import model_class
from errors import InvalidInput, SettingsError, WeightsError
from settings import RunnerSettings
from tasks import Convert, Embed, Embedding, Grid, Speech
from tests import openvoice
from tests.golden import golden, read_tensors
from tests.openvoice import GIN, V1, V2
from weights import Store

RATE = 22050
HOP = 64
CLOSE = 1e-5  # of samples within ±1; a batch and a single one differ by some 2e-6
FOLDERS = {"1": "openvoice_tone_converter", "2": "openvoice_v2_tone_converter"}

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return openvoice.lay_out(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def load(folders: Mapping[str, Path]) -> Open:
    """A converter or an encoder, by the version and what it is; each of the usual ones once."""
    usual: dict[str, Any] = {}

    def get(version: str, what: str = "", **changes: Any) -> Any:
        kind = f"OpenVoiceV{version}ToneConverter{what}"
        if changes or kind not in usual:
            source = folders[V1 if version == "1" else V2]
            tree = {"name": "it", "model": str(source), "model_type": kind, **changes}
            entry = RunnerSettings.model_validate(tree)
            model = model_class(entry)(entry, Store(source, offline=True))
            if changes:
                return model
            usual[kind] = model
        return usual[kind]

    return get


def sound(seconds: float, seed: int = 0, rate: int = RATE) -> Audio:
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * rate), dtype=np.float32)
    return Audio(drawn * np.float32(0.1), rate)


def voice(number: int, space: str = "openvoice_v1") -> Embedding:
    return Embedding(openvoice.tone(number), space)


def convert(model: Any, job: Convert) -> Samples:
    (speech,) = model.convert([job])
    assert isinstance(speech, Speech)
    return speech.audio.samples


def refusal(results: list[Any]) -> InvalidInput:
    (found,) = results
    assert isinstance(found, InvalidInput)
    return found


JOB = Convert(sound(0.5), voice(0), voice(1), seed=1)


# What it is


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_cards_tell_the_space_and_how_to_cut(load: Open, version: str) -> None:
    converter, encoder = load(version).card, load(version, "Encoder").card
    assert converter.space == encoder.space == f"openvoice_v{version}"
    assert converter.rate == encoder.rate == RATE
    assert encoder.grid is None
    assert isinstance(converter.grid, Grid)
    assert converter.grid.step == HOP
    assert converter.grid.context % HOP == 0


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_conversion_without_chance_is_the_original_s(load: Open, version: str) -> None:
    known = read_tensors(golden(FOLDERS[version]), "e2e.safetensors")
    space = f"openvoice_v{version}"
    source, target = (
        Embedding(known[f"tau0/mid/{name}"].reshape(GIN), space) for name in ("se_src", "se_tgt")
    )
    heard = Audio(known["tau0/in/wav_src"].reshape(-1), RATE)
    made = convert(load(version), Convert(heard, source, target, tau=0.0))
    wanted = known["tau0/out/audio"].reshape(-1)
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).max() < 5e-5


@pytest.mark.parametrize("what", ["", "Encoder"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_tones_are_the_original_s(load: Open, version: str, what: str) -> None:
    known = read_tensors(golden(FOLDERS[version]), "e2e.safetensors")
    names = ("src", "ref_a", "ref_b")
    sounds = [Audio(known[f"tau0/in/wav_{name}"].reshape(-1), RATE) for name in names]
    made = load(version, what).embed([Embed(heard) for heard in sounds])
    for embedding, name in zip(made, names, strict=True):
        wanted = known[f"tau0/mid/se_{name}"].reshape(GIN)
        assert np.abs(embedding.vector - wanted).max() < 5e-5


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_converter_tells_the_tones_that_its_encoder_tells(load: Open, version: str) -> None:
    jobs = [Embed(sound(0.4)), Embed(sound(1.1, seed=2))]
    for one, other in zip(
        load(version).embed(jobs), load(version, "Encoder").embed(jobs), strict=True
    ):
        assert one.space == other.space
        assert np.abs(one.vector - other.vector).max() < CLOSE


# Conversion


def test_the_sound_is_as_long_as_its_whole_frames(load: Open) -> None:
    for count in (0, 1, 63, 64, 100, 200, 1000, 4096):
        job = attrs.evolve(JOB, sound=Audio(sound(1).samples[:count], RATE))
        assert len(convert(load("1"), job)) == count // HOP * HOP


def test_a_sound_of_another_rate_is_resampled(load: Open) -> None:
    slow = sound(0.5, rate=16000)
    ours = convert(load("1"), attrs.evolve(JOB, sound=resample(slow, RATE)))
    assert np.array_equal(convert(load("1"), attrs.evolve(JOB, sound=slow)), ours)


def test_the_same_seed_gives_the_same_sound_and_another_another(load: Open) -> None:
    first = convert(load("1"), JOB)
    assert np.array_equal(convert(load("1"), JOB), first)
    assert np.abs(convert(load("1"), attrs.evolve(JOB, seed=2)) - first).max() > 1e-3


def test_without_a_seed_no_two_are_alike(load: Open) -> None:
    job = attrs.evolve(JOB, seed=None)
    assert not np.array_equal(convert(load("1"), job), convert(load("1"), job))


def test_the_entry_s_seed_serves_those_who_name_none(load: Open) -> None:
    model = load("1", seed=1)
    assert np.array_equal(convert(model, attrs.evolve(JOB, seed=None)), convert(load("1"), JOB))
    assert not np.array_equal(convert(model, attrs.evolve(JOB, seed=2)), convert(model, JOB))


def test_tau_is_the_share_of_chance(load: Open) -> None:
    usual = convert(load("1"), JOB)
    assert np.array_equal(convert(load("1"), attrs.evolve(JOB, tau=0.3)), usual)
    sure, sure_too = (convert(load("1"), attrs.evolve(JOB, tau=0.0, seed=seed)) for seed in (1, 2))
    assert np.array_equal(sure, sure_too)
    assert np.array_equal(convert(load("1", options={"tau": 0}), JOB), sure)
    assert not np.array_equal(usual, sure)


@pytest.mark.parametrize("tau", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_that_there_is_not_is_refused(load: Open, tau: float) -> None:
    found = refusal(load("1").convert([attrs.evolve(JOB, tau=tau)]))
    assert (found.param, found.message) == ("tau", f"tau is {tau}; 0 to 1 are possible")
    with pytest.raises(SettingsError, match=r"options\.tau"):
        load("1", options={"tau": tau})


def test_a_batch_gives_each_what_it_gets_alone(load: Open) -> None:
    jobs = [
        attrs.evolve(JOB, sound=sound(seconds, seed=number), seed=number, target=voice(number))
        for number, seconds in enumerate((0.3, 1.0, 0.02, 0.7))
    ]
    for job, speech in zip(jobs, load("1").convert(jobs), strict=True):
        alone = convert(load("1"), job)
        assert len(speech.audio.samples) == len(alone)
        assert np.abs(speech.audio.samples - alone).max(initial=0) < CLOSE


@pytest.mark.parametrize("version", ["1", "2"])
def test_windows_with_their_context_join_to_the_whole(load: Open, version: str) -> None:
    model, space = load(version), f"openvoice_v{version}"
    context = model.card.grid.context
    heard = sound(2.0)
    job = Convert(heard, voice(0, space), voice(1, space), tau=0.8, seed=5)
    whole = convert(model, job)
    cut = 300 * HOP
    head = Audio(heard.samples[: cut + context], RATE)
    tail = Audio(heard.samples[cut - context :], RATE)
    first = convert(model, attrs.evolve(job, sound=head))[:cut]
    second = convert(model, attrs.evolve(job, sound=tail, offset=cut - context))[context:]
    assert np.abs(np.concatenate([first, second]) - whole).max() < CLOSE
    less = 4 * HOP
    nearer = Audio(heard.samples[cut - less :], RATE)
    seam = convert(model, attrs.evolve(job, sound=nearer, offset=cut - less))[less:]
    assert np.abs(seam - whole[cut:]).max() > CLOSE  # so the context is needed


# Refusals


@pytest.mark.parametrize("is_source", [True, False])
@pytest.mark.parametrize(("version", "other"), [("1", "2"), ("2", "1")])
def test_a_tone_of_another_version_is_refused_by_name(
    load: Open, version: str, other: str, is_source: bool
) -> None:
    right, wrong = f"openvoice_v{version}", f"openvoice_v{other}"
    good, bad = voice(0, right), voice(1, wrong)
    tones = (bad, good) if is_source else (good, bad)
    found = refusal(load(version).convert([Convert(sound(0.5), *tones)]))
    assert found.message == f"the embedding is one of {wrong}; this converter takes {right}'s"


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(GIN - 1),
        np.zeros((1, GIN)),
        np.zeros(0),
        np.full(GIN, np.nan),
        np.full(GIN, np.inf),
    ],
)
def test_a_tone_of_other_numbers_is_refused(load: Open, vector: Any) -> None:
    odd = Embedding(vector.astype(np.float32), "openvoice_v1")
    found = refusal(load("1").convert([attrs.evolve(JOB, target=odd)]))
    assert found.message == f"the embedding is not {GIN} finite numbers, as openvoice_v1's are"


@pytest.mark.parametrize("what", ["", "Encoder"])
def test_too_little_sound_for_a_tone_is_refused_beside_others(load: Open, what: str) -> None:
    jobs = [Embed(sound(0.5)), Embed(sound(0.002)), Embed(silence(0, RATE)), Embed(sound(0.5))]
    first, second, third, fourth = load("1", what).embed(jobs)
    assert (second.param, third.param) == ("input_audio", "input_audio")
    assert second.message.startswith("2 ms of sound tell no voice; at least ")
    assert np.array_equal(first.vector, fourth.vector)


def test_what_should_have_been_cut_is_refused(load: Open) -> None:
    long = silence(61, RATE)
    for jobs in (
        (load("1").convert, [attrs.evolve(JOB, sound=long)]),
        (load("1").embed, [Embed(long)]),
    ):
        run, batch = jobs
        assert refusal(run(batch)).message == "61 s are too long to take at once; 60 are possible"


# Weights


def test_weights_that_fit_to_another_config_are_refused(
    load: Open, folders: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = folders[V1] / "checkpoints" / "converter"
    config = json.loads((folder / "config.json").read_text())
    config["model"]["gin_channels"] = GIN + 1
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "checkpoint.pth").write_bytes((folder / "checkpoint.pth").read_bytes())
    for what in ("", "Encoder"):
        with pytest.raises(WeightsError, match=r"openvoice_v1: .* has the shape"):
            load("1", what, model=str(tmp_path))


def test_a_checkpoint_with_a_nan_is_refused(
    load: Open, folders: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = folders[V2] / "converter"
    found = torch.load(folder / "checkpoint.pth", weights_only=True)
    found["model"]["ref_enc.proj.bias"][3] = float("nan")
    torch.save(found, tmp_path / "checkpoint.pth")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    for what in ("", "Encoder"):
        with pytest.raises(WeightsError, match="not finite"):
            load("2", what, model=str(tmp_path))


def test_a_folder_may_be_the_checkpoint_s_own(load: Open, folders: Mapping[str, Path]) -> None:
    mine = load("2", model=str(folders[V2] / "converter"))
    job = Convert(sound(0.5), voice(0, "openvoice_v2"), voice(1, "openvoice_v2"), seed=1)
    assert np.array_equal(convert(mine, job), convert(load("2"), job))


def test_what_lacks_a_config_or_weights_says_so(load: Open, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pth").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"^there is no config\.json among the weights$"):
        load("1", model=str(tmp_path))


@pytest.mark.parametrize("version", ["1", "2"])
def test_bfloat16_stays_near_and_is_what_computes(load: Open, version: str) -> None:
    model, space = load(version, dtype="bfloat16"), f"openvoice_v{version}"
    assert model._network.dec.conv_pre.weight.dtype is torch.bfloat16
    job = Convert(sound(0.5), voice(0, space), voice(1, space), tau=0.0)
    exact, rounded = convert(load(version), job), convert(model, job)
    error = np.sqrt(np.mean((exact - rounded) ** 2) / np.mean(exact**2))
    assert 0 < error < 0.05
    assert rounded.dtype == np.dtype(np.float32)
