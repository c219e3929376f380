"""Hours of sound in blocks: the borders between them must not show, nor memory grow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from audio import Audio
from errors import Undecodable
from pipelines.vad import BLOCK, LONGEST_CARRIED, NEAR_END, Stretch, detect, stretches
from tasks import Activity, Call, Detect, Span
from tests.pipelines.conftest import RATE, ExactDetector, marked, place, play, spoken


def activity(job: Detect, detector: ExactDetector) -> Activity:
    return play(detect(job, detector, Call()))


def found(seconds: float, speech: list[tuple[float, float]]) -> list[tuple[float, float]]:
    spans = activity(Detect(marked(seconds, speech)), ExactDetector()).spans
    return [(span.start, span.end) for span in spans]


def cut_up(seconds: float, speech: list[tuple[float, float]]) -> list[Stretch]:
    async def scene() -> list[Stretch]:
        job = Detect(marked(seconds, speech))
        return [stretch async for stretch in stretches(job, ExactDetector(), Call())]

    return play(scene())


@pytest.mark.parametrize(
    "speech",
    [
        [],
        [(0, 1)],
        [(10, 20), (30, 299)],
        [(290, 310)],
        [(10, 20), (299.5, 300)],
        [(300, 301)],
        [(295, 300), (300.1, 302)],
        [(290, 310), (595, 605)],
        [(0, 700)],
        [(100, 500), (590, 650)],
        [(239, 301), (500, 700)],
    ],
    ids=str,
)
def test_borders_do_not_show(speech: list[tuple[float, float]]) -> None:
    assert found(700, speech) == [pytest.approx(span) for span in speech]


@profile(derandomize=True, deadline=None, max_examples=15)
@given(st.data())
def test_all_speech_is_found_wherever_it_is(data: st.DataObject) -> None:
    # Pauses and speech by turns, in tenths of seconds; some longer than a block.
    lengths = st.integers(1, 500) | st.integers(500, 4000)
    turns = data.draw(st.lists(lengths, min_size=1, max_size=8))
    edges = np.cumsum(turns) / 10
    speech = [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    seconds = float(edges[-1]) + data.draw(st.integers(0, 20)) / 10
    assert found(seconds, speech) == [pytest.approx(span) for span in speech]


@profile(derandomize=True, deadline=None, max_examples=10)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6))
def test_stretches_are_the_whole_sound_end_to_end(turns: list[int]) -> None:
    edges = np.cumsum(turns) / 10
    speech = [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    parts = cut_up(float(edges[-1]), speech)
    whole = marked(float(edges[-1]), speech)
    assert np.array_equal(np.concatenate([p.audio.samples for p in parts]), whole.samples)
    for part in parts:
        assert part.offset == pytest.approx(place(part.audio))
        assert part.spans == spoken(part.audio)


def test_a_detector_is_never_handed_more_than_a_block_and_what_is_carried() -> None:
    detector = ExactDetector()
    speech = [(s, s + 59.0) for s in range(0, 3000, 60)]
    activity(Detect(marked(1000, speech)), detector)
    activity(Detect(marked(1000, [(0, 1000)])), detector)
    sizes = [job.sound.duration for job in detector.heard if isinstance(job.sound, Audio)]
    assert len(sizes) == 8
    assert max(sizes) <= BLOCK + LONGEST_CARRIED
    assert max(sizes) > BLOCK  # or nothing would have been carried


def test_a_reader_is_asked_for_one_block_more_than_is_looked_at() -> None:
    @attrs.frozen
    class Tape:
        given: list[float] = attrs.Factory(list)

        def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
            for index in range(20):
                self.given.append(seconds)
                yield Audio(np.full(RATE, -(index + 1), dtype=np.float32), rate)

    async def scene() -> None:
        tape = Tape()
        async with aclosing(stretches(Detect(tape), ExactDetector(), Call())) as parts:
            for read in range(1, 5):
                await anext(parts)
                assert len(tape.given) <= read + 1
        assert set(tape.given) == {BLOCK}

    play(scene())


def test_speech_at_a_border_is_looked_at_again_from_its_start() -> None:
    detector = ExactDetector()
    activity(Detect(marked(400, [(10, 20), (290, 310)])), detector)
    sounds = [job.sound for job in detector.heard if isinstance(job.sound, Audio)]
    assert [(place(s), s.duration) for s in sounds] == [(0, 300), (290, pytest.approx(110))]


def test_speech_that_may_be_over_is_looked_at_again_if_it_ends_near_the_border() -> None:
    """A detector ends speech at a border whatever comes next."""
    near, far = BLOCK - NEAR_END / 2, BLOCK - 2 * NEAR_END
    assert cut_up(400, [(280, near)])[1].offset == pytest.approx(280)
    assert cut_up(400, [(280, far)])[1].offset == pytest.approx(BLOCK)


def test_speech_too_long_to_be_carried_is_cut_at_the_border_and_mended() -> None:
    first, second = cut_up(400, [(100, 350)])
    assert (first.goes_on, second.goes_on) == (True, False)
    assert second.offset == pytest.approx(BLOCK)
    assert found(400, [(100, 350)]) == [pytest.approx((100, 350))]


def test_a_detector_s_own_cuts_stay_cuts() -> None:
    """What max_speech has cut apart touches, and must not become one again."""

    def cut_by_ten(audio: Audio) -> tuple[Span, ...]:
        return tuple(
            Span(start, min(start + 10, span.end))
            for span in spoken(audio)
            for start in np.arange(span.start, span.end, 10).tolist()
        )

    job = Detect(marked(700, [(5, 695)]), max_speech=10)
    spans = activity(job, ExactDetector(find=cut_by_ten)).spans
    assert max(span.end - span.start for span in spans) <= 10.001
    assert spans[0].start == 5
    assert spans[-1].end == pytest.approx(695)
    for before, after in pairwise(spans):
        assert before.end == pytest.approx(after.start)


def test_the_detector_is_asked_as_the_caller_asked() -> None:
    detector = ExactDetector()
    job = Detect(marked(310), threshold=0.4, min_silence=0.7, padding_after=0.2)
    activity(job, detector)
    assert len(detector.heard) == 2
    for heard in detector.heard:
        assert attrs.evolve(heard, sound=job.sound) == job


@pytest.mark.parametrize("seconds", [0, 0.01, 299.9, 300, 300.1, 600])
def test_the_duration_is_that_of_the_sound(seconds: float) -> None:
    assert activity(Detect(marked(seconds)), ExactDetector()).duration == pytest.approx(seconds)


def test_no_sound_is_no_speech_and_no_work() -> None:
    detector = ExactDetector()
    assert activity(Detect(marked(0)), detector) == Activity((), 0.0)
    assert not detector.heard


def test_sound_of_any_rate_is_heard_at_the_detector_s() -> None:
    detector = ExactDetector()
    sound = Audio(np.full(48000, -0.5, dtype=np.float32), 48000)
    assert activity(Detect(sound), detector).duration == pytest.approx(1)
    assert isinstance(heard := detector.heard[0].sound, Audio)
    assert heard.rate == RATE


def test_sound_that_cannot_be_read_fails_the_detection() -> None:
    class Damaged:
        def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
            yield marked(1)
            raise Undecodable("not audio", param="file")

    with pytest.raises(Undecodable, match="not audio"):
        activity(Detect(Damaged()), ExactDetector())


def test_a_caller_that_leaves_stops_the_work() -> None:
    async def scene() -> None:
        detector = ExactDetector()
        async with aclosing(stretches(Detect(marked(900)), detector, Call())) as parts:
            await anext(parts)
        assert len(detector.heard) == 1
        assert len(asyncio.all_tasks()) == 2  # the scene and the stage

    play(scene())
