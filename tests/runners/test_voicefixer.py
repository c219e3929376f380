"""VoiceFixer's two runners on small checkpoints in the hub's layout: what they take, refuse, and load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from audio import Audio, resample, silence
from catalog import model_class
from errors import InvalidInput, WeightsError
from networks.voicefixer import hearing, restorer, vocoder
from settings import RunnerSettings
from tasks import Analyse, Features, Grid, Speech, Vocode
from tests import voicefixer
from tests.openvoice import saved
from tests.voicefixer import RESTORER, VOCODER, small
from weights import Store

RATE = 44100
KINDS = {"restorer": "VoiceFixerRestorer", "vocoder": "VoiceFixerVocoder"}

Open = Callable[..., Any]
Array = np.ndarray[Any, np.dtype[np.float32]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return voicefixer.lay_out(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def load(folder: Path) -> Open:
    """A runner by its name, from the usual folder or another; each of the usual ones once."""
    usual: dict[str, Any] = {}

    def get(stage: str, source: Path = folder, **changes: Any) -> Any:
        if changes or source != folder or stage not in usual:
            tree = {"name": "it", "model": str(source), "model_type": KINDS[stage], **changes}
            entry = RunnerSettings.model_validate(tree)
            model = model_class(entry)(entry, Store(source, offline=True))
            if changes or source != folder:
                return model
            usual[stage] = model
        return usual[stage]

    return get


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> Audio:
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * rate), dtype=np.float32)
    return Audio(drawn * np.float32(0.1), rate)


def mel(features: Any) -> Array:
    assert isinstance(features, Features)
    return features.mel


def sound(speech: Any) -> Array:
    assert isinstance(speech, Speech)
    return speech.audio.samples


def close(one: Array, other: Array) -> None:
    np.testing.assert_allclose(one / np.abs(other).max(), other / np.abs(other).max(), atol=1e-5)


# What they do


def test_a_sound_is_heard_and_sung_as_the_networks_do(load: Open) -> None:
    heard = noise(0.7)
    (features,) = load("restorer").analyse([Analyse(heard)])
    (known,) = restorer.load(small()[0]).restore([hearing.mel(torch.from_numpy(heard.samples))])
    close(mel(features), known.numpy().T)
    (speech,) = load("vocoder").vocode([Vocode(features)])
    close(sound(speech), vocoder.load(small()[1]).speak([known])[0].numpy())
    assert speech.audio.rate == RATE


def test_cards_tell_how_they_fit(load: Open) -> None:
    heard, sung = load("restorer").card, load("vocoder").card
    assert (heard.rate, heard.space, heard.grid) == (RATE, "voicefixer", Grid(64 * 441, 52920))
    reach = vocoder.load(small()[1]).context * 441
    assert (sung.rate, sung.space, sung.grid) == (RATE, "voicefixer", Grid(441, reach))


def test_other_rates_are_resampled(load: Open) -> None:
    other = noise(0.5, rate=16000)
    one, known = load("restorer").analyse([Analyse(other), Analyse(resample(other, RATE))])
    close(mel(one), mel(known))


@pytest.mark.parametrize("samples", [0, 1, 440, 1024, 1025])
def test_the_shortest_sounds_have_features(load: Open, samples: int) -> None:
    heard = Audio(np.full(samples, 0.1, dtype=np.float32), RATE)
    for mode in (0, 1, 2):
        (features,) = load("restorer").analyse([Analyse(heard, mode=mode, seed=1)])
        assert mel(features).shape == (128, 3)
        assert np.isfinite(mel(features)).all()


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_silence_is_heard_in_all_modes(load: Open, mode: int) -> None:
    (features,) = load("restorer").analyse([Analyse(silence(1, RATE), mode=mode, seed=1)])
    assert np.isfinite(mel(features)).all()


# Modes


def test_mode_1_hears_no_high_end(load: Open) -> None:
    times = np.arange(RATE, dtype=np.float32) / RATE
    hum = np.sin(2 * np.pi * 300 * times).astype(np.float32)
    heard = Audio(hum + noise(1).samples * np.float32(0.01), RATE)
    low = Audio(hearing.low_passed(torch.from_numpy(heard.samples)).numpy(), RATE)
    usual, one, known = load("restorer").analyse(
        [Analyse(heard), Analyse(heard, mode=1), Analyse(low)]
    )
    close(mel(one), mel(known))
    assert not np.allclose(mel(one), mel(usual), rtol=1e-2)


def test_mode_2_is_the_same_for_the_same_seed_and_changes_no_later_call(load: Open) -> None:
    model, heard = load("restorer"), noise(0.5)
    (before,) = model.analyse([Analyse(heard)])
    one, again, other, usual = model.analyse(
        [
            Analyse(heard, mode=2, seed=1),
            Analyse(heard, mode=2, seed=1),
            Analyse(heard, mode=2, seed=2),
            Analyse(heard),
        ]
    )
    assert np.array_equal(mel(one), mel(again))
    assert not np.allclose(mel(one), mel(other))
    assert np.array_equal(mel(before), mel(usual))


def test_mode_2_goes_by_the_configured_seed_or_by_none(load: Open, folder: Path) -> None:
    job = Analyse(noise(0.5), mode=2)
    first, second = load("restorer").analyse([job, job])
    assert not np.array_equal(mel(first), mel(second))
    seeded = load("restorer", seed=5)
    (first,), (second,) = seeded.analyse([job]), seeded.analyse([attrs.evolve(job, seed=5)])
    assert np.array_equal(mel(first), mel(second))


# Formats


def test_bfloat16_rounds_a_little(load: Open) -> None:
    job = Analyse(noise(0.5))
    (usual,), (rounded,) = (
        load("restorer", **how).analyse([job]) for how in ({}, {"dtype": "bfloat16"})
    )
    differs = np.abs(np.log10(mel(rounded)) - np.log10(mel(usual)))
    assert 0 < differs.mean() < 0.05
    one, other = (
        sound(load("vocoder", **how).vocode([Vocode(usual)])[0])
        for how in ({}, {"dtype": "bfloat16"})
    )
    assert one.dtype == other.dtype == np.float32
    assert 0 < np.square(one - other).mean() < 0.1 * np.square(one).mean()


# Batches


@pytest.mark.parametrize("mode", [0, 2])
def test_rows_of_any_lengths_do_not_hear_each_other(load: Open, mode: int) -> None:
    lengths = (0.3, 0.9, 0.3, 1.1)
    jobs = [Analyse(noise(s, n), mode=mode, seed=n) for n, s in enumerate(lengths)]
    model, singer = load("restorer"), load("vocoder")
    together = model.analyse(jobs)
    for features, job in zip(together, jobs, strict=True):
        close(mel(features), mel(model.analyse([job])[0]))
    sounds = singer.vocode([Vocode(features) for features in together])
    for speech, features in zip(sounds, together, strict=True):
        close(sound(speech), sound(singer.vocode([Vocode(features)])[0]))


def test_only_what_is_of_one_length_shares_a_batch(load: Open) -> None:
    group = load("restorer").group
    assert group(Analyse(noise(1, 1))) == group(Analyse(noise(1, 2)))
    assert (
        len({group(Analyse(noise(1))), group(Analyse(noise(2))), group(Analyse(noise(1), 1))}) == 3
    )
    group = load("vocoder").group
    assert group(features(20)) != group(features(21))
    assert group(features(20)) == group(features(20))


def features(frames: int, bands: int = 128, space: str = "voicefixer", value: float = 1) -> Vocode:
    return Vocode(Features(np.full((bands, frames), value, dtype=np.float32), space))


def test_costs_are_seconds(load: Open) -> None:
    assert load("restorer").cost(Analyse(noise(2))) == 2
    assert load("vocoder").cost(features(200)) == 2


# Refusals


@pytest.mark.parametrize(
    ("job", "param", "message"),
    [
        (Analyse(noise(0.1), mode=3), "mode", "mode is 3; 0, 1, 2 are possible"),
        (Analyse(noise(0.1), mode=-1), "mode", "mode is -1; 0, 1, 2 are possible"),
        (Analyse(silence(60.1, 8000)), None, "60.1 s of sound; 60 are possible at once"),
    ],
)
def test_what_cannot_be_heard_is_refused_alone(
    load: Open, job: Analyse, param: str | None, message: str
) -> None:
    good, refusal = load("restorer").analyse([Analyse(noise(0.1)), job])
    assert isinstance(good, Features)
    assert isinstance(refusal, InvalidInput)
    assert (refusal.param, refusal.message) == (param, message)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (features(9, space="harmony_v1"), "the features are harmony_v1's; this vocoder takes "),
        (features(9, bands=80), "the features are not finite numbers in 128 bands"),
        (features(9, value=np.nan), "the features are not finite numbers in 128 bands"),
        (features(6001), "60.01 s of sound; 60 are possible at once"),
    ],
)
def test_what_cannot_be_sung_is_refused_alone(load: Open, job: Vocode, message: str) -> None:
    good, refusal = load("vocoder").vocode([features(9), job])
    assert isinstance(good, Speech)
    assert isinstance(refusal, InvalidInput)
    assert refusal.message.startswith(message)


# Files


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("restorer", f"analysis_module/checkpoints/{RESTORER}"),
        ("vocoder", f"synthesis_module/44100/{VOCODER}"),
    ],
)
def test_the_original_s_own_folders_are_read_too(
    load: Open, folder: Path, tmp_path: Path, stage: str, place: str
) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_bytes((folder / file.name).read_bytes())
    assert load(stage, tmp_path).card == load(stage).card


def test_a_missing_file_is_named(load: Open, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("#")
    for stage, name in (("restorer", RESTORER), ("vocoder", VOCODER)):
        with pytest.raises(WeightsError, match=f"holds no file like .*{name}"):
            load(stage, tmp_path)


def test_a_file_may_have_any_name(load: Open, folder: Path, tmp_path: Path) -> None:
    for stage, name in (("restorer", RESTORER), ("vocoder", VOCODER)):
        (tmp_path / "mine.bin").write_bytes((folder / name).read_bytes())
        assert load(stage, tmp_path / "mine.bin").card == load(stage).card


def test_the_vocoder_s_file_is_no_restorer(load: Open, folder: Path, tmp_path: Path) -> None:
    (tmp_path / RESTORER).write_bytes((folder / VOCODER).read_bytes())
    (tmp_path / VOCODER).write_bytes((folder / RESTORER).read_bytes())
    for stage in KINDS:
        with pytest.raises(WeightsError, match=r"the checkpoint (lacks|has)"):
            load(stage, tmp_path)


@pytest.mark.parametrize("stage", KINDS)
def test_every_tensor_that_is_missing_refuses_to_start(
    load: Open, tmp_path: Path, stage: str
) -> None:
    """The engine that this replaces loads none of the vocoder's, and nobody notices."""
    weights = dict(small()[stage == "vocoder"])
    file = tmp_path / (VOCODER if stage == "vocoder" else RESTORER)
    names = sorted(weights)
    for name in names[:: len(names) // 12]:
        kept = {other: tensor for other, tensor in weights.items() if other != name}
        file.write_bytes(saved({"generator": kept} if stage == "vocoder" else kept))
        with pytest.raises(WeightsError, match=r"lacks|does not know"):
            load(stage, tmp_path)


def test_weights_that_run_code_are_refused(load: Open, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "gone off",))

    (tmp_path / RESTORER).write_bytes(saved({"generator.x": Bomb()}))
    with pytest.raises(WeightsError, match=f"{RESTORER} cannot be used"):
        load("restorer", tmp_path)
    assert not (tmp_path / "gone off").exists()
