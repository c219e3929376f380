"""Subtitles: what a text may hold without breaking them."""

from __future__ import annotations

import pytest

from api import transcripts
from tasks import Segment, Transcript

HOSTILE = " a\n\n2\n00:00:05,000 --> 00:00:06,000\r\nb <i>&amp; c\u2028d "
TAMED = "a 2 00:00:05,000 → 00:00:06,000 b <i>&amp; c d"


def transcript(*segments: tuple[float, float, str]) -> Transcript:
    return Transcript(tuple(Segment(*segment) for segment in segments), "en", 4000.0)


def body(name: str, spoken: Transcript) -> str:
    return bytes(transcripts.PLAIN[name](spoken).body).decode()


def test_a_text_cannot_end_its_cue_or_begin_another() -> None:
    spoken = transcript((0.0, 1.0, HOSTILE), (1.0, 2.0, " next"))
    assert body("srt", spoken) == (
        f"1\n00:00:00,000 --> 00:00:01,000\n{TAMED}\n\n2\n00:00:01,000 --> 00:00:02,000\nnext\n"
    )


def test_markup_is_escaped_in_vtt() -> None:
    escaped = TAMED.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert body("vtt", transcript((0.0, 1.0, HOSTILE))) == (
        f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{escaped}\n"
    )


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [
        (0.0004, "00:00:00,000"),
        (0.9996, "00:00:01,000"),
        (59.9999, "00:01:00,000"),
        (3599.9999, "01:00:00,000"),
        (360_000.5, "100:00:00,500"),
    ],
)
def test_times_carry_over(seconds: float, clock: str) -> None:
    assert f"{clock} --> " in body("srt", transcript((seconds, seconds, "a")))
