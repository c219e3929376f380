"""Harmony Speech's stages on small checkpoints in the hub's layout; its encoder on Resemblyzer's weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from audio import Audio, decode, silence
from catalog import model_class
from errors import InvalidInput, WeightsError
from settings import RunnerSettings
from tasks import Compose, Embed, Embedding, Features, Grid, Speech, Vocode
from tests import harmony
from tests.golden import golden, read_json, read_tensors
from tests.harmony import VOICE
from weights import Store

TEXT = "Hello there, this is a small test of the voice."
CLOSE = 2e-5  # what the READMEs saw, doubled
KINDS = {"encoder": "Encoder", "synthesizer": "Synthesizer", "vocoder": "Vocoder"}

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harmony.lay_out(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def load(folder: Path) -> Open:
    """A stage by its name, from the usual folder or another; each of the usual ones once."""
    usual: dict[str, Any] = {}

    def get(stage: str, source: Path = folder, **changes: Any) -> Any:
        if changes or source != folder or stage not in usual:
            kind = f"HarmonySpeech{KINDS[stage]}"
            tree = {"name": "it", "model": str(source), "model_type": kind, **changes}
            entry = RunnerSettings.model_validate(tree)
            model = model_class(entry)(entry, Store(source, offline=True))
            if changes or source != folder:
                return model
            usual[stage] = model
        return usual[stage]

    return get


def voice(number: int = 0, space: str = harmony.SPACE) -> Embedding:
    return Embedding(harmony.voice(number), space)


def mel(features: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    assert isinstance(features, Features)
    return features.mel


def sound(speech: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    assert isinstance(speech, Speech)
    return speech.audio.samples


JOB = Compose(TEXT, voice())


# The whole way


def test_from_a_recording_and_a_text_to_the_original_s_sound(load: Open) -> None:
    clip = golden("harmonyspeech_encoder") / "wavs" / "speech22k.wav"
    known = read_tensors(golden("harmonyspeech_vocoder"), "io.safetensors")
    (heard,) = load("encoder").embed([Embed(decode(clip.read_bytes()))])
    cases = {
        c["case"]: c
        for c in read_json(golden("harmonyspeech_synthesizer"), "expected.json")["cases"]
    }
    (features,) = load("synthesizer").compose([Compose(cases["text0"]["text"], heard)])
    np.testing.assert_allclose(mel(features), known["synth_text0.mel_synth"], rtol=0, atol=1e-4)
    (speech,) = load("vocoder").vocode([Vocode(features)])
    np.testing.assert_allclose(sound(speech), known["synth_text0.wav_raw"], rtol=0, atol=1e-4)


# Encoder


def test_an_encoder_tells_what_its_voices_are(load: Open) -> None:
    card = load("encoder").card
    assert (card.rate, card.space, card.dimensions) == (16000, "harmony_v1", VOICE)
    assert card.unit_length
    assert (card.same_speaker, card.likeness) == (None, ())  # nobody has measured these weights
    assert load("encoder", options={"same_speaker": 0.8}).card.same_speaker == 0.8


def test_a_sound_in_which_nobody_is_refused_alone(load: Open) -> None:
    hum = Audio(np.sin(np.arange(20000) * 0.05).astype(np.float32), 16000)
    heard, silent, empty = load("encoder").embed(
        [Embed(hum), Embed(silence(2, 16000)), Embed(silence(0, 16000))]
    )
    assert np.linalg.norm(heard.vector) == pytest.approx(1, abs=1e-5)
    for refusal in (silent, empty):
        assert isinstance(refusal, InvalidInput)
        assert refusal.message == "nobody can be heard: the sound is silent"


def test_loudness_and_rate_change_no_voice(load: Open) -> None:
    clip = decode((golden("harmonyspeech_encoder") / "wavs" / "quiet16k.wav").read_bytes())
    loud, soft = load("encoder").embed(
        [Embed(clip), Embed(attrs.evolve(clip, samples=clip.samples * np.float32(0.1)))]
    )
    np.testing.assert_allclose(loud.vector, soft.vector, atol=1e-4)


@pytest.mark.weights
def test_resemblyzer_s_weights_tell_speakers_apart(store: Store) -> None:
    folder = golden("harmonyspeech_encoder") / "wavs"
    entry = RunnerSettings.model_validate(
        {"name": "it", "model": "resemblyzer", "model_type": "HarmonySpeechEncoder"}
    )
    model = model_class(entry)(entry, store)
    assert (model.card.space, model.card.dimensions) == ("resemblyzer", 256)
    thresholds = [curve.threshold for curve in model.card.likeness]
    assert len(thresholds) == 4 and thresholds == sorted(
        thresholds
    )  # longer sounds are told better
    names = ("speech22k", "stereo44k", "quiet16k", "pauses16k")
    clips = [decode((folder / f"{name}.wav").read_bytes()) for name in names]
    vectors = [found.vector for found in model.embed([Embed(clip) for clip in clips])]  # type: ignore[attr-defined]
    known = read_tensors(folder.parent, "real_io.safetensors")
    for name, vector in zip(names, vectors, strict=True):
        np.testing.assert_allclose(vector, known[f"{name}.resemblyzer.embed"], atol=1e-4)
    alike = np.stack(vectors) @ np.stack(vectors).T
    same = model.card.same_speaker
    assert alike[0, 1] > same > alike[0, 2]
    assert alike[2, 3] > same > alike[1, 3]


# Synthesizer


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.4, 2.0])
def test_speed_divides_how_long_it_lasts(load: Open, speed: float) -> None:
    usual, other = load("synthesizer").compose([JOB, attrs.evolve(JOB, speed=speed)])
    # Of whole frames for each character; those of these weights have two or three.
    assert mel(usual).shape[1] / mel(other).shape[1] == pytest.approx(speed, rel=0.2)


@pytest.mark.parametrize(("name", "factor"), [("pitch", 1.5), ("pitch", 0.25), ("energy", 0.4)])
def test_pitch_and_energy_multiply_what_the_network_reads(
    load: Open, name: str, factor: float
) -> None:
    """Measured where they enter, as features of each character, and heard in what comes out."""
    model = load("synthesizer")
    read: dict[str, list[float]] = {"pitch": [], "energy": []}
    hooks = [
        getattr(model._network, f"{feature}_proj").register_forward_pre_hook(
            lambda _, given, means=means: means.append(float(given[0].mean()))
        )
        for feature, means in read.items()
    ]
    changed: dict[str, Any] = {name: factor}
    ((usual,), (other,)) = (model.compose([job]) for job in (JOB, attrs.evolve(JOB, **changed)))
    for hook in hooks:
        hook.remove()
    for feature, (before, after) in read.items():
        assert before and after / before == pytest.approx(factor if feature == name else 1.0)
    assert mel(other).shape == mel(usual).shape
    assert np.abs(mel(other) - mel(usual)).max() > 0.01


def test_the_card_tells_what_a_request_may_ask(load: Open) -> None:
    knobs = load("synthesizer").card.knobs
    assert [(k.name, k.least, k.most, k.default) for k in knobs] == [
        ("pitch", 0.25, 4.0, 1.0),
        ("energy", 0.25, 4.0, 1.0),
    ]


def test_voices_differ_and_nothing_is_left_to_chance(load: Open) -> None:
    model = load("synthesizer")
    (one,), (again,) = model.compose([JOB]), model.compose([JOB])
    (other,) = model.compose([attrs.evolve(JOB, voice=voice(1))])
    assert np.array_equal(mel(one), mel(again))
    width = min(mel(one).shape[1], mel(other).shape[1])
    assert np.abs(mel(one)[:, :width] - mel(other)[:, :width]).max() > 0.01


@pytest.mark.parametrize("name", ["speed", "pitch", "energy"])
@pytest.mark.parametrize("value", [0.0, 0.24, 4.1, -1.0, float("nan"), float("inf")])
def test_factors_out_of_range_are_refused(load: Open, name: str, value: float) -> None:
    wrong: dict[str, Any] = {name: value}
    (refusal,) = load("synthesizer").compose([attrs.evolve(JOB, **wrong)])
    assert isinstance(refusal, InvalidInput)
    assert refusal.param == name
    assert refusal.message == f"{name} is {value:g}; 0.25 to 4 are possible"


@pytest.mark.parametrize(
    ("wrong", "param", "message"),
    [
        ({"language": "de"}, "language", "unknown language 'de'; this model speaks en"),
        ({"voice": voice(0, "resemblyzer")}, "voice", "the voice is one of resemblyzer; "),
        (
            {"voice": Embedding(np.ones(63, dtype=np.float32), harmony.SPACE)},
            "voice", "the voice is not 64 finite numbers",
        ),
        (
            {"voice": Embedding(np.full(64, np.nan, dtype=np.float32), harmony.SPACE)},
            "voice", "the voice is not 64 finite numbers",
        ),
        ({"text": "a very long text " * 2000, "speed": 0.25}, "input", "longer than 120 s"),
    ],
)  # fmt: skip
def test_what_it_cannot_say_is_refused_alone(
    load: Open, wrong: dict[str, Any], param: str, message: str
) -> None:
    refusal, neighbour = load("synthesizer").compose([attrs.evolve(JOB, **wrong), JOB])
    assert isinstance(refusal, InvalidInput)
    assert refusal.param == param
    assert message in refusal.message
    assert mel(neighbour).shape[1] > 10


@pytest.mark.parametrize("text", ["", "?!", "❤️"])
def test_a_text_that_says_nothing_has_no_frames(load: Open, text: str) -> None:
    (features,) = load("synthesizer").compose([Compose(text, voice())])
    assert mel(features).shape == (80, 0)
    (speech,) = load("vocoder").vocode([Vocode(features)])
    assert len(sound(speech)) == 0


# Vocoder


def test_parts_of_features_join_without_seams(load: Open) -> None:
    model = load("vocoder")
    grid = model.card.grid
    assert isinstance(grid, Grid)
    hop, context = grid.step, grid.context // grid.step
    drawn = np.random.default_rng(0).standard_normal((80, 100)).astype(np.float32)
    (whole,) = model.vocode([Vocode(Features(drawn, harmony.SPACE))])
    parts = []
    for start in range(0, 100, 40):
        first = max(start - context, 0)
        part = Features(drawn[:, first : start + 40 + context], harmony.SPACE)
        (speech,) = model.vocode([Vocode(part)])
        parts.append(sound(speech)[(start - first) * hop : (start - first + 40) * hop])
    np.testing.assert_allclose(np.concatenate(parts), sound(whole), rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Features(np.zeros((80, 9), dtype=np.float32), "other"), "the features are other's"),
        (Features(np.zeros((79, 9), dtype=np.float32), harmony.SPACE), "in 80 bands"),
        (Features(np.zeros(80, dtype=np.float32), harmony.SPACE), "in 80 bands"),
        (Features(np.full((80, 9), np.inf, dtype=np.float32), harmony.SPACE), "finite numbers"),
        (Features(np.zeros((80, 9601), dtype=np.float32), harmony.SPACE), "120 are allowed"),
    ],
)
def test_foreign_features_are_refused_alone(load: Open, wrong: Features, message: str) -> None:
    good = Features(np.zeros((80, 9), dtype=np.float32), harmony.SPACE)
    refusal, neighbour = load("vocoder").vocode([Vocode(wrong), Vocode(good)])
    assert isinstance(refusal, InvalidInput)
    assert message in refusal.message
    assert len(sound(neighbour)) == 9 * 200


# Files


@pytest.mark.parametrize("stage", list(KINDS))
def test_the_folder_of_a_stage_will_do(load: Open, folder: Path, stage: str) -> None:
    assert load(stage, folder / stage).card == load(stage).card


@pytest.mark.parametrize("stage", list(KINDS))
def test_a_single_missing_tensor_refuses_to_load(
    load: Open, folder: Path, tmp_path: Path, stage: str
) -> None:
    for file in (folder / stage).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    checkpoint = torch.load(folder / stage / f"{stage}.pt", weights_only=True)
    weights = checkpoint.get("model_state") or checkpoint["model"]["generator"]
    lost = sorted(weights)[-1]
    del weights[lost]
    torch.save(checkpoint, tmp_path / f"{stage}.pt")
    with pytest.raises(WeightsError, match=f"the checkpoint lacks {lost}"):
        load(stage, tmp_path)


def test_a_config_that_does_not_fit_is_named(load: Open, folder: Path, tmp_path: Path) -> None:
    for file in (folder / "synthesizer").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["model"]["num_chars"] = 70
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="it knows 70 characters, and its text has 66"):
        load("synthesizer", tmp_path)


def test_a_folder_without_a_checkpoint_says_what_is_missing(
    load: Open, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_bytes((folder / "vocoder" / "config.json").read_bytes())
    with pytest.raises(WeightsError, match=r"neither vocoder\.safetensors nor vocoder\.pt"):
        load("vocoder", tmp_path)
