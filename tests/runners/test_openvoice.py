"""OpenVoice V1's base speakers on small checkpoints in the hub's layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from audio import Samples
from catalog import model_class
from errors import InvalidInput, SettingsError, WeightsError
from networks.openvoice import synthesizer
from networks.openvoice.config import SynthesizerConfig
from networks.vits.synthesizer import Manner
from runners.openvoice import PAUSE, OpenVoiceV1Synthesizer, breaths
from runners.pytorch import read_config, read_weights
from settings import RunnerSettings
from tasks import Speak, Speech
from tests import openvoice
from tests.golden import golden, read_json
from tests.openvoice import SPEAKERS, STYLES, V1
from weights import Store

pytestmark = pytest.mark.weights

RATE = 22050
CLOSE = 1e-4  # of samples within ±1; a batch and a single one differ by some 1e-5
TEXT = "The birds are singing."
LONG = (
    "My little sister bought three red apples, two green pears and a melon. "
    "She gave them all to her friends, who had nothing to eat at home."
)

Open = Callable[..., OpenVoiceV1Synthesizer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openvoice.lay_out(tmp_path_factory.mktemp("hub"))[V1]


@pytest.fixture(scope="module")
def load(folder: Path, store: Store) -> Open:
    """A base speaker; each of the usual ones once."""
    usual: dict[str, OpenVoiceV1Synthesizer] = {}

    def opened(**changes: Any) -> OpenVoiceV1Synthesizer:
        tree = {
            "name": "it", "model": str(folder), "model_type": "OpenVoiceV1Synthesizer", **changes,
        }  # fmt: skip
        entry = RunnerSettings.model_validate(tree)
        model = model_class(entry)(entry, store)
        assert isinstance(model, OpenVoiceV1Synthesizer)
        return model

    def get(language: str | None = "EN", **changes: Any) -> OpenVoiceV1Synthesizer:
        if changes or language is None:
            return opened(language=language, **changes)
        if language not in usual:
            usual[language] = opened(language=language)
        return usual[language]

    return get


@pytest.fixture
def mine(folder: Path, tmp_path: Path) -> Path:
    """The English base speaker's folder alone, to do harm to."""
    return Path(shutil.copytree(folder / SPEAKERS / "EN", tmp_path / "mine"))


def speech(model: OpenVoiceV1Synthesizer, job: Speak) -> Speech:
    (found,) = model.synthesize([job])
    assert isinstance(found, Speech)
    return found


def samples(model: OpenVoiceV1Synthesizer, job: Speak) -> Samples:
    return speech(model, job).audio.samples


JOB = Speak(TEXT, seed=1)
SURE = {"options": {"noise_scale": 0, "noise_scale_w": 0}}


# What it is


def test_the_english_card_has_the_styles_for_voices(load: Open) -> None:
    card = load("EN").card
    assert tuple(voice.name for voice in card.voices) == STYLES
    assert {voice.language for voice in card.voices} == set(card.languages) == {"en"}
    assert (card.default_voice, card.rate) == ("default", RATE)


def test_the_chinese_card_has_the_one_style_that_was_trained(
    load: Open, folder: Path, tmp_path: Path
) -> None:
    chinese = Path(shutil.copytree(folder / SPEAKERS / "ZH", tmp_path / "zh"))
    config = read_config(chinese / "config.json")
    config["speakers"] = {"default": 0, "whispering": 1}
    (chinese / "config.json").write_text(json.dumps(config))
    for model in (load("ZH"), load("ZH", model=str(chinese))):
        assert [voice.name for voice in model.card.voices] == ["default"]
        assert model.card.languages == ("zh",)


def test_only_the_configured_styles_are_offered(load: Open) -> None:
    some = load(voices=["sad", "angry"])
    assert [voice.name for voice in some.card.voices] == ["angry", "sad"]
    assert some.card.default_voice == "angry"
    assert np.array_equal(samples(some, JOB), samples(load(), attrs.evolve(JOB, voice="angry")))


