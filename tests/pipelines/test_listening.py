"""A live sound becomes turns and texts, which are told while they are still being said."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import numpy as np
import pytest

from audio import Audio, join, silence
from errors import InvalidInput, TooLarge, Unavailable
from pipelines.dictation import DRAFT_PRIORITY, Ear, Said, Unwritten, Written
from pipelines.listening import Bounds, Committed, Listener, News, Quiet, Started, Stopped
from pipelines.turns import TurnRule
from tasks import Call
from tests.fakes import WORDS, FakeDetector, Hold, WordTranscriber, said

PATIENCE = 20.0
RATE = 24000
TURNS = TurnRule(prefix=0.3, silence=0.5)
BOUNDS = Bounds(held=600.0, patience=60.0)
PAUSE = silence(1.0, RATE)

Told = TypeVar("Told")


@attrs.define
class Scene:
    """A listener at work, and everything that it told."""

    listener: Listener
    transcriber: WordTranscriber
    news: list[News]

    async def hear(self, *sounds: Audio, piece: float = 0.1) -> None:
        for part in join(list(sounds), RATE).blocks(RATE, piece):
            await self.listener.hear(part)
            await asyncio.sleep(0)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.001)

    async def written(self, count: int) -> list[Written]:
        await self.until(lambda: len(self.all(Written)) >= count)
        return self.all(Written)

    async def asked(self, runner: WordTranscriber | FakeDetector, times: int) -> None:
        await self.until(lambda: len(runner.jobs) >= times)

    def all(self, kind: type[Told]) -> list[Told]:
        return [news for news in self.news if isinstance(news, kind)]

    def joined(self, item: str) -> str:
        return "".join(news.words for news in self.all(Said) if news.item == item)


@asynccontextmanager
async def scene(
    *,
    transcriber: WordTranscriber | None = None,
    detector: FakeDetector | None = None,
    turns: TurnRule | None = TURNS,
    bounds: Bounds = BOUNDS,
) -> AsyncGenerator[Scene, None]:
    transcriber = transcriber or WordTranscriber()
    news: list[News] = []

    async def tell(one: News) -> None:
        news.append(one)

    ear = Ear(transcriber, detector or FakeDetector(), turns, language="en")
    listener = Listener(ear, bounds, Call(id="r1"), tell)
    writing = asyncio.ensure_future(listener.write())
    try:
        yield Scene(listener, transcriber, news)
    finally:
        writing.cancel()
        await asyncio.wait({writing})
        if not writing.cancelled():
            writing.result()


def played(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs in an event loop of its own, and not for ever."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **named), PATIENCE))

    return run


def kinds(news: Sequence[News]) -> list[str]:
    return [type(one).__name__ for one in news]


@played
async def test_a_turn_is_told_from_its_beginning_to_its_text() -> None:
    async with scene() as stage:
        await stage.hear(PAUSE, said(WORDS[:4]), PAUSE)
        (text,) = await stage.written(1)
        assert text.text == "alpha bravo charlie delta"
        assert text.seconds == pytest.approx(0.3 + 1.5 + 0.5, abs=0.11)
        started, stopped, committed = (stage.all(kind)[0] for kind in (Started, Stopped, Committed))
        assert {started.item, stopped.item, committed.item} == {text.item}  # type: ignore[attr-defined]
        told = [kind for kind in kinds(stage.news) if kind != "Said"]
        assert told == ["Started", "Stopped", "Committed", "Written"]


@played
async def test_words_are_told_while_the_speaker_goes_on() -> None:
    async with scene() as stage:
        await stage.hear(PAUSE)
        for word in WORDS[:10]:
            await stage.hear(said([word]))
            await asyncio.sleep(0.03)
        await stage.until(lambda: len(stage.all(Said)) > 0)
        assert not stage.all(Stopped)
        await stage.hear(PAUSE)
        (text,) = await stage.written(1)
        assert text.text == " ".join(WORDS[:10])
        assert stage.joined(text.item) == text.text


@played
async def test_half_a_word_is_never_told() -> None:
    async with scene() as stage:
        for word in WORDS[:8]:
            await stage.hear(said([word]), piece=0.07)
            await asyncio.sleep(0.05)
        await stage.hear(PAUSE)
        (text,) = await stage.written(1)
        assert stage.joined(text.item) == " ".join(WORDS[:8])


@played
async def test_turns_follow_each_other() -> None:
    async with scene() as stage:
        await stage.hear(said(WORDS[:3]), PAUSE, said(WORDS[3:5]), PAUSE, said(WORDS[5:6]), PAUSE)
        texts = await stage.written(3)
        assert [text.text for text in texts] == ["alpha bravo charlie", "delta echo", "foxtrot"]
        items = [text.item for text in texts]
        assert stage.all(Committed) == [
            Committed(items[0], None),
            Committed(items[1], items[0]),
            Committed(items[2], items[1]),
        ]


@played
async def test_silence_tells_nothing_and_asks_no_transcriber() -> None:
    async with scene() as stage:
        await stage.hear(silence(20.0, RATE), piece=1.0)
        assert stage.news == []
        assert stage.transcriber.jobs == []


@played
async def test_without_turns_only_a_commit_makes_an_item() -> None:
    async with scene(turns=None) as stage:
        await stage.hear(said(WORDS[:3]), PAUSE, said(WORDS[3:5]), PAUSE)
        assert not stage.all(Committed)
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == " ".join(WORDS[:5])
        assert text.seconds == pytest.approx(4.0)
        assert not stage.all(Started)


@played
async def test_a_commit_ends_a_turn_in_mid_speech_and_the_rest_is_another() -> None:
    async with scene() as stage:
        await stage.hear(PAUSE, said(WORDS[:3]))
        await stage.listener.commit()
        await stage.hear(said(WORDS[3:5]), PAUSE)
        first, second = await stage.written(2)
        assert (first.text, second.text) == ("alpha bravo charlie", "delta echo")
        assert [stopped.item for stopped in stage.all(Stopped)] == [second.item]


@pytest.mark.parametrize("seconds", [0.0, 0.05])
@played
async def test_next_to_nothing_cannot_be_committed(seconds: float) -> None:
    async with scene(turns=None) as stage:
        await stage.hear(silence(seconds, RATE))
        with pytest.raises(InvalidInput, match="at least 100 ms") as refusal:
            await stage.listener.commit()
        assert refusal.value.code == "input_audio_buffer_commit_empty"


@played
async def test_a_tenth_of_a_second_can_be_committed_all_of_it() -> None:
    async with scene(turns=None) as stage:
        await stage.hear(silence(0.1, RATE), piece=0.01)
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == ""
        assert text.seconds == pytest.approx(0.1, abs=0.001)


@played
async def test_what_was_committed_is_not_committed_again() -> None:
    async with scene(turns=None) as stage:
        await stage.hear(said(WORDS[:2]))
        await stage.listener.commit()
        with pytest.raises(InvalidInput):
            await stage.listener.commit()


@played
async def test_what_was_cleared_is_never_written() -> None:
    async with scene(turns=None) as stage:
        await stage.hear(said(WORDS[:3]))
        stage.listener.clear()
        await stage.hear(said(WORDS[3:5]))
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == "delta echo"


@played
async def test_a_long_turn_is_written_in_windows_and_its_sound_let_go() -> None:
    script = [WORDS[index % len(WORDS)] for index in range(200)]  # 80 s without a pause
    async with scene() as stage:
        for position in range(0, len(script), 10):
            drafts = len(stage.transcriber.jobs)
            await stage.hear(said(script[position : position + 10]), piece=5.0)
            await stage.asked(stage.transcriber, drafts + 1)
        assert stage.listener._tape.start > 40.0
        await stage.hear(PAUSE)
        (text,) = await stage.written(1)
        assert text.text == " ".join(script)
        assert stage.joined(text.item) == text.text
        assert max(job.sound.duration for job in stage.transcriber.jobs) <= 30.0


@played
async def test_a_long_turn_without_any_draft_is_written_in_windows_too() -> None:
    script = [WORDS[index % len(WORDS)] for index in range(200)]
    async with scene() as stage:
        await stage.hear(said(script), PAUSE, piece=100.0)
        (text,) = await stage.written(1)
        assert text.text == " ".join(script)


@played
async def test_a_long_silence_before_a_commit_is_let_go() -> None:
    detector = FakeDetector()
    bounds = Bounds(held=100.0, patience=60.0)
    async with scene(turns=None, detector=detector, bounds=bounds) as stage:
        for count in range(1, 11):
            await stage.hear(silence(30.0, RATE), piece=30.0)
            await stage.asked(detector, count)
        await stage.hear(said(WORDS[:3]))
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == "alpha bravo charlie"
        assert text.seconds == pytest.approx(301.2)


@played
async def test_speech_far_into_a_silence_is_found() -> None:
    """One draft of 45 s ends in the middle of it; the next must go on from there."""
    async with scene(turns=None) as stage:
        script = [WORDS[index % len(WORDS)] for index in range(60)]
        await stage.hear(silence(40.0, RATE), said(script), piece=70.0)
        await stage.until(lambda: len(stage.all(Said)) > 0)
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == " ".join(script)


@played
async def test_a_buffer_that_nobody_commits_is_cleared_with_an_error() -> None:
    held = Hold()
    transcriber = WordTranscriber(holds={0: held})
    async with scene(
        turns=None, transcriber=transcriber, bounds=Bounds(held=5.0, patience=60.0)
    ) as stage:
        with pytest.raises(TooLarge, match="more than 5 s") as refusal:
            await stage.hear(said(WORDS), piece=1.0)
        assert refusal.value.code == "input_audio_buffer_full"
        with pytest.raises(InvalidInput):
            await stage.listener.commit()


@played
async def test_hearing_waits_while_too_much_is_to_be_written() -> None:
    held = Hold()
    transcriber = WordTranscriber(holds={0: held})
    async with scene(
        turns=None, transcriber=transcriber, bounds=Bounds(held=3.0, patience=60.0)
    ) as stage:
        for _ in range(2):
            await stage.listener.hear(said(WORDS[:5]))
            await stage.listener.commit()
        more = asyncio.ensure_future(stage.listener.hear(said(WORDS[:1])))
        await held.reached.wait()
        assert not more.done()
        held.opened.set()
        await asyncio.wait_for(more, PATIENCE)


@played
async def test_a_failure_is_the_items_own() -> None:
    busy = Unavailable("busy", code="queue_full", retry_after=1)
    transcriber = WordTranscriber(failures={0: busy})
    async with scene(turns=None, transcriber=transcriber) as stage:
        await stage.listener.hear(said(WORDS[:1]))
        await stage.listener.commit()
        await stage.until(lambda: len(stage.all(Unwritten)) == 1)
        await stage.listener.hear(said(WORDS[1:2]))
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert stage.all(Unwritten) == [Unwritten(stage.all(Committed)[0].item, busy)]
        assert text.text == "bravo"


@played
async def test_a_failed_draft_is_not_told() -> None:
    transcriber = WordTranscriber(failures={0: Unavailable("busy")})
    async with scene(turns=None, transcriber=transcriber) as stage:
        await stage.hear(said(WORDS[:3]), piece=2.0)
        await stage.until(lambda: len(stage.transcriber.jobs) == 1)
        await stage.listener.commit()
        (text,) = await stage.written(1)
        assert text.text == "alpha bravo charlie"
        assert not stage.all(Unwritten)


@played
async def test_a_draft_under_way_is_dropped_for_the_final_text() -> None:
    held = Hold()
    transcriber = WordTranscriber(holds={0: held})
    async with scene(turns=None, transcriber=transcriber) as stage:
        await stage.hear(said(WORDS[:3]), piece=2.0)
        await held.reached.wait()
        await stage.listener.commit()
        await stage.written(1)
        assert held.cancelled == 1
        draft, final = stage.transcriber.calls
        assert (draft.priority, final.priority) == (DRAFT_PRIORITY, 0)
        assert {draft.id, final.id} == {"r1"}


@played
async def test_never_more_than_one_draft_is_under_way() -> None:
    held = Hold()
    transcriber = WordTranscriber(holds={0: held})
    async with scene(transcriber=transcriber) as stage:
        await stage.hear(PAUSE, said(WORDS[:10]))
        await asyncio.sleep(0.2)
        assert len(stage.transcriber.jobs) == 1


@played
async def test_who_stops_listening_cancels_what_was_asked() -> None:
    held = Hold()
    transcriber = WordTranscriber(holds={0: held})
    async with scene(transcriber=transcriber) as stage:
        await stage.hear(PAUSE, said(WORDS[:3]))
        await held.reached.wait()
    await asyncio.sleep(0)
    assert held.cancelled == 1


@played
async def test_long_without_a_turn_is_committed_as_quiet() -> None:
    rule = attrs.evolve(TURNS, idle=5.0)
    async with scene(turns=rule) as stage:
        await stage.hear(silence(6.0, RATE))
        (text,) = await stage.written(1)
        (quiet,) = stage.all(Quiet)
        assert (quiet.start, quiet.end) == (0.0, 5.0)
        assert (text.item, text.text, text.seconds) == (quiet.item, "", 5.0)


@played
async def test_turns_can_be_turned_off_and_on_while_listening() -> None:
    async with scene(turns=None) as stage:
        on = Ear(stage.transcriber, FakeDetector(), TURNS, language="en")
        await stage.hear(said(WORDS[:2]))
        stage.listener.listen_with(on)
        await stage.hear(PAUSE)
        await stage.written(1)
        assert (len(stage.all(Started)), len(stage.all(Stopped))) == (1, 1)
        stage.listener.listen_with(attrs.evolve(on, turns=None))
        await stage.hear(said(WORDS[2:4]), PAUSE)
        await asyncio.sleep(0.05)
        assert len(stage.all(Committed)) == 1
        await stage.listener.commit()
        first, second = await stage.written(2)
        assert (first.text, second.text) == ("alpha bravo", "charlie delta")


@played
async def test_a_turn_that_is_open_survives_another_rule() -> None:
    async with scene() as stage:
        await stage.hear(PAUSE, said(WORDS[:3]))
        ear = Ear(stage.transcriber, FakeDetector(), attrs.evolve(TURNS, silence=1.5), "en")
        stage.listener.listen_with(ear)
        await stage.hear(PAUSE, said(WORDS[3:5]), PAUSE, PAUSE)
        (text,) = await stage.written(1)
        assert text.text == " ".join(WORDS[:5])
        assert len(stage.all(Started)) == 1


@played
async def test_pieces_of_any_length_make_the_same_sound() -> None:
    """The resampler leaves no seams."""
    heard = []
    for piece in (0.013, 0.1, 10.0):
        async with scene(turns=None) as stage:
            await stage.hear(said(WORDS[:4]), piece=piece)
            await stage.listener.commit()
            await stage.written(1)
            heard.append(stage.transcriber.jobs[-1].sound)
    assert heard[0].duration == heard[1].duration == heard[2].duration
    assert max(np.abs(heard[0].samples - other.samples).max() for other in heard[1:]) < 1e-6
