"""Transcripts on the wire: json, text, srt, vtt, verbose_json, and the events of a stream."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from api import errors
from api.languages import name_of
from errors import SpeechError
from tasks import Segment, Transcript, Turn, Word

HEARD_TOKENS_PER_SECOND = 10  # for `usage` of a stream: OpenAI counts a second of sound as so many


def usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcript.duration, 3)}


def as_json(transcript: Transcript) -> Response:
    return JSONResponse({"text": transcript.text, "usage": usage(transcript)})


def as_text(transcript: Transcript) -> Response:
    return PlainTextResponse(transcript.text + "\n")


def as_srt(transcript: Transcript) -> Response:
    cues = (
        f"{number}\n{_clock(s.start, ',')} --> {_clock(s.end, ',')}\n{_line(s.text)}\n"
        for number, s in enumerate(transcript.segments, start=1)
    )
    return PlainTextResponse("\n".join(cues))


def as_vtt(transcript: Transcript) -> Response:
    cues = (
        f"{_clock(s.start, '.')} --> {_clock(s.end, '.')}\n{_escaped(_line(s.text))}\n"
        for s in transcript.segments
    )
    return PlainTextResponse("\n".join(["WEBVTT\n", *cues]))


def verbose(transcript: Transcript, task: str, granularities: Sequence[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "task": task,
        "language": name_of(transcript.language),
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "usage": usage(transcript),
    }
    if "segment" in granularities:
        answer["segments"] = [segment_fields(i, s) for i, s in enumerate(transcript.segments)]
    if "word" in granularities:
        answer["words"] = [_word(word) for s in transcript.segments for word in s.words]
    return answer


PLAIN: Mapping[str, Callable[[Transcript], Response]] = {
    "json": as_json,
    "text": as_text,
    "srt": as_srt,
    "vtt": as_vtt,
}


def diarized(transcript: Transcript, turns: Sequence[Turn]) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [_turn(number, turn) for number, turn in enumerate(turns, start=1)],
        "usage": usage(transcript),
    }


# Who says what of a transcript.
TellsSpeakers = Callable[[Transcript], Coroutine[Any, Any, Sequence[Turn]]]


async def events(
    transcripts: AsyncIterator[Transcript], tell: TellsSpeakers | None = None
) -> AsyncGenerator[str, None]:
    """Server-sent events: a delta for each segment, at last the whole text.

    Who spoke is known when all was heard, so the segments with their speakers come just before that.
    """
    text, duration, written = "", 0.0, 0
    heard: list[Segment] = []
    try:
        async for part in transcripts:
            heard += part.segments
            duration = max(duration, part.duration)
            for segment in part.segments:
                delta = segment.text if text else segment.text.lstrip()
                text += delta
                written += len(segment.tokens)
                yield _event({"type": "transcript.text.delta", "delta": delta})
        for number, turn in enumerate(
            await tell(Transcript(tuple(heard), "", duration)) if tell else (), start=1
        ):
            yield _event(_turn(number, turn))
    except SpeechError as error:
        yield _event(errors.body(error))
        return
    yield _event(
        {
            "type": "transcript.text.done",
            "text": text.strip(),
            "usage": _token_usage(duration, written),
        }
    )


def _token_usage(seconds: float, written: int) -> dict[str, Any]:
    """A stream's usage: its type in the SDKs knows tokens only."""
    heard = round(seconds * HEARD_TOKENS_PER_SECOND)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "output_tokens": written,
        "total_tokens": heard + written,
    }


def _event(payload: dict[str, Any]) -> str:
    return f"data: {json.dumps(payload, ensure_ascii=False)}\n\n"


def segment_fields(number: int, segment: Segment) -> dict[str, Any]:
    """A segment as OpenAI's verbose_json has it, and faster-whisper too."""
    return {
        "id": number,
        "seek": round(segment.start * 100),  # Whisper counts in frames of 10 ms
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }


def _turn(number: int, turn: Turn) -> dict[str, Any]:
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number:03}",
        "start": round(turn.start, 3),
        "end": round(turn.end, 3),
        "text": turn.text,
        "speaker": turn.speaker,
    }


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text.strip(), "start": round(word.start, 3), "end": round(word.end, 3)}


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def _line(text: str) -> str:
    # An empty line would end the cue, and an arrow would start another.
    return " ".join(text.split()).replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
