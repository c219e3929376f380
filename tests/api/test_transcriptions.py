"""POST /v1/audio/transcriptions and /translations: every format, every field, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)

import audio
from errors import Failed, Unavailable
from tests.api.house import House, error_of, events_of
from tests.fakes import FakeTranscriber, spoken_sound

TRANSLATIONS = "/v1/audio/translations"
# Two windows: a pause longer than five seconds ends the first.
TWO_WINDOWS = audio.encode(spoken_sound((0.5, 1.0), (6.0, 2.0)), "wav")


@pytest.fixture
def house() -> House:
    """Hears one text in the first window and another in the second."""
    return House(transcriber=FakeTranscriber(texts=(" One and two.", " Three.")))


def test_json_is_the_text_and_what_it_cost(house: House, wav: bytes) -> None:
    answer = house.transcribe(wav)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    expected = {"text": "One and two.", "usage": {"type": "duration", "seconds": 1.5}}
    assert answer.json() == expected
    assert Transcription.model_validate(answer.json(), strict=True).text == "One and two."


@pytest.mark.parametrize(
    ("response_format", "body"),
    [
        ("text", "One and two. Three.\n"),
        (
            "srt",
            "1\n00:00:00,500 --> 00:00:01,500\nOne and two.\n\n"
            "2\n00:00:07,500 --> 00:00:09,500\nThree.\n",
        ),
        (
            "vtt",
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nOne and two.\n\n"
            "00:00:07.500 --> 00:00:09.500\nThree.\n",
        ),
    ],
)
def test_plain_formats_are_exact(house: House, response_format: str, body: str) -> None:
    answer = house.transcribe(TWO_WINDOWS, response_format=response_format)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == body


def test_verbose_json_is_what_the_sdk_expects(house: House) -> None:
    answer = house.transcribe(TWO_WINDOWS, response_format="verbose_json")
    whole = TranscriptionVerbose.model_validate(answer.json(), strict=True)
    assert answer.json()["task"] == "transcribe"
    assert (whole.text, whole.language, whole.duration) == ("One and two. Three.", "english", 9.5)
    assert whole.words is None
    assert whole.usage is not None and whole.usage.seconds == 9.5
    assert whole.segments is not None
    assert [(s.id, s.seek, s.start, s.end, s.text) for s in whole.segments] == [
        (0, 50, 0.5, 1.5, " One and two."),
        (1, 750, 7.5, 9.5, " Three."),
    ]
    assert whole.segments[0].tokens == [50364, 2425]


@pytest.mark.parametrize(
    ("asked", "segments", "words"),
    [(["word"], False, True), (["segment"], True, False), (["word", "segment"], True, True)],
)
@pytest.mark.parametrize("name", ["timestamp_granularities[]", "timestamp_granularities"])
def test_granularities_are_those_that_were_asked_for(
    house: House, name: str, asked: list[str], segments: bool, words: bool
) -> None:
    answer = house.transcribe(
        TWO_WINDOWS, response_format="verbose_json", **dict[str, Any]({name: asked})
    )
    whole = TranscriptionVerbose.model_validate(answer.json(), strict=True)
    assert (whole.segments is not None, whole.words is not None) == (segments, words)
    assert [job.words for job in house.transcriber.jobs] == [words, words]
    if whole.words:
        assert [word.word for word in whole.words] == ["One", "and", "two.", "Three."]
        assert (whole.words[3].start, whole.words[3].end) == (7.5, 9.5)


def test_silence_gives_an_empty_transcript_in_every_format(house: House) -> None:
    silent = audio.encode(audio.silence(2.0, 16000), "wav")
    answers = {
        name: house.transcribe(silent, response_format=name)
        for name in ("json", "text", "srt", "vtt", "verbose_json")
    }
    assert answers["json"].json()["text"] == ""
    assert answers["text"].text == "\n"
    assert answers["srt"].text == ""
    assert answers["vtt"].text == "WEBVTT\n"
    verbose = TranscriptionVerbose.model_validate(answers["verbose_json"].json(), strict=True)
    assert (verbose.text, verbose.segments, verbose.duration) == ("", [], 2.0)


def test_a_stream_is_deltas_and_the_whole_text(house: House) -> None:
    *deltas, done = events_of(house.transcribe(TWO_WINDOWS, stream="true"))
    said = [TranscriptionTextDeltaEvent.model_validate(event, strict=True) for event in deltas]
    assert [event.delta for event in said] == ["One and two.", " Three."]
    whole = TranscriptionTextDoneEvent.model_validate(done, strict=True)
    assert whole.text == "".join(event.delta for event in said)
    assert whole.usage is not None
    usage = whole.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (95, 4, 99)


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "vtt", "verbose_json"])
def test_a_stream_is_a_stream_in_every_format(house: House, response_format: str) -> None:
    answer = house.transcribe(TWO_WINDOWS, stream="true", response_format=response_format)
    assert events_of(answer)[-1]["text"] == "One and two. Three."


def test_silence_streams_as_an_empty_text(house: House) -> None:
    silent = audio.encode(audio.silence(2.0, 16000), "wav")
    (done,) = events_of(house.transcribe(silent, stream="true"))
    assert (done["type"], done["text"]) == ("transcript.text.done", "")


def test_a_failure_after_the_first_event_is_the_last_event(
    furnished: Callable[..., House],
) -> None:
    house = furnished(transcriber=FakeTranscriber(failures={1: Unavailable("the runner died")}))
    first, last = events_of(house.transcribe(TWO_WINDOWS, stream="true"))
    assert first["type"] == "transcript.text.delta"
    assert last["error"]["message"] == "the runner died"
    assert set(last["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize(
    ("failure", "status"), [(Unavailable("full", retry_after=3), 503), (Failed("secret"), 500)]
)
def test_a_failure_before_the_first_byte_is_a_proper_error(
    furnished: Callable[..., House], wav: bytes, failure: Exception, status: int, stream: str
) -> None:
    house = furnished(transcriber=FakeTranscriber(failures={0: failure}))
    answer = house.transcribe(wav, stream=stream)
    assert answer.status_code == status
    assert "secret" not in error_of(answer)["message"]


def test_a_translation_is_asked_of_the_model_and_answered_as_one(house: House, wav: bytes) -> None:
    answer = house.transcribe(wav, path=TRANSLATIONS)
    assert Translation.model_validate(answer.json(), strict=True).text == "One and two."
    assert house.transcriber.jobs[0].translate
    answer = house.transcribe(wav, path=TRANSLATIONS, response_format="verbose_json")
    whole = TranslationVerbose.model_validate(answer.json(), strict=True)
    assert whole.segments is not None
    assert answer.json()["task"] == "translate"


def test_fields_reach_the_model(house: House, wav: bytes) -> None:
    fields: dict[str, Any] = {"language": "de", "keywords[]": ["Ulm", "Bonn"]}
    assert house.transcribe(wav, temperature="0.4", prompt="Namen.", **fields).status_code == 200
    (job,) = house.transcriber.jobs
    assert (job.language, job.temperature) == ("de", 0.4)
    assert job.prompt == "Ulm, Bonn. Namen."


def test_temperature_zero_leaves_the_fallback_to_the_model(house: House, wav: bytes) -> None:
    house.transcribe(wav, temperature="0")
    assert house.transcriber.jobs[0].temperature is None


@pytest.mark.parametrize("name", ["languages[]", "languages"])
def test_languages_are_candidates(house: House, wav: bytes, name: str) -> None:
    assert house.transcribe(wav, **dict[str, Any]({name: ["de", "English"]})).status_code == 200
    assert house.transcriber.jobs[0].candidates == ("de", "en")


@pytest.mark.parametrize("language", ["de", "German", "de-AT", "DE_at"])
def test_a_language_is_a_code_a_name_or_a_tag(house: House, wav: bytes, language: str) -> None:
    answer = house.transcribe(wav, language=language, response_format="verbose_json")
    assert house.transcriber.jobs[0].language == "de"
    assert answer.json()["language"] == "german"


def test_a_prompt_that_looks_like_json_is_still_text(house: House, wav: bytes) -> None:
    assert house.transcribe(wav, prompt='{"a": 1}').status_code == 200
    assert house.transcriber.jobs[0].prompt == '{"a": 1}'


SERVER_VAD = {"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 250}


@pytest.mark.parametrize(
    "fields",
    [
        {"chunking_strategy": json.dumps(SERVER_VAD)},
        {f"chunking_strategy[{name}]": str(value) for name, value in SERVER_VAD.items()},
    ],
    ids=["as JSON", "in brackets"],
)
def test_a_chunking_strategy_reaches_the_detector(
    house: House, wav: bytes, fields: dict[str, str]
) -> None:
    assert house.transcribe(wav, **fields).status_code == 200
    (job,) = house.detector.jobs
    assert (job.threshold, job.min_silence, job.padding_before) == (0.7, 0.25, 0.3)


@pytest.mark.parametrize("fields", [{}, {"chunking_strategy": "auto"}])
def test_without_a_chunking_strategy_the_detector_decides(
    house: House, wav: bytes, fields: dict[str, str]
) -> None:
    assert house.transcribe(wav, **fields).status_code == 200
    (job,) = house.detector.jobs
    assert (job.threshold, job.min_silence, job.padding_before) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "status", "param", "code", "says"),
    [
        ({"model": "nobody"}, 404, "model", "model_not_found", "whisper-1"),
        ({"model": "voice"}, 400, "model", None, "ear"),
        ({"model": ["ear", "ear"]}, 400, "model", None, "twice"),
        ({"language": "tlh"}, 400, "language", None, "en, de"),
        ({"languages[]": ["en", "tlh"]}, 400, "language", None, "en, de"),
        ({"response_format": "yaml"}, 400, "response_format", None, "'srt'"),
        ({"response_format": "diarized_json"}, 400, "response_format", None, "speaker"),
        ({"temperature": "1.01"}, 400, "temperature", None, "1"),
        ({"temperature": "-0.1"}, 400, "temperature", None, "0"),
        ({"temperature": "nan"}, 400, "temperature", None, ""),
        ({"temperature": "inf"}, 400, "temperature", None, ""),
        ({"temperature": "warm"}, 400, "temperature", None, "number"),
        ({"temperature": "9" * 5000}, 400, "temperature", None, ""),
        ({"stream": "perhaps"}, 400, "stream", None, "boolean"),
        ({"include[]": ["logprobs"]}, 400, "include", None, "logprobs"),
        ({"include[]": ["secrets"]}, 400, "include.0", None, "'logprobs'"),
        ({"known_speaker_names[]": ["Ann"]}, 400, "known_speaker_names", None, "speaker"),
        ({"timestamp_granularities[]": ["word"]}, 400, "timestamp_granularities", None, "verbose"),
        (
            {"timestamp_granularities[]": ["letter"], "response_format": "verbose_json"},
            400, "timestamp_granularities.0", None, "'segment'",
        ),
        ({"chunking_strategy": "by_hand"}, 400, "chunking_strategy", None, "auto"),
        ({"chunking_strategy": "{not json"}, 400, "chunking_strategy", None, ""),
        ({"chunking_strategy": '{"a":' * 100_000}, 400, "chunking_strategy", None, ""),
        ({"chunking_strategy": '{"type":"server_vad","threshold":2}'}, 400,
         "chunking_strategy.threshold", None, "1"),
        ({"chunking_strategy[type]": "client_vad"}, 400,
         "chunking_strategy.type", None, "server_vad"),
        ({"chunking_strategy[threshold]": "NaN", "chunking_strategy[type]": "server_vad"}, 400,
         "chunking_strategy.threshold", None, ""),
        ({"chunking_strategy[wings]": "2", "chunking_strategy[type]": "server_vad"}, 400,
         "chunking_strategy.wings", "unknown_parameter", "wings"),
        ({"chunking_strategy": "auto", "chunking_strategy[type]": "server_vad"}, 400,
         "chunking_strategy", None, "parts"),
        ({"chunking_strategy[type]": "server_vad", "chunking_strategy[]": "x"}, 400,
         "chunking_strategy", None, "parts"),
        ({"model[]": "ear"}, 400, "model", None, ""),
        ({"model[name]": "ear"}, 400, "model", None, ""),
        ({"wings": "2"}, 400, "wings", "unknown_parameter", "wings"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name(
    house: House,
    wav: bytes,
    fields: dict[str, Any],
    status: int,
    param: str,
    code: str | None,
    says: str,
) -> None:
    answer = house.transcribe(wav, **fields)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert (error["param"], error["code"]) == (param, code)
    assert says in error["message"]
    assert not house.transcriber.jobs


@pytest.mark.parametrize("field", ["language", "stream", "timestamp_granularities[]"])
def test_translations_refuse_what_only_transcriptions_know(
    house: House, wav: bytes, field: str
) -> None:
    answer = house.transcribe(wav, path=TRANSLATIONS, **dict[str, Any]({field: "en"}))
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "unknown_parameter"


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", TRANSLATIONS])
def test_a_missing_model_is_named(house: House, wav: bytes, path: str) -> None:
    answer = house.post(path, files={"file": ("a.wav", wav)})
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "model"


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", TRANSLATIONS, "/v1/audio/vad"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"This is a text.",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"ID3\x04",
        b"#EXTM3U\nhttp://127.0.0.1:1/a\n",
        bytes(range(256)) * 40,
        audio.encode(audio.silence(0.0, 16000), "wav"),
    ],
    ids=["empty", "nul", "text", "wav header", "id3", "playlist", "noise", "zero frames"],
)
def test_what_is_no_sound_is_refused(house: House, content: bytes, path: str) -> None:
    answer = house.post(
        path, data={} if "vad" in path else {"model": "ear"}, files={"file": ("a.wav", content)}
    )
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == "file"


def test_sound_longer_than_the_limit_is_refused(furnished: Callable[..., House]) -> None:
    house = furnished(limits={"max_audio_seconds": 5})
    answer = house.transcribe(TWO_WINDOWS)
    assert answer.status_code == 413
    assert error_of(answer)["param"] == "file"


def test_server_timing_names_every_step(house: House, wav: bytes) -> None:
    told = house.transcribe(wav).headers["server-timing"]
    steps = [entry.partition(";")[0] for entry in told.split(", ")]
    assert steps == ["queue", "decode", "gate.detect", "ear.transcribe", "total"]
    assert 'desc="jobs=1 batch=1.0"' in told