@pytest.mark.parametrize("language", ["EN", "en", None])
def test_english_is_what_an_entry_means_that_names_no_language(
    load: Open, language: str | None
) -> None:
    assert load(language, voices=["sad"]).card.languages == ("en",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language": "FR"}, "it: there is no base speaker for language FR; there are EN, ZH"),
        ({"voices": ["sad", "merry"]}, "it: unknown voices merry; its styles are default, whisper"),
        ({"language": "ZH", "voices": ["sad"]}, "it: unknown voices sad; its styles are default"),
    ],
)
def test_what_the_checkpoint_has_not_cannot_be_configured(
    load: Open, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load(**changes)


# What it says


@pytest.mark.parametrize("language", ["EN", "ZH"])
def test_a_text_becomes_the_original_s_symbols_spoken_by_the_style_s_row(
    load: Open, folder: Path, language: str
) -> None:
    place = folder / SPEAKERS / language
    config = SynthesizerConfig.parsed(read_config(place / "config.json"))
    network = synthesizer.load(config, read_weights(place / "checkpoint.pth"))
    cases = read_json(golden("openvoice_v1_synthesizer"), "text_cases.json")["cases"]
    case = next(c for c in cases if c["language"] == language and len(c["pieces"]) == 1)
    utterance = synthesizer.Utterance(
        case["pieces"][0]["ids_with_blanks"], 1, Manner(length_scale=1 / 1.25, seed=4)
    )
    (known,) = network.speak([utterance])
    assert isinstance(known, torch.Tensor)
    made = samples(load(language), Speak(case["text"], seed=4, speed=1.25))
    pause = round(PAUSE / 1.25 * RATE)
    assert len(made) == len(known) + pause
    assert np.abs(made[:-pause] - known.numpy()).max() < CLOSE
    assert not made[-pause:].any()


def test_every_style_is_a_voice_of_its_own(load: Open) -> None:
    model = load(**SURE)
    said = {style: samples(model, Speak(TEXT, voice=style)).tobytes() for style in STYLES}
    assert len(set(said.values())) == len(STYLES)
    assert said["default"] == samples(model, Speak(TEXT)).tobytes()


def test_each_style_tells_its_tone(load: Open) -> None:
    wanted = dict.fromkeys(STYLES, 1) | {"default": 0}
    for style, number in wanted.items():
        tone = speech(load(), Speak(TEXT, voice=style)).tone
        assert tone is not None
        assert tone.space == "openvoice_v1"
        assert np.array_equal(tone.vector, openvoice.tone(number))
    chinese = speech(load("ZH"), Speak("你好。")).tone
    assert chinese is not None
    assert np.array_equal(chinese.vector, openvoice.tone(2))


def test_a_long_text_is_spoken_in_pieces_with_pauses_between(load: Open) -> None:
    model = load(**SURE)
    first, second = LONG.split(". ")
    apart = [samples(model, Speak(text)) for text in (f"{first}.", second)]
    assert np.abs(samples(model, Speak(LONG)) - np.concatenate(apart)).max() < CLOSE


@pytest.mark.parametrize("text", ["", " ", "...", "!?", "()", "\n\t"])
@pytest.mark.parametrize("language", ["EN", "ZH"])
def test_nothing_to_say_is_silence(load: Open, language: str, text: str) -> None:
    assert samples(load(language), Speak(text)).size == 0


def test_speed_is_how_fast_it_is_said(load: Open) -> None:
    model = load(**SURE)
    usual, fast, slow = (samples(model, Speak(LONG, speed=speed)).size for speed in (1, 2, 0.5))
    assert fast < usual < slow
    assert slow / fast > 3


# Chance


def test_the_same_seed_gives_the_same_sound_and_another_another(load: Open) -> None:
    first = samples(load(), JOB)
    assert np.array_equal(samples(load(), JOB), first)
    assert not np.array_equal(samples(load(), attrs.evolve(JOB, seed=2)), first)


def test_without_a_seed_no_two_are_alike(load: Open) -> None:
    assert not np.array_equal(samples(load(), Speak(TEXT)), samples(load(), Speak(TEXT)))


def test_the_entry_s_seed_serves_those_who_name_none(load: Open) -> None:
    model = load(seed=1)
    assert np.array_equal(samples(model, Speak(TEXT)), samples(load(), JOB))
    assert not np.array_equal(samples(model, attrs.evolve(JOB, seed=2)), samples(model, JOB))


def test_the_pieces_of_a_text_have_their_own_chance(load: Open) -> None:
    twice = samples(load(options={"noise_scale_w": 0}), Speak(f"{LONG} {LONG}", seed=1))
    half = len(twice) // 2
    assert len(twice) == 2 * half
    assert np.abs(twice[:half] - twice[half:]).max() > 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63, 2**64 - 1, 2**70, -1])
def test_any_whole_number_is_a_seed(load: Open, seed: int) -> None:
    assert samples(load(), Speak(LONG, seed=seed)).size


def test_options_say_how_much_is_chance(load: Open) -> None:
    sure = load(**SURE)
    assert np.array_equal(samples(sure, JOB), samples(sure, Speak(TEXT, seed=2)))
    lengths = {
        samples(load(options={"noise_scale_w": 0, "sdp_ratio": share}), JOB).size
        for share in (0, 1)
    }
    assert len(lengths) == 2


@pytest.mark.parametrize("option", ["noise_scale", "noise_scale_w", "sdp_ratio"])
def test_an_option_out_of_its_range_refuses_to_start(load: Open, option: str) -> None:
    for value in (-0.1, 2.1, float("nan")):
        with pytest.raises(SettingsError, match=rf"it: options\.{option}: Input should be"):
            load(options={option: value})


