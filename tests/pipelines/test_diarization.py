"""Who says what: voices that are tones, told by their pitch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import pytest

from audio import Audio
from errors import InvalidInput, Unavailable
from pipelines.cutting import BLOCK
from pipelines.diarization import (
    WINDOW,
    WINDOWS_AHEAD,
    Reference,
    diarize,
    known_voices,
    windows_over,
)
from tasks import Call, Segment, Transcript, Turn, Word
from tests.fakes import FakeEmbedder, Hold, conversation, tone
from tests.pipelines.conftest import RATE, marked, play

LOW, HIGH, THIRD = 150.0, 600.0, 2000.0  # Hz
STEP = 0.4  # seconds a word


def words_over(start: float, seconds: float, text: str = "") -> tuple[Word, ...]:
    """Words of the same length, each with its number or the next letter of a text."""
    count = round(seconds / STEP)
    names = text or [str(number) for number in range(count)]
    return tuple(
        Word(start + i * STEP, start + (i + 1) * STEP, f" {names[i % len(names)]}", 0.9)
        for i in range(count)
    )


def segment(*parts: tuple[float, float, str]) -> Segment:
    """A segment of words: (start, seconds, the letter that they all are)."""
    words = tuple(
        word for start, seconds, name in parts for word in words_over(start, seconds, name)
    )
    return Segment(words[0].start, words[-1].end, "".join(w.text for w in words), words=words)


def transcript(*segments: Segment) -> Transcript:
    return Transcript(segments, "en", segments[-1].end if segments else 0.0)


def told(
    spoken: Transcript,
    sound: Audio,
    *references: Reference,
    embedder: FakeEmbedder | None = None,
) -> list[Turn]:
    nose = embedder or FakeEmbedder()

    async def scene() -> list[Turn]:
        known = await known_voices(references, nose, Call())
        return await diarize(spoken, sound, known, nose, Call())

    return play(scene())


def who(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.speaker, "".join(turn.text.split())) for turn in turns]


# Two speak in turn, each for four seconds, half a second of silence between.
DIALOGUE = conversation(*[(0.5, 4.0, pitch) for pitch in (LOW, HIGH, LOW, HIGH)])
STARTS = (0.5, 5.0, 9.5, 14.0)
SPOKEN = transcript(*(segment((start, 4.0, n)) for start, n in zip(STARTS, "abcd", strict=True)))


def test_speakers_are_letters_in_order_of_appearance_and_come_back_as_themselves() -> None:
    turns = told(SPOKEN, DIALOGUE)
    assert who(turns) == [("A", "a" * 10), ("B", "b" * 10), ("A", "c" * 10), ("B", "d" * 10)]
    assert [turn.start for turn in turns] == pytest.approx(STARTS)
    assert [turn.end for turn in turns] == pytest.approx([start + 4.0 for start in STARTS])


def test_a_segment_in_which_the_speaker_changes_is_cut_there() -> None:
    sound = conversation((0.0, 4.0, LOW), (0.0, 4.0, HIGH))
    spoken = transcript(segment((0.0, 4.0, "a"), (4.0, 4.0, "b")))
    turns = told(spoken, sound)
    assert who(turns) == [("A", "a" * 10), ("B", "b" * 10)]
    assert "".join(turn.text for turn in turns) == spoken.segments[0].text


def test_one_speaker_is_a_alone_however_long() -> None:
    sound = conversation(*[(0.5, 4.0, LOW)] * 4)
    assert {turn.speaker for turn in told(SPOKEN, sound)} == {"A"}


def test_a_known_speaker_bears_the_name_and_letters_are_for_the_others() -> None:
    known = Reference("Ann", tone(3.0, RATE, HIGH))
    assert [s for s, _ in who(told(SPOKEN, DIALOGUE, known))] == ["A", "Ann", "A", "Ann"]
    called = Reference("A", tone(3.0, RATE, HIGH))
    assert [s for s, _ in who(told(SPOKEN, DIALOGUE, called))] == ["B", "A", "B", "A"]


def test_a_known_speaker_who_is_silent_is_not_heard() -> None:
    known = Reference("Ann", tone(3.0, RATE, THIRD))
    assert [s for s, _ in who(told(SPOKEN, DIALOGUE, known))] == ["A", "B", "A", "B"]


def test_four_known_speakers_are_told_apart() -> None:
    pitches = (100.0, 300.0, 900.0, 2700.0)
    known = [Reference(f"{pitch:.0f}", tone(3.0, RATE, pitch)) for pitch in pitches]
    sound = conversation(*[(0.5, 4.0, pitch) for pitch in reversed(pitches)])
    names = [speaker for speaker, _ in who(told(SPOKEN, sound, *known))]
    assert names == ["2700", "900", "300", "100"]


def test_the_encoder_says_from_where_on_two_voices_are_one() -> None:
    strict = FakeEmbedder(offers=attrs.evolve(FakeEmbedder().offers, same_speaker=-1.0))
    assert {turn.speaker for turn in told(SPOKEN, DIALOGUE, embedder=strict)} == {"A"}


def test_where_no_voice_is_heard_the_neighbours_tell() -> None:
    # The last words of the first segment are over silence.
    spoken = transcript(segment((0.0, 6.0, "a")), segment((9.0, 4.0, "b")))
    sound = conversation((0.0, 4.0, LOW), (5.0, 4.0, HIGH))
    assert who(told(spoken, sound)) == [("A", "a" * 15), ("B", "b" * 10)]


def test_a_segment_without_words_is_one_turn() -> None:
    bare = [attrs.evolve(found, words=()) for found in SPOKEN.segments]
    turns = told(transcript(*bare), DIALOGUE)
    assert [turn.speaker for turn in turns] == ["A", "B", "A", "B"]
    assert [turn.text for turn in turns] == [found.text for found in SPOKEN.segments]


def test_silence_has_no_turns_and_nobody_is_asked() -> None:
    embedder = FakeEmbedder()
    assert told(Transcript((), "en", 3.0), DIALOGUE, embedder=embedder) == []
    assert embedder.jobs == []


def test_without_a_single_voice_all_is_said_by_one() -> None:
    silent = Audio(np.zeros_like(DIALOGUE.samples), RATE)
    assert {turn.speaker for turn in told(SPOKEN, silent)} == {"A"}
    known = Reference("Ann", tone(3.0, RATE, LOW))
    assert {turn.speaker for turn in told(SPOKEN, silent, known)} == {"A"}


def test_a_reference_without_a_voice_is_refused_by_name() -> None:
    mute = Reference("Ann", Audio(np.zeros(3 * RATE, dtype=np.float32), RATE))
    with pytest.raises(InvalidInput, match="reference of 'Ann' cannot be used") as caught:
        told(SPOKEN, DIALOGUE, mute)
    assert caught.value.param == "known_speaker_references"


def test_a_failure_of_the_encoder_is_the_answer_s() -> None:
    embedder = FakeEmbedder(failures={3: Unavailable("the runner died")})
    with pytest.raises(Unavailable, match="the runner died"):
        told(SPOKEN, DIALOGUE, embedder=embedder)


# What is heard of the sound


@attrs.define
class Reel:
    """A sound that is read once, in blocks, and remembers how many were read."""

    audio: Audio
    read: int = 0

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        for block in self.audio.blocks(rate, seconds):
            self.read += 1
            yield block


def test_each_window_is_heard_whole_and_in_its_place_also_between_blocks() -> None:
    seconds = 2.5 * BLOCK
    reel = Reel(marked(seconds, [(0.0, seconds)]))
    spoken = transcript(segment((1.0, seconds - 2.0, "a")))
    embedder = FakeEmbedder()
    play(diarize(spoken, reel, [], embedder, Call()))
    windows = list(windows_over(spoken.segments[0].words))
    assert reel.read == 3
    assert len(embedder.jobs) == len(windows) > 100
    for job, window in zip(embedder.jobs, windows, strict=True):
        first = round(window.start * RATE)
        count = round(window.end * RATE) - first
        expected = np.arange(first + 1, first + count + 1, dtype=np.float32)
        assert np.array_equal(job.sound.samples, expected)
    assert embedder.most_at_work <= WINDOWS_AHEAD


def test_windows_cover_what_is_said_and_no_long_pause() -> None:
    words = [*words_over(0.0, 4.0), *words_over(10.0, 0.4), *words_over(20.0, 1.6)]
    spans = list(windows_over(words))
    assert all(0.6 - 1e-6 <= span.end - span.start <= WINDOW + 1e-6 for span in spans)
    assert spans == sorted(spans, key=lambda span: span.start)
    for word in words:
        assert any(s.start <= (word.start + word.end) / 2 <= s.end for s in spans)
    assert not any(s.start < at < s.end for s in spans for at in (5.0, 9.0, 11.0, 19.0))


def test_a_word_that_ends_after_the_sound_is_heard_as_far_as_it_goes() -> None:
    sound = conversation((0.0, 4.0, LOW), (0.5, 3.0, HIGH))
    spoken = transcript(segment((0.0, 4.0, "a")), segment((4.5, 3.6, "b")))
    assert who(told(spoken, sound)) == [("A", "a" * 10), ("B", "b" * 9)]


def test_who_leaves_stops_the_work() -> None:
    hold = Hold()
    embedder = FakeEmbedder(holds={2: hold})

    async def scene() -> None:
        work = asyncio.ensure_future(diarize(SPOKEN, DIALOGUE, [], embedder, Call()))
        await hold.reached.wait()
        work.cancel()
        await asyncio.wait({work})
        assert work.cancelled()

    play(scene())
    assert hold.cancelled == 1
