"""diarized_json and known speakers: as OpenAI has them, in its SDK's own eyes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import httpx2
import openai
import pytest
from openai.types.audio import TranscriptionDiarized, TranscriptionTextSegmentEvent

import audio
from errors import Failed, Unavailable
from tests.api.house import ENCODER, House, error_of, events_of
from tests.fakes import NOSE, FakeEmbedder, FakeTranscriber, conversation, tone

LOW, HIGH = 150.0, 600.0  # Hz
SAID = (" Good morning everybody and welcome.", " Thank you, it is good to be here.")
# Two windows of one speaker each: a pause longer than five seconds ends the first.
FILE = audio.encode(conversation((0.5, 4.0, LOW), (6.0, 5.0, HIGH)), "wav")
NAMES, CLIPS = "known_speaker_names[]", "known_speaker_references[]"


def clip(pitch: float, seconds: float = 3.0, kind: str = "audio/wav") -> str:
    return data_url(audio.encode(tone(seconds, 16000, pitch), "wav"), kind)


def data_url(content: bytes, kind: str = "audio/wav") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.fixture
def house() -> House:
    return House(transcriber=FakeTranscriber(texts=SAID), embedder=FakeEmbedder())


def diarized(house: House, **fields: Any) -> httpx.Response:
    return house.transcribe(FILE, response_format="diarized_json", **fields)


def test_an_answer_tells_who_says_what(house: House) -> None:
    answer = diarized(house)
    assert answer.status_code == 200, answer.text
    found = TranscriptionDiarized.model_validate(answer.json(), strict=True)
    assert found.text == "".join(SAID).strip()
    assert found.duration == pytest.approx(15.5)
    assert [(s.id, s.speaker, s.text) for s in found.segments] == [
        ("seg_001", "A", SAID[0]),
        ("seg_002", "B", SAID[1]),
    ]
    times = [time for s in found.segments for time in (s.start, s.end)]
    assert times == pytest.approx([0.5, 4.5, 10.5, 15.5], abs=0.02)
    assert answer.json()["task"] == "transcribe"
    assert answer.json()["usage"] == {"type": "duration", "seconds": 15.5}
    # Where a segment is to be cut is known by the times of its words.
    assert all(job.words for job in house.transcriber.jobs)


def test_known_speakers_bear_their_names(house: House) -> None:
    answer = diarized(house, **{NAMES: ["Ann", "Bob"], CLIPS: [clip(HIGH), clip(2500.0)]})
    assert answer.status_code == 200, answer.text
    assert [segment["speaker"] for segment in answer.json()["segments"]] == ["A", "Ann"]


def test_events_bring_the_text_first_and_then_who_said_it(house: House) -> None:
    *events, done = events_of(diarized(house, stream="true"))
    kinds = [event["type"].removeprefix("transcript.text.") for event in events]
    assert kinds == ["delta", "delta", "segment", "segment"]
    segments = [
        TranscriptionTextSegmentEvent.model_validate(event, strict=True) for event in events[2:]
    ]
    assert [(s.id, s.speaker) for s in segments] == [("seg_001", "A"), ("seg_002", "B")]
    assert "".join(segment.text for segment in segments).strip() == done["text"]
    assert done["type"] == "transcript.text.done"


def test_the_sdk_understands_both(house: House) -> None:
    async def scene() -> tuple[TranscriptionDiarized, list[Any]]:
        async with (
            httpx2.AsyncClient(transport=httpx2.ASGITransport(house.served)) as http,
            openai.AsyncOpenAI(
                api_key="none", base_url="http://house/v1", http_client=http, max_retries=0
            ) as sdk,
        ):
            create: Any = sdk.audio.transcriptions.create
            asked = {
                "model": "ear",
                "response_format": "diarized_json",
                "chunking_strategy": "auto",
                "known_speaker_names": ["Ann"],
                "known_speaker_references": [clip(LOW)],
            }
            whole = await create(file=("a.wav", FILE), **asked)
            stream = await create(file=("a.wav", FILE), stream=True, **asked)
            return whole, [event async for event in stream]

    whole, events = asyncio.run(scene())
    assert isinstance(whole, TranscriptionDiarized)
    assert [segment.speaker for segment in whole.segments] == ["Ann", "A"]
    segments = [event for event in events if event.type == "transcript.text.segment"]
    assert [segment.speaker for segment in segments] == ["Ann", "A"]


def test_silence_has_no_segments(house: House) -> None:
    silent = audio.encode(audio.silence(2.0, 16000), "wav")
    answer = house.transcribe(silent, response_format="diarized_json")
    assert answer.json()["segments"] == []
    assert answer.json()["text"] == ""


@pytest.mark.parametrize(
    ("failure", "status"), [(Unavailable("full", retry_after=3), 503), (Failed("secret"), 500)]
)
def test_a_failure_of_the_encoder_is_the_answer(
    furnished: Callable[..., House], failure: Exception, status: int
) -> None:
    house = furnished(embedder=FakeEmbedder(failures={0: failure}))
    answer = diarized(house)
    assert answer.status_code == status
    assert "secret" not in error_of(answer)["message"]


def test_a_failure_of_the_encoder_ends_a_stream_with_the_reason(
    furnished: Callable[..., House],
) -> None:
    house = furnished(embedder=FakeEmbedder(failures={0: Unavailable("the runner died")}))
    *_, last = events_of(diarized(house, stream="true"))
    assert last["error"]["message"] == "the runner died"


FIVE = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("names", "clips", "param", "says"),
    [
        (["Ann"], [], "references", "1 'known_speaker_names' were given with 0"),
        ([], [clip(LOW)], "references", "0 'known_speaker_names' were given with 1"),
        (FIVE, [clip(LOW)] * 5, "names", "At most 4"),
        (["Ann", "Ann"], [clip(LOW)] * 2, "names", "twice"),
        ([""], [clip(LOW)], "names", "1 to 64"),
        (["  "], [clip(LOW)], "names", "1 to 64"),
        (["n" * 65], [clip(LOW)], "names", "1 to 64"),
        (["Ann"], [clip(LOW, 1.5)], "references", "'Ann' has 1.5 seconds"),
        (["Ann"], [clip(LOW, 10.5)], "references", "'Ann' has more than 10 seconds"),
        (["Ann"], ["https://a.example/ann.wav"], "references", "no data URL"),
        (["Ann"], ["file:///etc/passwd"], "references", "no data URL"),
        (["Ann"], ["data:audio/wav,RIFF"], "references", "no data URL"),
        (["Ann"], ["data:audio/wav;base64,~~~"], "references", "no base64"),
        (["Ann"], ["data:audio/wav;base64,AAA"], "references", "no base64"),
        (["Ann"], ["data:audio/wav;base64,"], "references", ""),
        (["Ann"], [data_url(b"RIFF")], "references", ""),
        (["Ann"], [data_url(b"\0" * 5000)], "references", ""),
    ],
)
def test_speakers_that_cannot_be_known_are_refused(
    house: House, names: list[str], clips: list[str], param: str, says: str
) -> None:
    answer = diarized(house, **{NAMES: names, CLIPS: clips})
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == f"known_speaker_{param}"
    assert says in error_of(answer)["message"]
    # Nothing was transcribed in vain.
    assert house.transcriber.jobs == []


def test_a_reference_without_a_voice_is_refused(house: House) -> None:
    mute = data_url(audio.encode(audio.silence(3.0, 16000), "wav"))
    answer = diarized(house, **{NAMES: ["Ann"], CLIPS: [mute]})
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "known_speaker_references"
    assert "'Ann'" in error_of(answer)["message"]
    assert house.transcriber.jobs == []


@pytest.mark.parametrize("kind", ["audio/wav", "audio/x-wav", "audio/ogg;codecs=opus", ""])
@pytest.mark.parametrize("seconds", [2.0, 10.0])
def test_a_reference_may_be_of_any_kind_and_two_to_ten_seconds(
    house: House, kind: str, seconds: float
) -> None:
    fields = {NAMES: ["Ann"], CLIPS: [clip(LOW, seconds, kind)]}
    assert diarized(house, **fields).json()["segments"][0]["speaker"] == "Ann"


def test_a_reference_as_recorders_make_them_fits_into_its_field(house: House) -> None:
    recorded = tone(10.0, 48000, LOW)
    stereo = data_url(audio.encode(recorded, "wav") + bytes(900_000))
    assert len(stereo) > 2 * 2**20
    assert diarized(house, **{NAMES: ["Ann"], CLIPS: [stereo]}).status_code == 200


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "vtt", "verbose_json"])
def test_known_speakers_need_an_answer_that_can_name_them(
    house: House, response_format: str
) -> None:
    fields: dict[str, Any] = {NAMES: ["Ann"], CLIPS: [clip(LOW)]}
    fields["response_format"] = response_format
    answer = house.transcribe(FILE, **fields)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "known_speaker_names"
    assert "diarized_json" in error_of(answer)["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({NAMES: ["Ann"], CLIPS: [clip(LOW)]}, "known_speaker_names"),
    ],
)
def test_without_an_encoder_the_answer_says_what_to_configure(
    furnished: Callable[..., House], fields: dict[str, Any], param: str
) -> None:
    answer = furnished().transcribe(FILE, **fields)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == param
    assert "add an entry to model_configs" in error_of(answer)["message"]


def test_a_model_that_embeds_is_listed_as_such(house: House) -> None:
    listed = {model["id"]: model for model in house.get("/v1/models").json()["data"]}
    assert listed[ENCODER["name"]]["tasks"] == ["speaker-embedding"]


def tone_encoder() -> FakeEmbedder:
    """One whose embeddings are for converters."""
    return FakeEmbedder(offers=attrs.evolve(NOSE, same_speaker=None))


def test_an_encoder_that_does_not_tell_speakers_apart_is_not_asked_to() -> None:
    house = House(
        transcriber=FakeTranscriber(texts=SAID), embedder=tone_encoder(), understudy=FakeEmbedder()
    )
    answer = diarized(house)
    assert [segment["speaker"] for segment in answer.json()["segments"]] == ["A", "B"]
    assert house.embedder is not None and not house.embedder.jobs
    assert house.understudy is not None and house.understudy.jobs


def test_where_no_encoder_tells_speakers_apart_that_is_said() -> None:
    house = House(embedder=tone_encoder())
    answer = diarized(house)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "response_format" and "made for that" in error["message"]
    assert not house.transcriber.jobs


def test_an_encoder_that_cannot_be_asked_is_passed_over_unless_it_is_the_only_hope() -> None:
    house = House(
        transcriber=FakeTranscriber(texts=SAID), embedder=tone_encoder(), understudy=FakeEmbedder()
    )
    house.services["nose"].broken = ConnectionRefusedError()
    assert diarized(house).status_code == 200
    alone = House(embedder=FakeEmbedder())
    alone.services["nose"].broken = ConnectionRefusedError()
    assert diarized(alone).status_code == 503
