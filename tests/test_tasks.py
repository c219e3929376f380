"""Jobs and results travel between processes as they are: every field, every sample."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from audio import Audio
from errors import InvalidInput, SpeechError
from tasks import (
    Activity,
    Analyse,
    Answer,
    Call,
    Card,
    Compose,
    Convert,
    Detect,
    Embed,
    Embedding,
    Features,
    Job,
    Restore,
    Result,
    Segment,
    Span,
    Speak,
    Speech,
    Transcribe,
    Transcript,
    Vocode,
    Voice,
    Word,
)

repeatable = profile(derandomize=True, deadline=None)

seconds = st.floats(0, 1e6)
maybe = st.none() | seconds
sounds = st.builds(
    Audio,
    arrays.arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32)),
    st.sampled_from([8000, 16000, 22050, 24000, 48000]),
)
detections = st.builds(Detect, sounds, *[maybe] * (len(attrs.fields(Detect)) - 1))
words = st.builds(Word, seconds, seconds, st.text(), st.floats(0, 1))
segments = st.builds(
    Segment,
    start=seconds,
    end=seconds,
    text=st.text(),
    tokens=st.lists(st.integers(0, 60000)).map(tuple),
    avg_logprob=st.floats(-10, 0),
    words=st.lists(words, max_size=3).map(tuple),
)
vectors = arrays.arrays(np.float32, st.integers(1, 256), elements=st.floats(-1, 1, width=32))
embeddings = st.builds(Embedding, vectors, st.text())
factors = st.floats(0.25, 4)
features = st.builds(
    Features,
    arrays.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(0, 50))),
    st.text(),
)
seeds = st.none() | st.integers(0, 2**63 - 1)
jobs = st.one_of(
    st.builds(
        Speak,
        st.text(),
        st.none() | st.text(),
        st.none() | st.text(),
        st.floats(0.25, 4),
        seeds,
    ),
    st.builds(
        Convert, sounds, embeddings, embeddings, st.none() | st.floats(0, 1), seeds, st.integers(0)
    ),
    st.builds(Compose, st.text(), embeddings, st.none() | st.text(), factors, factors, factors),
    st.builds(Vocode, features),
    st.builds(Restore, sounds),
    st.builds(Analyse, sounds, st.integers(0, 2), seeds),
    detections,
    st.builds(Embed, sounds),
    st.builds(
        Transcribe,
        sounds,
        language=st.none() | st.text(),
        candidates=st.lists(st.text(), max_size=3).map(tuple),
        translate=st.booleans(),
        prompt=st.none() | st.text(),
        temperature=st.none() | st.floats(0, 1),
        words=st.booleans(),
        draft=st.booleans(),
        chunking=st.none() | detections,
    ),
)
results = st.one_of(
    embeddings,
    features,
    st.builds(Speech, sounds, st.none() | embeddings),
    st.builds(Transcript, st.lists(segments, max_size=3).map(tuple), st.text(), seconds),
    st.builds(Activity, st.lists(st.builds(Span, seconds, seconds)).map(tuple), seconds),
)


def plain(value: Any) -> Any:
    """The same tree in types that compare by content."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, SpeechError):
        return (type(value), vars(value))
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return (type(value), *(plain(getattr(value, field.name)) for field in fields))
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def crossed(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))


@repeatable
@given(job=jobs)
def test_a_job_survives_pickle_unchanged(job: Job) -> None:
    assert plain(crossed(job)) == plain(job)


@repeatable
@given(result=results, queued=seconds, ran=seconds, size=st.integers(1, 64))
def test_an_answer_survives_pickle_unchanged(
    result: Result, queued: float, ran: float, size: int
) -> None:
    answer = Answer(result, queued, ran, size)
    assert plain(crossed(answer)) == plain(answer)


@pytest.mark.parametrize(
    "value",
    [
        Answer(InvalidInput("no such voice", param="voice", code="voice_not_found")),
        Call(priority=3, deadline=12.5),
        Card(("en",), (Voice("joe", "en-US"),), "joe", 22050),
        Card(rate=16000, same_speaker=0.7),
        Card(),
    ],
)
def test_what_goes_with_jobs_and_results_survives_pickle_unchanged(value: Any) -> None:
    assert plain(crossed(value)) == plain(value)


def test_each_call_has_an_id_of_its_own() -> None:
    assert len({Call().id for _ in range(100)}) == 100


@pytest.mark.parametrize("value", [Speak("a"), Call(), Card(), Span(0, 1), Answer(Activity((), 0))])
def test_nothing_can_be_changed_on_its_way(value: Any) -> None:
    field = attrs.fields(type(value))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, field, None)


@repeatable
@given(segment=segments, offset=seconds)
def test_shifting_moves_a_segment_and_its_words_and_nothing_else(
    segment: Segment, offset: float
) -> None:
    moved = segment.shifted(offset)
    assert (moved.start, moved.end) == (segment.start + offset, segment.end + offset)
    assert [(w.start, w.end) for w in moved.words] == [
        (w.start + offset, w.end + offset) for w in segment.words
    ]
    unmoved = [attrs.evolve(w, start=0, end=0) for w in segment.words]
    assert [attrs.evolve(w, start=0, end=0) for w in moved.words] == unmoved
    assert attrs.evolve(moved, start=0, end=0, words=()) == attrs.evolve(
        segment, start=0, end=0, words=()
    )


def test_the_text_of_a_transcript_is_that_of_its_segments() -> None:
    parts = (Segment(0, 1, " Hello,"), Segment(1, 2, " world. "))
    assert Transcript(parts, "en", 2).text == "Hello, world."
    assert Transcript((), "en", 2).text == ""
