"""Real runner classes on real weights that lie on a hub, a fake one, in the layouts that are found there.

Everything is pulled by `scripts/models`, as an operator does, and loaded after the hub is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from catalog import model_class
from errors import SettingsError, WeightsError
from runners import silero
from runners.base import Model
from runners.kokoro import Kokoro
from runners.openvoice import OpenVoiceV1Synthesizer
from runners.openvoice_files import PUBLISHED
from runners.piper import Piper
from runners.whisper import FasterWhisper
from settings import RunnerSettings, weights_root
from tasks import Speak, Speech, Transcribe
from tests import openvoice, voicefixer
from tests.fake_hub import FakeHub
from tests.hub_layouts import (
    JOE,
    KOKORO,
    PIPER,
    TINY,
    TINY_FILES,
    VOICES,
    kokoro_files,
    piper_files,
    whisper_files,
)
from tests.runners.conftest import Load, Say, load_changed
from weights import Store

pytestmark = pytest.mark.weights

BUNDLE = Path(__file__).resolve().parents[2]
TEXT = "The birds are singing."


@pytest.fixture(scope="module")
def hub(store: Store) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.push(KOKORO, kokoro_files(store))
        hub.push(PIPER, piper_files(store))
        hub.push(TINY, whisper_files(store))
        for repository, files in openvoice.repositories().items():
            hub.push(repository, files, commit=PUBLISHED[repository.lower()][1])
        yield hub


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Path:
    """A store that has what every English voice needs, and nothing else."""
    for name in ("english-lexicon", "english-guesser"):
        (tmp_path / name).symlink_to(weights_root() / name)
    return tmp_path


def pull(hub: FakeHub, root: Path, **entry: Any) -> tuple[RunnerSettings, str]:
    """`scripts/models pull` of a configuration with this entry: the entry, and what went wrong."""
    tree = {"name": "it", **entry}
    return RunnerSettings.model_validate(tree), pull_all(hub, root, [tree])


def pull_all(hub: FakeHub, root: Path, entries: list[dict[str, Any]]) -> str:
    """The same with several entries."""
    configuration = root / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": entries}))
    hub.asked.clear()
    done = subprocess.run(
        [sys.executable, str(BUNDLE / "scripts/models.py"), "pull"],
        env={
            **os.environ, "HARMONY_CONFIG": str(configuration), "HARMONY_HOME": str(root),
            "HF_ENDPOINT": hub.url, "HF_HOME": str(root / "hf"), "PIP_NO_INDEX": "1",
        },
        text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.stderr if done.returncode else ""


def load(settings: RunnerSettings, root: Path) -> Model:
    return model_class(settings)(settings, Store(root, offline=True))


def loaded_from(hub: FakeHub, root: Path, **entry: Any) -> Model:
    settings, complaint = pull(hub, root, **entry)
    assert complaint == ""
    return load(settings, root)


def test_kokoro_loads_from_its_community_s_repository_by_id_alone(
    hub: FakeHub, root: Path, loaded: Load
) -> None:
    model = loaded_from(hub, root, model=KOKORO, model_type="Kokoro", threads=2)
    assert isinstance(model, Kokoro)
    voices = [f"voices/{name}.bin" for name in VOICES]
    network = "onnx/model_quantized.onnx"
    assert hub.fetched() == ["config.json", network, "tokenizer.json", *voices]
    assert [voice.name for voice in model.card.voices] == ["af_heart", "am_michael", "bf_emma"]
    assert model.card.default_voice == "af_heart"
    ours = loaded("kokoro").model
    assert isinstance(ours, Kokoro)
    (theirs,), (known,) = model.synthesize([Speak(TEXT)]), ours.synthesize([Speak(TEXT)])
    assert np.allclose(theirs.audio.samples, known.audio.samples, atol=1e-3)


def test_only_the_voices_that_are_offered_are_fetched(hub: FakeHub, root: Path) -> None:
    model = loaded_from(hub, root, model=KOKORO, model_type="Kokoro", voices=["bf_emma"])
    assert [voice.name for voice in model.card.voices] == ["bf_emma"]
    assert [path for path in hub.fetched() if "voices" in path] == ["voices/bf_emma.bin"]


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({"dtype": "float32"}, "model"),
        ({"dtype": "half"}, "model_fp16"),
        ({"dtype": "int8"}, "model_quantized"),
        ({"device_config": {"device": "cuda"}}, "model"),
        ({"options": {"file": "onnx/model_q8f16.onnx"}}, "model_q8f16"),
    ],
)
def test_the_dtype_chooses_the_network(
    hub: FakeHub, root: Path, changes: dict[str, Any], network: str
) -> None:
    pull(hub, root, model=KOKORO, model_type="Kokoro", **changes)
    assert [path for path in hub.fetched() if "onnx/" in path] == [f"onnx/{network}.onnx"]


def test_voices_may_come_from_elsewhere(hub: FakeHub, root: Path) -> None:
    mine = root / "mine"
    mine.mkdir()
    (mine / "am_me.bin").write_bytes((weights_root() / "kokoro-voices/am_adam.bin").read_bytes())
    options = {"voices": str(mine)}
    model = loaded_from(hub, root, model=KOKORO, model_type="Kokoro", options=options)
    assert [voice.name for voice in model.card.voices] == ["am_me"]
    assert not any("voices" in path for path in hub.fetched())


def test_a_network_that_is_not_there_is_named(hub: FakeHub, root: Path) -> None:
    entry = {"model": KOKORO, "model_type": "Kokoro", "options": {"file": "onnx/nothing.onnx"}}
    settings, _ = pull(hub, root, **entry)
    with pytest.raises(SettingsError, match=r"there is no onnx/nothing\.onnx in .*options\.file"):
        load(settings, root)


def test_a_piper_voice_is_a_path_in_a_repository_and_comes_alone(
    hub: FakeHub, root: Path, loaded: Load
) -> None:
    model = loaded_from(hub, root, model=f"{PIPER}/{Path(JOE).parent}", model_type="Piper")
    assert isinstance(model, Piper)
    assert hub.fetched() == [JOE, f"{JOE}.json"]
    assert model.card == loaded("piper-joe").model.card
    (speech,) = model.synthesize([Speak(TEXT)])
    assert 0.8 < speech.audio.duration < 4


def test_a_piper_voice_without_its_config_says_what_to_name(hub: FakeHub, root: Path) -> None:
    settings, _ = pull(hub, root, model=f"{PIPER}/{JOE}", model_type="Piper")
    with pytest.raises(SettingsError, match=r"needs its en_US-joe-medium\.onnx\.json beside it"):
        load(settings, root)


def test_a_whole_repository_of_voices_is_no_voice(hub: FakeHub, root: Path) -> None:
    settings, _ = pull(hub, root, model=PIPER, model_type="Piper")
    with pytest.raises(SettingsError, match=r"expected one \.onnx voice, found 2"):
        load(settings, root)


@pytest.mark.parametrize(
    ("model", "revision"), [(TINY, "main"), ("tiny.en", "main"), ("tiny.en", None)]
)
def test_a_whisper_loads_by_id_and_by_size(
    hub: FakeHub, root: Path, say: Say, model: str, revision: str | None
) -> None:
    """Without a revision the small one is a default, which the hub serves where PyPI is out of reach."""
    whisper = loaded_from(
        hub, root, model=model, revision=revision, model_type="FasterWhisper", dtype="int8"
    )
    assert isinstance(whisper, FasterWhisper)
    assert hub.fetched() == sorted(TINY_FILES)
    (heard,) = whisper.transcribe([Transcribe(say(TEXT))])
    assert "birds are singing" in heard.text.lower()


def test_a_repository_that_is_not_there_is_named(hub: FakeHub, root: Path) -> None:
    settings, complaint = pull(hub, root, model="org/nobody", model_type="FasterWhisper")
    assert "shows no repository org/nobody" in complaint
    with pytest.raises(WeightsError, match="offline"):
        load(settings, root)


def test_a_network_of_something_else_is_refused(root: Path, store: Store) -> None:
    mine = root / "mine"
    mine.mkdir()
    detector = store.fetch("silero-vad", allow=[silero.FILE]) / silero.FILE
    (mine / "model.onnx").write_bytes(detector.read_bytes())
    (mine / "config.json").write_text('{"vocab": {"a": 1}}')
    with pytest.raises(SettingsError, match="is no Kokoro: its network wants"):
        load_changed("kokoro", model=str(mine))


def test_a_network_without_a_vocabulary_is_refused(root: Path) -> None:
    mine = root / "mine"
    mine.mkdir()
    (mine / "config.json").write_text("{}")
    with pytest.raises(SettingsError, match=r"neither config\.json nor tokenizer\.json holds"):
        load_changed("kokoro", model=str(mine))


# OpenVoice, whose entries share repositories

CONVERTER = ["checkpoint.pth", "config.json"]


def converters(**changes: Any) -> list[dict[str, Any]]:
    entries = [entry for entry in openvoice.entries() if "Converter" in entry["model_type"]]
    return [{**entry, **changes} for entry in entries]


def test_each_entry_of_a_repository_brings_its_own_folder(hub: FakeHub, root: Path) -> None:
    entries = converters()
    assert pull_all(hub, root, entries) == ""
    v1 = [f"checkpoints/converter/{name}" for name in CONVERTER]
    assert hub.fetched() == [*v1, *(f"converter/{name}" for name in CONVERTER)]
    for entry in entries:
        model = load(RunnerSettings.model_validate(entry), root)
        assert model.card.rate == 22050
        assert model.card.space in openvoice.SPACES


@pytest.mark.parametrize("language", ["EN", "ZH"])
def test_a_language_brings_its_own_files_only(hub: FakeHub, root: Path, language: str) -> None:
    (root / "cmudict").symlink_to(weights_root() / "cmudict")
    model = loaded_from(
        hub, root, model=openvoice.V1, model_type="OpenVoiceV1Synthesizer", language=language
    )
    tones = [tone for tone in openvoice.TONES if tone.startswith(language)]
    wanted = [*(f"{language}/{name}" for name in CONVERTER), *tones]
    assert hub.fetched() == [f"{openvoice.SPEAKERS}/{name}" for name in wanted]
    assert isinstance(model, OpenVoiceV1Synthesizer)
    (speech,) = model.synthesize([Speak("你好。" if language == "ZH" else TEXT)])
    assert isinstance(speech, Speech)
    assert speech.tone is not None


def test_the_engine_s_spelling_of_a_repository_is_its_own(hub: FakeHub, root: Path) -> None:
    small = [{**entry, "model": entry["model"].lower()} for entry in converters()]
    assert (
        pull_all(hub, root, [*converters(), *({**e, "name": e["name"] + "-2"} for e in small)])
        == ""
    )
    assert len(hub.bodies("checkpoint.pth")) == 2
    for entry in small:
        assert load(RunnerSettings.model_validate(entry), root).card.rate == 22050


def test_v2_comes_at_its_known_commit_unless_another_is_named(hub: FakeHub, root: Path) -> None:
    known = PUBLISHED[openvoice.V2.lower()][1]
    entries = [entry for entry in converters() if entry["model"] == openvoice.V2]
    assert pull_all(hub, root, entries) == ""
    assert not any(asked.path.endswith("/revision/main") for asked in hub.asked)
    assert {asked.path.split("/resolve/")[1].split("/")[0] for asked in hub.bodies()} == {known}
    files = openvoice.repositories()[openvoice.V2]
    hub.push(openvoice.V2, {**files, "LICENSE": b"MIT"}, branch="later")
    complaint = pull_all(hub, root, [{**entry, "revision": "later"} for entry in entries])
    assert complaint == ""
    assert any(asked.path.endswith("/revision/later") for asked in hub.asked)


# VoiceFixer, whose two entries share a repository


def test_each_half_of_voicefixer_brings_its_own_file(hub: FakeHub, root: Path) -> None:
    hub.push(voicefixer.SOURCE, dict(voicefixer.repository()))
    for entry, file in zip(
        voicefixer.entries(), (voicefixer.RESTORER, voicefixer.VOCODER), strict=True
    ):
        model = loaded_from(hub, root, **entry)
        assert hub.fetched() == [file]
        assert model.card.space == "voicefixer"
