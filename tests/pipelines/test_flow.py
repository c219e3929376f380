"""Streams that work ahead: the order, the bound, and what happens when somebody fails or leaves."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from pipelines.flow import begun, from_thread, in_order, in_thread
from runners import steps
from tests.pipelines.conftest import play


class Broken(Exception):
    pass


@attrs.define(eq=False)
class Workshop:
    """Work on numbers; each waits until it is let go, and what becomes of it is remembered."""

    open: bool = False
    fails: frozenset[int] = frozenset()
    started: list[int] = attrs.Factory(list)
    finished: list[int] = attrs.Factory(list)
    cancelled: list[int] = attrs.Factory(list)
    peak: int = 0
    _gates: dict[int, asyncio.Event] = attrs.Factory(dict)
    _news: asyncio.Event = attrs.Factory(asyncio.Event)

    async def work(self, number: int) -> int:
        self.started.append(number)
        self.peak = max(self.peak, len(self.under_way))
        self._news.set()
        try:
            if not self.open:
                await self._gate(number).wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.finished.append(number)
        if number in self.fails:
            raise Broken(number)
        return number * 10

    @property
    def under_way(self) -> list[int]:
        over = Counter(self.finished) + Counter(self.cancelled)
        return list((Counter(self.started) - over).elements())

    def let_go(self, number: int) -> None:
        self._gate(number).set()

    async def until_started(self, count: int) -> None:
        while len(self.started) < count:
            self._news.clear()
            await self._news.wait()

    def _gate(self, number: int) -> asyncio.Event:
        return self._gates.setdefault(number, asyncio.Event())


@attrs.define(eq=False)
class Source:
    """Numbers from 0, and whether somebody closed it."""

    count: int
    breaks: bool = False
    given: int = 0
    closed: bool = False

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.count):
                self.given += 1
                yield number
            if self.breaks:
                raise Broken("source")
        finally:
            self.closed = True


# in_order


@profile(derandomize=True, deadline=None)
@given(turns=st.lists(st.integers(0, 9), max_size=12), ahead=st.integers(1, 5))
def test_results_keep_the_order_whatever_is_done_first(turns: list[int], ahead: int) -> None:
    async def scene() -> None:
        under_way = peak = read = 0

        async def work(index: int) -> int:
            nonlocal under_way, peak
            under_way += 1
            peak = max(peak, under_way)
            assert index < read + ahead
            for _ in range(turns[index]):
                await asyncio.sleep(0)  # one turn of the loop, in which the others work
            under_way -= 1
            return index

        results = []
        async with aclosing(in_order(Source(len(turns)).numbers(), work, ahead)) as stream:
            async for result in stream:
                results.append(result)
                read += 1
        assert results == list(range(len(turns)))
        assert peak <= ahead

    play(scene())


def test_the_next_item_is_worked_on_while_the_first_is_awaited() -> None:
    async def scene() -> None:
        workshop = Workshop()
        async with aclosing(in_order(Source(5).numbers(), workshop.work, ahead=3)) as stream:
            first = asyncio.ensure_future(anext(stream))
            await workshop.until_started(3)
            workshop.let_go(2)
            workshop.let_go(1)
            workshop.let_go(0)
            assert [await first, await anext(stream), await anext(stream)] == [0, 10, 20]

    play(scene())


def test_no_more_is_read_from_the_source_than_is_under_way() -> None:
    async def scene() -> None:
        source, workshop = Source(100), Workshop(open=True)
        async with aclosing(in_order(source.numbers(), workshop.work, ahead=4)) as stream:
            for read in range(20):
                assert await anext(stream) == read * 10
                assert source.given <= read + 4

    play(scene())


def test_a_reader_that_leaves_ends_what_is_under_way() -> None:
    async def scene() -> None:
        source, workshop = Source(9), Workshop()
        numbers = source.numbers()  # held, so that no collector closes it for us
        workshop.let_go(0)
        async with aclosing(in_order(numbers, workshop.work, ahead=3)) as stream:
            async for _ in stream:
                await workshop.until_started(3)
                break
        assert source.closed
        assert workshop.started == [0, 1, 2]
        assert workshop.cancelled == [1, 2]

    play(scene())


def test_a_reader_that_is_cancelled_while_it_waits_ends_what_is_under_way() -> None:
    async def scene() -> None:
        workshop = Workshop()

        async def read() -> None:
            async with aclosing(in_order(Source(9).numbers(), workshop.work, ahead=3)) as stream:
                async for _ in stream:
                    pass

        reader = asyncio.ensure_future(read())
        await workshop.until_started(3)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert sorted(workshop.cancelled) == [0, 1, 2]

    play(scene())


def test_a_failure_comes_in_its_turn_and_ends_what_is_under_way() -> None:
    async def scene() -> None:
        source, workshop = Source(9), Workshop(fails=frozenset({1}))
        workshop.let_go(0)
        workshop.let_go(1)
        async with aclosing(in_order(source.numbers(), workshop.work, ahead=3)) as stream:
            assert await anext(stream) == 0
            with pytest.raises(Broken, match="1"):
                await anext(stream)
            assert workshop.under_way == []
            assert source.given == 1 + 3
            assert source.closed

    play(scene())


def test_several_failures_leave_no_complaint() -> None:
    async def scene() -> None:
        workshop = Workshop(open=True, fails=frozenset(range(9)))
        async with aclosing(in_order(Source(9).numbers(), workshop.work, ahead=4)) as stream:
            with pytest.raises(Broken, match="0"):
                await anext(stream)
            assert [item async for item in stream] == []

    play(scene())


def test_a_source_that_breaks_fails_after_what_came_before_it() -> None:
    async def scene() -> None:
        workshop = Workshop(open=True)
        source = Source(2, breaks=True)
        async with aclosing(in_order(source.numbers(), workshop.work, ahead=9)) as stream:
            assert [await anext(stream), await anext(stream)] == [0, 10]
            with pytest.raises(Broken, match="source"):
                await anext(stream)
        assert workshop.under_way == []

    play(scene())


def test_a_result_is_handed_out_while_the_next_item_is_still_awaited() -> None:
    async def scene() -> None:
        never = asyncio.Event()

        async def slow_source() -> AsyncGenerator[int, None]:
            yield 0
            await never.wait()

        async with aclosing(in_order(slow_source(), Workshop(open=True).work, ahead=9)) as stream:
            assert await anext(stream) == 0

    play(scene())


def test_nothing_in_is_nothing_out() -> None:
    async def scene() -> list[int]:
        return [item async for item in in_order(Source(0).numbers(), Workshop().work, ahead=2)]

    assert play(scene()) == []


# from_thread


def test_a_blocking_iterator_is_read_in_order_outside_of_the_loop() -> None:
    threads = set()

    def items() -> Iterator[int | None]:
        for item in [1, None, 0, 2]:
            threads.add(threading.get_ident())
            yield item

    async def scene() -> list[int | None]:
        return [item async for item in from_thread(items(), "read")]

    assert play(scene()) == [1, None, 0, 2]
    assert threading.get_ident() not in threads


def test_a_blocking_iterator_that_breaks_fails_the_reader() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise Broken("half way")

    async def scene() -> list[int]:
        read = []
        with pytest.raises(Broken, match="half way"):
            async for item in from_thread(items(), "read"):
                read.append(item)
        return read

    assert play(scene()) == [1]


def test_a_blocking_iterator_is_read_no_further_than_asked() -> None:
    items = iter(range(10))

    async def scene() -> None:
        async with aclosing(from_thread(items, "read")) as stream:
            assert [await anext(stream), await anext(stream)] == [0, 1]

    play(scene())
    assert next(items) == 2


@attrs.define(eq=False)
class Desk:
    """Where somebody works in a thread: what lies on it may not be taken away meanwhile."""

    busy: bool = False
    taken_away: bool = False
    _enough: threading.Event = attrs.Factory(threading.Event)

    def work(self) -> None:
        self.busy = True
        assert self._enough.wait(30)
        self.busy = False

    async def used(self) -> None:
        try:
            await in_thread("work", self.work)
        finally:
            assert not self.busy
            self.taken_away = True

    async def until_busy(self) -> None:
        while not self.busy:
            await asyncio.sleep(0.001)

    def stop_soon(self) -> None:
        asyncio.get_running_loop().call_later(0.05, self._enough.set)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_however_often_it_is_cancelled_a_thread_keeps_its_objects(times: int) -> None:
    async def scene() -> None:
        desk = Desk()
        using = asyncio.ensure_future(desk.used())
        await desk.until_busy()
        for _ in range(times):
            using.cancel()
            await asyncio.sleep(0)
        desk.stop_soon()
        with pytest.raises(asyncio.CancelledError):
            await using
        assert desk.taken_away

    play(scene())


def test_a_scope_that_cancels_again_and_again_waits_for_the_thread_too() -> None:
    async def scene() -> None:
        desk = Desk()
        async with anyio.create_task_group() as group:
            group.start_soon(desk.used)
            await desk.until_busy()
            group.cancel_scope.cancel()
            desk.stop_soon()
        assert desk.taken_away

    play(scene())


def test_closed_while_it_is_cancelled_again_a_stream_leaves_no_work_behind() -> None:
    async def scene() -> None:
        desk, source = Desk(), Source(5)

        async def work(_: int) -> None:
            await desk.used()

        async def read() -> None:
            async with aclosing(in_order(source.numbers(), work, ahead=1)) as results:
                await anext(results)

        reading = asyncio.ensure_future(read())
        await desk.until_busy()
        reading.cancel()
        await asyncio.sleep(0)
        reading.cancel()
        desk.stop_soon()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert desk.taken_away and source.closed

    play(scene())


# begun


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_begun_stream_is_the_same_stream(count: int) -> None:
    async def scene() -> list[int]:
        return [item async for item in await begun(Source(count).numbers())]

    assert play(scene()) == list(range(count))


def test_a_begun_stream_waits_for_one_item_only() -> None:
    async def scene() -> None:
        source = Source(5)
        async with aclosing(await begun(source.numbers())):
            assert source.given == 1

    play(scene())


def test_what_fails_at_the_start_fails_before_the_stream_is_there() -> None:
    async def scene() -> None:
        source = Source(0, breaks=True)
        with pytest.raises(Broken):
            await begun(source.numbers())
        assert source.closed

    play(scene())


def test_what_fails_later_fails_in_its_turn() -> None:
    async def scene() -> list[int]:
        read = []
        stream = await begun(Source(2, breaks=True).numbers())
        with pytest.raises(Broken):
            async for item in stream:
                read.append(item)
        return read

    assert play(scene()) == [0, 1]


@pytest.mark.parametrize("read", [0, 1, 2])
def test_closing_a_begun_stream_closes_its_source_even_if_nobody_read(read: int) -> None:
    async def scene() -> None:
        source = Source(5)
        numbers = source.numbers()  # held, so that no collector closes it for us
        stream = await begun(numbers)
        for _ in range(read):
            await anext(stream)
        await stream.aclose()
        assert source.closed

    play(scene())


def test_closing_a_begun_stream_ends_the_work_behind_it() -> None:
    async def scene() -> None:
        workshop = Workshop()
        workshop.let_go(0)
        stream = await begun(in_order(Source(9).numbers(), workshop.work, ahead=3))
        await workshop.until_started(3)
        await stream.aclose()
        assert workshop.cancelled == [1, 2]

    play(scene())


def test_a_caller_that_is_cancelled_before_the_first_item_ends_the_work() -> None:
    async def scene() -> None:
        workshop = Workshop()
        opening = asyncio.ensure_future(
            begun(in_order(Source(9).numbers(), workshop.work, ahead=2))
        )
        await workshop.until_started(2)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert sorted(workshop.cancelled) == [0, 1]

    play(scene())


# Work in threads


def test_work_in_a_thread_is_noted_as_a_step() -> None:
    async def scene() -> None:
        taken = steps.begin()
        assert await in_thread("add", lambda a, b: a + b, 1, 2) == 3
        assert taken.taken["add"].jobs == 1

    asyncio.run(scene())


@pytest.mark.parametrize("fails", [False, True])
def test_who_is_cancelled_waits_for_its_thread(fails: bool) -> None:
    async def scene() -> None:
        inside, door, ended = threading.Event(), threading.Event(), threading.Event()

        def work() -> None:
            inside.set()
            assert door.wait(20)
            ended.set()
            if fails:
                raise ValueError

        waiting = asyncio.ensure_future(in_thread("work", work))
        await asyncio.to_thread(inside.wait, 20)
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        door.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended.is_set()

    asyncio.run(scene())