# Batches and refusals


def test_a_batch_gives_each_what_it_gets_alone(load: Open) -> None:
    jobs = [
        Speak(TEXT, seed=1),
        Speak(LONG, voice="sad", seed=2, speed=0.8),
        Speak("", seed=3),
        Speak("Yes.", voice="angry", seed=4, speed=2.0),
    ]
    for job, found in zip(jobs, load().synthesize(jobs), strict=True):
        assert isinstance(found, Speech)
        alone = samples(load(), job)
        assert len(found.audio.samples) == len(alone)
        assert np.abs(found.audio.samples - alone).max(initial=0) < CLOSE


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        ({"voice": "merry"}, "voice", "unknown voice 'merry'; this model has the styles default, "),
        ({"voice": "Sad"}, "voice", "unknown voice 'Sad'"),
        ({"language": "zh"}, "language", "unknown language 'zh'; this model speaks en"),
    ],
)
def test_a_bad_job_is_refused_beside_good_ones(
    load: Open, change: dict[str, Any], param: str, message: str
) -> None:
    first, bad, last = load().synthesize([JOB, attrs.evolve(JOB, **change), JOB])
    assert isinstance(bad, InvalidInput)
    assert bad.message.startswith(message)
    assert bad.param == param
    assert isinstance(first, Speech)
    assert isinstance(last, Speech)
    assert np.array_equal(first.audio.samples, last.audio.samples)


@pytest.mark.parametrize("language", ["en", "EN", None])
def test_its_own_language_may_be_named(load: Open, language: str | None) -> None:
    assert samples(load(), Speak(TEXT, language=language)).size


def test_a_word_without_end_is_spoken_in_parts(load: Open) -> None:
    endless, good = load().synthesize([Speak("ab" * 1500, seed=1), JOB])
    assert isinstance(endless, Speech)
    assert isinstance(good, Speech)
    assert endless.audio.duration > 30 * good.audio.duration


def test_what_lasts_for_minutes_is_refused_beside_others(load: Open) -> None:
    endless, good = load().synthesize([Speak(LONG, seed=1, speed=0.001), JOB])
    assert isinstance(endless, InvalidInput)
    assert endless.param == "input"
    assert isinstance(good, Speech)


def test_breaths_end_at_spaces_where_they_can() -> None:
    assert list(breaths([1, 2, 3], 9, 4)) == [[1, 2, 3]]
    assert list(breaths([1, 2, 3, 9, 4, 5, 6], 9, 5)) == [[1, 2, 3, 9], [4, 5, 6]]
    assert list(breaths([1, 9, 2, 3, 4, 5, 6], 9, 4)) == [[1, 9, 2, 3], [4, 5, 6]]


# Weights


def test_a_folder_may_be_the_checkpoint_s_own(load: Open, mine: Path) -> None:
    assert np.array_equal(samples(load(model=str(mine)), JOB), samples(load(), JOB))


@pytest.mark.parametrize("name", ["en_default_se.pth", "en_style_se.pth", "checkpoint.pth"])
def test_a_file_that_is_missing_is_named(load: Open, mine: Path, name: str) -> None:
    (mine / name).unlink()
    with pytest.raises(WeightsError, match=name.replace(".", r"\.")):
        load(model=str(mine))


@pytest.mark.parametrize("shape", [(16,), (1, 16), (2, 16, 1), (1, 16, 2), ()])
def test_a_tone_of_another_shape_is_refused(load: Open, mine: Path, shape: tuple[int, ...]) -> None:
    torch.save(torch.zeros(shape), mine / "en_style_se.pth")
    with pytest.raises(WeightsError, match=r"^en_style_se\.pth has the shape "):
        load(model=str(mine))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speakers": {}}, "names no style that can be offered"),
        ({"speakers": {"default": 10}}, "speakers"),
        ({"symbols": ["_"]}, r"enc_p\.emb\.weight has the shape"),
        ({"data": 3}, "an object is expected"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    load: Open, mine: Path, change: Mapping[str, Any], message: str
) -> None:
    config = read_config(mine / "config.json")
    (mine / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(WeightsError, match=f"^openvoice_v1, EN: .*{message}"):
        load(model=str(mine))


def test_bfloat16_rounds_the_sound_and_not_the_rhythm(load: Open) -> None:
    exact, rounded = samples(load(**SURE), JOB), samples(load(**SURE, dtype="bfloat16"), JOB)
    assert len(exact) == len(rounded)
    error = np.sqrt(np.mean((exact - rounded) ** 2) / np.mean(exact**2))
    assert 0 < error < 0.05
