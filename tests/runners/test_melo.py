"""MeloTTS on small checkpoints in the hub's layout, each language with a tiny BERT."""

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
from errors import InvalidInput, SettingsError, SpeechError, WeightsError
from networks.extras import ExtraMissing
from runners import melo as runner
from runners.melo import MeloTTS
from runners.melo_releases import LANGUAGES, language_of, source_of
from runners.together import next_seed
from settings import RunnerSettings
from tasks import Speak, Speech
from tests import melo, openvoice
from weights import Store

pytestmark = pytest.mark.weights

RATE = 44100
CLOSE = 1e-4  # of samples within ±1; a batch and a single one differ by some 1e-5
TEXTS = {
    "EN": "The birds are singing.",
    "ZH": "小鸟在唱歌，the birds。",
    "JP": "準備できました。",
    "KR": "준비되었습니다.",
    "ES": "Todo listo.",
    "FR": "Tout est prêt.",
}
LONG = (
    "My little sister bought three red apples, two green pears and a melon. "
    "She gave them all to her friends, who had nothing to eat at home."
)
JOB = Speak(TEXTS["EN"], seed=1)

Open = Callable[..., MeloTTS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return melo.lay_out(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def load(folders: Mapping[str, Path], store: Store) -> Open:
    """The model of a language; each of the usual ones once. Skips where its packages are missing."""
    usual: dict[str, MeloTTS] = {}

    def opened(language: str, **changes: Any) -> MeloTTS:
        entry = RunnerSettings.model_validate(melo.entry(language, folders, **changes))
        try:
            model = model_class(entry)(entry, store)
        except SettingsError as error:
            if isinstance(error.__cause__, ExtraMissing):
                pytest.skip(str(error))
            raise
        assert isinstance(model, MeloTTS)
        return model

    def get(language: str = "EN", **changes: Any) -> MeloTTS:
        if changes:
            return opened(language, **changes)
        if language not in usual:
            usual[language] = opened(language)
        return usual[language]

    return get


@pytest.fixture
def mine(folders: Mapping[str, Path], tmp_path: Path) -> Path:
    """The English release alone, to do harm to."""
    return Path(shutil.copytree(folders["myshell-ai/MeloTTS-English"], tmp_path / "mine"))


@pytest.fixture
def my_bert(folders: Mapping[str, Path], tmp_path: Path) -> Path:
    source = language("EN").bert.source.partition("@")[0]
    return Path(shutil.copytree(folders[source], tmp_path / "bert"))


def language(name: str) -> Any:
    return next(one for one in LANGUAGES if one.name == name)


def options(folders: Mapping[str, Path], **changes: Any) -> dict[str, Any]:
    """The options of the English entry, some of them changed."""
    return {"options": {**melo.entry("EN", folders)["options"], **changes}}


def rewrite(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def speech(model: MeloTTS, job: Speak) -> Speech:
    (found,) = model.synthesize([job])
    assert isinstance(found, Speech), found
    return found


def samples(model: MeloTTS, job: Speak) -> Samples:
    return speech(model, job).audio.samples


def refusal(model: MeloTTS, job: Speak) -> SpeechError:
    (found,) = model.synthesize([job])
    assert isinstance(found, InvalidInput), found
    return found


# What it is


@pytest.mark.parametrize("name", TEXTS)
def test_every_language_speaks(load: Open, name: str) -> None:
    model = load(name)
    spoken = speech(model, Speak(TEXTS[name], seed=1))
    assert spoken.audio.rate == model.card.rate == RATE
    assert spoken.audio.duration > 0.2
    assert np.abs(spoken.audio.samples).max() > 0.001
    assert model.card.languages[0].startswith(language(name).tag)


def test_the_voices_are_the_release_s_own_with_their_accents(load: Open) -> None:
    card = load("EN").card
    assert {voice.name: voice.language for voice in card.voices} == {
        "EN-US": "en-US", "EN-BR": "en-GB", "EN_INDIA": "en-IN", "EN-AU": "en-AU", "EN-Default": "en",
    }  # fmt: skip
    assert card.default_voice == "EN-Default"
    newest = load("EN", release="MeloTTS-English-v3", voices=["EN-Newest"]).card
    assert [voice.name for voice in newest.voices] == ["EN-Newest"]
    second = load("EN", release="MeloTTS-English-v2").card
    assert second.default_voice == "EN-US"


@pytest.mark.parametrize("voice", ["EN_INDIA", "EN-INDIA", "en-india"])
def test_a_voice_may_be_spelt_as_in_any_release(load: Open, voice: str) -> None:
    model = load("EN")
    india = samples(model, attrs.evolve(JOB, voice="EN_INDIA"))
    assert np.array_equal(samples(model, attrs.evolve(JOB, voice=voice)), india)
    assert not np.array_equal(samples(model, JOB), india)


@pytest.mark.parametrize(
    ("language", "voice"),
    [("en-GB", "EN-BR"), ("en_in", "EN_INDIA"), ("en", "EN-Default"), (None, "EN-Default")],
)
def test_who_names_no_voice_hears_one_of_the_asked_country(
    load: Open, language: str | None, voice: str
) -> None:
    model = load("EN")
    named = samples(model, attrs.evolve(JOB, voice=voice))
    assert np.array_equal(samples(model, attrs.evolve(JOB, language=language)), named)


def test_a_country_of_which_nobody_is_offered_hears_the_default_voice(load: Open) -> None:
    some = load("EN", voices=["EN-INDIA", "EN-AU"])
    india = samples(some, attrs.evolve(JOB, voice="EN-INDIA"))
    assert np.array_equal(samples(some, attrs.evolve(JOB, language="en-GB")), india)


def test_only_the_configured_voices_are_offered(load: Open) -> None:
    some = load("EN", voices=["EN-INDIA", "EN-AU"])
    assert [voice.name for voice in some.card.voices] == ["EN_INDIA", "EN-AU"]
    assert some.card.default_voice == "EN_INDIA"
    assert "EN-US" not in str(
        refusal(some, attrs.evolve(JOB, voice="EN-US")).message.split("has")[1]
    )


def test_a_voice_tells_the_tone_that_v2_knows_it_by(load: Open) -> None:
    for voice, name in (("EN-Default", "en-default"), ("EN_INDIA", "en-india")):
        tone = speech(load("EN"), attrs.evolve(JOB, voice=voice)).tone
        assert tone is not None
        assert tone.space == openvoice.SPACES[1]
        number = 20 + openvoice.BASE_TONES.index(name)
        np.testing.assert_array_equal(tone.vector, openvoice.tone(number))


def test_without_tones_there_is_nothing_to_fetch(load: Open, folders: Mapping[str, Path]) -> None:
    changes = options(folders, tones=None)
    model = load("EN", **changes)
    assert speech(model, JOB).tone is None
    entry = RunnerSettings.model_validate(melo.entry("EN", folders, **changes))
    assert not [source for source in MeloTTS.sources(entry) if "OpenVoice" in source]


def test_a_voice_without_a_tone_is_told_of(
    load: Open, folders: Mapping[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tones = Path(shutil.copytree(folders[openvoice.V2], tmp_path / "tones"))
    (tones / "base_speakers/ses/en-au.pth").unlink()
    model = load("EN", **options(folders, tones=str(tones)))
    assert speech(model, attrs.evolve(JOB, voice="EN-AU")).tone is None
    assert speech(model, JOB).tone is not None
    assert "no tone for the voice EN-AU" in caplog.text


# How it speaks


def test_the_same_seed_is_the_same_sound_and_another_is_not(load: Open) -> None:
    model = load("EN")
    assert np.array_equal(samples(model, JOB), samples(model, JOB))
    assert not np.array_equal(samples(model, JOB), samples(model, attrs.evolve(JOB, seed=2)))
    unseeded = attrs.evolve(JOB, seed=None)
    assert not np.array_equal(samples(model, unseeded), samples(model, unseeded))


def test_a_digit_or_a_sign_costs_as_much_as_a_word(load: Open) -> None:
    model = load("EN")
    assert model.cost(Speak("5½²%+€")) == model.cost(Speak("letter" * 6))
    assert model.cost(Speak("Ja, 好!")) == model.cost(Speak("letter"))


def test_what_has_a_seed_shares_no_forward(load: Open) -> None:
    model = load("EN")
    assert model.group(attrs.evolve(JOB, seed=None)) == model.group(Speak("Something else."))
    assert model.group(JOB) != model.group(JOB)
    seeded = load("EN", seed=3)
    assert seeded.group(Speak("One.")) != seeded.group(Speak("Two."))


def test_the_entry_s_seed_serves_those_who_name_none(load: Open) -> None:
    model = load("EN", seed=1)
    unseeded = attrs.evolve(JOB, seed=None)
    assert np.array_equal(samples(model, unseeded), samples(model, JOB))


@pytest.mark.parametrize("name", TEXTS)
def test_rows_of_a_batch_sound_as_alone(load: Open, name: str) -> None:
    model = load(name)
    jobs = [Speak(TEXTS[name] * times, seed=times) for times in (1, 3, 2)]
    together = model.synthesize(jobs)
    for job, found in zip(jobs, together, strict=True):
        assert isinstance(found, Speech)
        np.testing.assert_allclose(found.audio.samples, samples(model, job), atol=CLOSE, rtol=0)


def test_speed_is_the_network_s_own(load: Open, folders: Mapping[str, Path]) -> None:
    model = load("EN", **options(folders, sdp_ratio=0, noise_scale=0))
    normal, slow, fast = (
        speech(model, attrs.evolve(JOB, text=LONG, speed=speed)).audio.duration
        for speed in (1.0, 0.5, 2.0)
    )
    assert 1.6 < slow / normal < 2.1
    assert 0.4 < fast / normal < 0.75


@pytest.mark.parametrize(
    ("option", "value"), [("sdp_ratio", 0.9), ("noise_scale", 0.1), ("noise_scale_w", 0.1)]
)
def test_an_option_changes_the_sound_of_an_entry_or_of_one_job(
    load: Open, folders: Mapping[str, Path], option: str, value: float
) -> None:
    usual, other = load("EN"), load("EN", **options(folders, **{option: value}))
    assert option in [knob.name for knob in usual.card.knobs]
    adjusted = samples(usual, attrs.evolve(JOB, options={option: value}))
    assert np.array_equal(adjusted, samples(other, JOB))
    assert not np.array_equal(adjusted, samples(usual, JOB))


def test_bert_is_heard_unless_the_release_reads_without_it(load: Open, mine: Path) -> None:
    config = json.loads((mine / "config.json").read_text())
    config["data"]["disable_bert"] = True
    (mine / "config.json").write_text(json.dumps(config))
    deaf = load("EN", model=str(mine))
    assert not np.array_equal(samples(deaf, JOB), samples(load("EN"), JOB))


def test_long_texts_are_said_in_breaths(load: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("EN")
    whole = speech(model, attrs.evolve(JOB, text=LONG))
    monkeypatch.setattr(runner, "LONGEST", 80)
    parts = speech(model, attrs.evolve(JOB, text=LONG))
    assert 0.5 < parts.audio.duration / whole.audio.duration < 1.5


@pytest.mark.parametrize("text", ["", "  ", "?!", "…", "\u200f", "🙂"])
def test_what_says_nothing_is_silence(load: Open, text: str) -> None:
    assert len(samples(load("EN"), Speak(text))) == 0


@pytest.mark.parametrize(
    "text",
    [
        "1" * 40, "a" * 300, "\x00\x07 hi \u202e ok", "\ud800 half a character", "[SEP] [CLS] [PAD] ##s",
        "naïve café, 你好, привет, שלום 🙂 ok",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["EN", "ZH", "JP", "KR", "ES", "FR"])
def test_strange_texts_are_spoken_or_refused(load: Open, name: str, text: str) -> None:
    (found,) = load(name).synthesize([Speak(text, seed=1)])
    assert isinstance(found, Speech | InvalidInput)


def test_what_would_last_too_long_is_refused_and_its_neighbours_are_not(
    load: Open, folders: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SHORTEST", 2000)
    model = load("EN", **options(folders, sdp_ratio=0))
    slow = Speak(LONG * 8, speed=0.25, seed=1)
    refused, spoken = model.synthesize([slow, JOB])
    assert isinstance(refused, InvalidInput)
    assert "too long for one breath" in refused.message
    assert isinstance(spoken, Speech)


def test_a_language_is_named_by_tag_or_as_the_engine_does(load: Open) -> None:
    model = load("EN")
    for name in ("en", "EN", "en-GB", "en_US"):
        assert len(samples(model, attrs.evolve(JOB, language=name)))
    assert refusal(model, attrs.evolve(JOB, language="fr")).param == "language"


def test_an_unknown_voice_is_the_caller_s_mistake(load: Open) -> None:
    refused = refusal(load("EN"), attrs.evolve(JOB, voice="nobody"))
    assert refused.param == "voice"
    assert "EN-Default" in refused.message


# What it refuses to start with


def test_a_language_follows_from_a_published_release() -> None:
    bare = melo.entry("KR")
    del bare["language"]
    assert language_of(RunnerSettings.model_validate(bare)).name == "KR"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"language": "DE"}, "language is DE; myshell-ai/MeloTTS-English speaks EN"),
        ({"language": "FR"}, "language is FR; myshell-ai/MeloTTS-English speaks EN"),
        ({"model": "./mine", "language": None}, "language is not said; ./mine speaks EN, ZH, JP"),
        ({"model": "./mine", "language": "pt-BR"}, "language is pt-BR; ./mine speaks EN, ZH, JP"),
    ],
)
def test_a_language_that_there_is_not_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        language_of(RunnerSettings.model_validate({**melo.entry("EN"), **changes}))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "source"),
    [
        (
            "myshell-ai/melotts-french",
            "myshell-ai/MeloTTS-French@1e9bf590262392d8bffb679b0a3b0c16b0f9fdaf",
        ),
        ("myshell-ai/MeloTTS-French@main", "myshell-ai/MeloTTS-French@main"),
        ("me/mine", "me/mine"),
    ],
)
def test_a_published_release_comes_at_its_known_commit(model: str, source: str) -> None:
    entry = RunnerSettings.model_validate(melo.entry("FR", model=model))
    assert source_of(entry) == source


def test_an_unknown_configured_voice_is_refused(load: Open) -> None:
    with pytest.raises(SettingsError, match=r"unknown voices EN-XX; .* has EN-US, EN-BR"):
        load("EN", voices=["EN-XX"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_languages": 2}, "num_languages is 2; EN is number 2"),
        ({"symbols": ["_", "_"]}, "symbols has '_' twice"),
        ({"symbols": ["_", "a"]}, "emb.weight has the shape"),
        ({"num_tones": 3}, "tone_emb.weight has the shape"),
        ({"data": {}}, "data has no 'filter_length'"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    load: Open, mine: Path, changes: dict[str, Any], said: str
) -> None:
    rewrite(mine / "config.json", **changes)
    with pytest.raises(WeightsError) as caught:
        load("EN", model=str(mine))
    assert said in str(caught.value)


def test_a_checkpoint_that_runs_code_is_refused(load: Open, mine: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return (print, ("harm",))

    torch.save({"model": {"emb_g.weight": Harm()}}, mine / "checkpoint.pth")
    with pytest.raises(WeightsError, match=r"checkpoint\.pth cannot be used"):
        load("EN", model=str(mine))


@pytest.mark.parametrize("file", ["model.safetensors", "vocab.txt", "config.json"])
def test_a_bert_that_lacks_a_file_is_refused_at_the_start(
    load: Open, folders: Mapping[str, Path], my_bert: Path, file: str
) -> None:
    (my_bert / file).unlink()
    with pytest.raises(WeightsError, match=file.replace(".", r"\.")):
        load("EN", **options(folders, bert=str(my_bert)))


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("config.json", {"hidden_size": 384}, "hidden_size is 384; MeloTTS listens to 768"),
        ("config.json", {"model_type": "t5"}, "model_type is 't5'"),
        ("config.json", {"vocab_size": 20}, "more than the 20 words"),
        ("tokenizer_config.json", {"do_lower_case": 1}, "do_lower_case is 1"),
    ],
)
def test_a_bert_of_another_kind_is_refused(
    load: Open, folders: Mapping[str, Path], my_bert: Path,
    file: str, changes: dict[str, Any], said: str,
) -> None:  # fmt: skip
    rewrite(my_bert / file, **changes)
    with pytest.raises(WeightsError) as caught:
        load("EN", **options(folders, bert=str(my_bert)))
    assert said in str(caught.value)


def test_a_missing_bert_is_said_at_the_start(load: Open, folders: Mapping[str, Path]) -> None:
    with pytest.raises(WeightsError, match="there is nothing at"):
        load("EN", **options(folders, bert="./no/such/folder"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"sdp_ratio": 1.1}, "less than or equal to 1"), ({"noise_scale": -1}, "greater than"),
     ({"no_such": 1}, "known here: bert, noise_scale, noise_scale_w, sdp_ratio, tones")],
)  # fmt: skip
def test_an_option_out_of_bounds_is_refused(
    load: Open, folders: Mapping[str, Path], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load("EN", **options(folders, **changes))
    assert said in str(caught.value)


def test_parts_of_a_text_have_seeds_of_their_own() -> None:
    assert len({next_seed(7, number) for number in range(3)}) == 3
    assert next_seed(7, 0) == 7
