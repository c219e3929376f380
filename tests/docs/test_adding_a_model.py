"""The worked example of docs/adding-a-model.md does what the page says, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import attrs
import httpx
import numpy as np
import pytest
import yaml

import settings
from audio import Audio, encode, silence
from catalog import model_class
from errors import InvalidInput, SettingsError
from runners.base import Model
from settings import RunnerSettings
from tasks import Activity, Capability, Detect, Span
from tests.docs.blocks import BUNDLE, blocks
from tests.live import LiveService
from weights import Store

PAGE = BUNDLE / "docs" / "adding-a-model.md"
EXAMPLE = BUNDLE / "docs" / "examples" / "loudness"
RATE = 16000


class DetectorModel(Model, Protocol):
    def detect(self, jobs: Sequence[Detect]) -> list[Activity | InvalidInput]: ...


def room_with_a_voice(start: float, end: float, seconds: float = 3.0) -> Audio:
    """Faint noise, and a buzz of 120 Hz with its overtones between `start` and `end`."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, 0.002, len(times))
    buzz = sum(np.sin(2 * np.pi * 120 * n * times) / n for n in range(1, 10))
    voiced = (times >= start) & (times < end)
    return Audio((noise + 0.1 * buzz * voiced).astype(np.float32), RATE)


def configured(text: str | None = None) -> RunnerSettings:
    tree = yaml.safe_load(text or (EXAMPLE / "configuration.yaml").read_text())
    entries = settings.parse(tree).model_configs
    return next(entry for entry in entries if entry.name == "loudness-vad")


def built(entry: RunnerSettings, folder: Path) -> DetectorModel:
    return cast(DetectorModel, model_class(entry)(entry, Store(folder, offline=True)))


@pytest.fixture
def detector(tmp_path: Path) -> DetectorModel:
    return built(configured(), tmp_path)


def only(result: list[Activity | InvalidInput]) -> Activity:
    (activity,) = result
    assert isinstance(activity, Activity)
    return activity


def about(spans: Sequence[Span], *times: tuple[float, float]) -> bool:
    found = [(span.start, span.end) for span in spans]
    return len(found) == len(times) and np.allclose(found, times, atol=0.11)


@pytest.mark.parametrize(
    ("file", "language"), [("runner.py", "python"), ("configuration.yaml", "yaml")]
)
def test_the_page_shows_the_example_files_as_they_are(file: str, language: str) -> None:
    assert (EXAMPLE / file).read_text(encoding="utf-8") in blocks(PAGE, language)


def test_the_snippet_of_the_page_prints_what_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BUNDLE)
    (snippet,) = (block for block in blocks(PAGE, "python") if "model_class" in block)
    exec(compile(snippet, str(PAGE), "exec"), {"__name__": "snippet"})
    assert capsys.readouterr().out in blocks(PAGE, "text")


def test_the_entry_point_of_the_page_is_the_same_class(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    (named,) = (block for block in blocks(PAGE, "yaml") if "loudness.runner" in block)
    model = built(configured(named), tmp_path)
    assert model.capabilities == (Capability.DETECT,)
    sound = room_with_a_voice(1, 2)
    assert about(only(model.detect([Detect(sound)])).spans, (1, 2))


def test_the_example_needs_no_weights() -> None:
    entry = configured()
    assert model_class(entry).sources(entry) == {}


def test_a_voice_in_a_quiet_room_is_found(detector: DetectorModel) -> None:
    activity = only(detector.detect([Detect(room_with_a_voice(1, 2))]))
    assert about(activity.spans, (1, 2))
    assert activity.duration == pytest.approx(3)


def test_a_quiet_room_alone_is_silent(detector: DetectorModel) -> None:
    assert only(detector.detect([Detect(room_with_a_voice(0, 0))])).spans == ()


@pytest.mark.parametrize("seconds", [0, 0.001, 1])
def test_digital_silence_of_any_length_is_silent(detector: DetectorModel, seconds: float) -> None:
    assert only(detector.detect([Detect(silence(seconds, RATE))])).spans == ()


def test_a_click_is_no_speech(detector: DetectorModel) -> None:
    assert only(detector.detect([Detect(room_with_a_voice(1, 1.04))])).spans == ()


def test_what_a_job_asks_for_goes_before_the_options(detector: DetectorModel) -> None:
    job = Detect(room_with_a_voice(1, 2))
    assert about(only(detector.detect([attrs.evolve(job, padding_before=0.5)])).spans, (0.5, 2))
    assert about(
        only(detector.detect([attrs.evolve(job, max_speech=0.6)])).spans, (1, 1.5), (1.5, 2)
    )
    assert only(detector.detect([attrs.evolve(job, min_speech=1.5)])).spans == ()


def test_the_threshold_decides_about_faint_speech(detector: DetectorModel) -> None:
    loud = room_with_a_voice(1, 2)
    faint = Detect(Audio(loud.samples * np.float32(0.05), RATE))
    assert about(only(detector.detect([faint])).spans, (1, 2))
    assert only(detector.detect([attrs.evolve(faint, threshold=0.95)])).spans == ()


def test_a_batch_answers_what_its_jobs_would_alone(detector: DetectorModel) -> None:
    jobs = [Detect(room_with_a_voice(0.5, end)) for end in (1, 1.5, 2)]
    assert detector.detect(jobs) == [only(detector.detect([job])) for job in jobs]


def test_a_job_that_asks_too_much_fails_alone(detector: DetectorModel) -> None:
    job = Detect(room_with_a_voice(1, 2))
    refused, fine = detector.detect([attrs.evolve(job, min_silence_at_max_speech=0.1), job])
    assert isinstance(refused, InvalidInput)
    assert refused.param == "min_silence_at_max_speech_ms"
    assert fine == only(detector.detect([job]))


def test_a_wrong_option_is_refused_as_the_page_says(tmp_path: Path) -> None:
    entry = configured().model_copy(update={"options": {"rise": 12}})
    with pytest.raises(SettingsError) as refused:
        built(entry, tmp_path)
    assert f"{refused.value}\n" in blocks(PAGE, "text")


@pytest.mark.weights
@pytest.mark.server
def test_the_server_answers_with_the_added_model(tmp_path: Path) -> None:
    recording = encode(room_with_a_voice(1, 2), "wav")
    chosen = {"HARMONY_CONFIG": str(EXAMPLE / "configuration.yaml")}
    with LiveService.started(BUNDLE, tmp_path, environment=chosen) as service:
        answer = httpx.post(
            f"{service.url}/v1/audio/vad",
            data={"model": "loudness-vad"},
            files={"file": ("room.wav", recording)},
            timeout=30,
        )
        listed = httpx.get(f"{service.url}/v1/models", timeout=30).json()["data"]
    assert answer.status_code == 200, answer.text
    assert about([Span(**times) for times in answer.json()["timestamps"]], (1, 2))
    assert {model["id"] for model in listed if model["available"]} == {
        "silero-vad", "loudness-vad", "faster-whisper-tiny.en",
    }  # fmt: skip
