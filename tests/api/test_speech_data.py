"""`input_vad_mode` and `input_vad_data`: what was found before, in whatever shape it is handed on."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.speech_data import MOST_SPANS, finding_of, spans_of
from tasks import Finding, Span

TWO = [{"start": 0.5, "end": 1.5}, {"start": 2, "end": 3.25}]
SPANS = (Span(0.5, 1.5), Span(2, 3.25))
ANSWER = {"id": "req_1", "model": "gate", "created": 1, "speech_activity": True, "timestamps": TWO}
SAMPLES = [{"start": 8000, "end": 24000}, {"start": 32000, "end": 52000}]


@pytest.mark.parametrize(
    "given_",
    [
        TWO,
        ANSWER,
        {**ANSWER, "duration": 5.0, "unit": "seconds"},
        {**ANSWER, "timestamps": SAMPLES, "unit": "samples"},
        {"timestamps": SAMPLES, "unit": "samples", "sample_rate": 16000},
        {"timestamps": [{**span, "text": " Hello.", "words": []} for span in TWO], "text": "Hello."},
    ],
    ids=["a list", "the engine's", "ours", "ours in samples", "with a rate", "a transcript"],
)  # fmt: skip
@pytest.mark.parametrize("written", [False, True], ids=["object", "string"])
def test_an_answer_of_voice_activity_is_taken_as_it_is(given_: Any, written: bool) -> None:
    assert spans_of(json.dumps(given_) if written else given_) == SPANS


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_not_given(nothing: Any) -> None:
    assert spans_of(nothing) is None and finding_of(nothing) is None


def test_spans_may_overlap_by_a_rounding() -> None:
    found = spans_of([{"start": 0.0, "end": 1.0}, {"start": 0.95, "end": 2.0}])
    assert found == (Span(0.0, 1.0), Span(1.0, 2.0))


def one(start: Any, end: Any) -> list[Any]:
    return [{"start": start, "end": end}]


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[" + "9" * 5000 + "]", "no JSON"),
        (5, "what /v1/audio/vad answers"),
        (True, "what /v1/audio/vad answers"),
        ("7", "what /v1/audio/vad answers"),
        ({}, "no 'timestamps'"),
        ({**ANSWER, "timestamps": None}, "get_timestamps"),
        ({"timestamps": {"start": 0, "end": 1}}, "what /v1/audio/vad answers"),
        ([], "0 spans"),
        (one(0, 1) * (MOST_SPANS + 1), f"{MOST_SPANS + 1} spans"),
        ([[0, 1]], "span 1 should have numbers"),
        ([*TWO, {"start": 5}], "span 3 should have numbers"),
        (one("0", "1"), "numbers"),
        (one(False, True), "numbers"),
        (one(0, math.nan), "numbers"),
        ('[{"start": 0, "end": NaN}]', "numbers"),
        ('[{"start": 0, "end": 1e999}]', "numbers"),
        (one(-1, 1), "start at 0 or later"),
        (one(2, 1), "end after that"),
        (one(1, 1), "end after that"),
        (one(0, 10**400), "end after that"),
        (one(10**400, 10**400 + 1), "end after that"),
        (one(0, 1e300), "end after that"),
        ([TWO[1], TWO[0]], "span 2 begins before"),
        (one(0, 5) + one(1, 2), "span 2 begins before"),
        (one(0, 5) + one(0, 5), "span 2 begins before"),
        ({"timestamps": TWO, "unit": "minutes"}, "seconds or samples"),
        ({"timestamps": TWO, "unit": ["samples"]}, "seconds or samples"),
        ({"timestamps": TWO, "unit": "samples", "sample_rate": 0}, "sample_rate"),
        ({"timestamps": TWO, "unit": "samples", "sample_rate": "16000"}, "sample_rate"),
    ],
)
def test_what_is_no_such_answer_is_refused_with_the_reason(given_: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        spans_of(given_)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("start", "end", "timestamps", "unit", "sample_rate")), inner
        )
    ),
    max_leaves=12,
)


@given(tree=TREES)
def test_anything_else_is_spans_in_order_or_refused(tree: Any) -> None:
    try:
        found = spans_of(tree)
    except ValueError:
        return
    ends = [0.0]
    for span in found or ():
        assert ends[-1] <= span.start < span.end and math.isfinite(span.end)
        ends.append(span.end)


@pytest.mark.parametrize(
    ("word", "finding"),
    [
        ("silero", Finding.DETECTOR),
        ("Silero", Finding.DETECTOR),
        ("silero_vad", Finding.DETECTOR),
        ("vad", Finding.DETECTOR),
        ("whisper", Finding.RECOGNISER),
        (" faster-whisper ", Finding.RECOGNISER),
    ],
)
def test_what_finds_speech_has_the_names_that_people_use(word: str, finding: Finding) -> None:
    assert finding_of(word) is finding


@pytest.mark.parametrize("word", ["webrtc", "none", 1, True, ["silero"], {}])
def test_other_words_are_told_the_right_ones(word: Any) -> None:
    with pytest.raises(ValueError, match=r"silero.*whisper"):
        finding_of(word)
