"""Asynchronous streams: work ahead without losing the order, wait for the first item."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

import anyio

from audio import Audio
from errors import InvalidInput
from runners import steps

Item = TypeVar("Item")
Done = TypeVar("Done")

END = object()  # of a source


async def in_order(
    items: AsyncGenerator[Item, None], work: Callable[[Item], Awaitable[Done]], ahead: int
) -> AsyncGenerator[Done, None]:
    """The results of `work` on each item, in order, with at most `ahead` of them under way.

    A result is handed out as soon as it is its turn, also while the next item is still awaited.
    Whoever stops reading must close the generator; what is under way is cancelled then, and `items`
    are closed.
    """
    under_way: asyncio.Queue[asyncio.Task[Done] | None] = asyncio.Queue()
    started: list[asyncio.Task[Done]] = []
    room = asyncio.Semaphore(ahead)

    async def start() -> None:
        try:
            while await room.acquire() and (item := await anext(items, END)) is not END:
                task = asyncio.ensure_future(work(item))  # type: ignore[arg-type]
                started.append(task)
                under_way.put_nowait(task)
        finally:
            under_way.put_nowait(None)

    async with aclosing(items):
        starting = asyncio.ensure_future(start())
        try:
            while (head := await under_way.get()) is not None:
                yield await head
                started.remove(head)
                room.release()
            await starting  # raises what the source raised
        finally:
            await let_go(starting, *started)


async def from_thread(items: Iterator[Item], step: str) -> AsyncGenerator[Item, None]:
    """A blocking iterator, read in a thread so that others are served meanwhile.

    `step` is what its time counts as in the answer's Server-Timing.
    """
    while (item := await in_thread(step, next, items, END)) is not END:
        yield item


async def in_thread(step: str, work: Callable[..., Done], *arguments: Any) -> Done:
    """The result of blocking work. Whoever is cancelled waits for the thread to let go of its objects."""

    def timed() -> Done:
        with steps.timed(step):
            return work(*arguments)

    working = asyncio.ensure_future(asyncio.to_thread(timed))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await ended(working)
        raise


async def let_go(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended: only then what they worked with may be closed."""
    for task in tasks:
        task.cancel()
    await ended(*tasks)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Return when all tasks have ended, and no sooner if the waiting itself is cancelled.

    A client that hangs up cancels more than once: anyio's scopes do so until they are obeyed.
    """
    cancelled = None
    with anyio.CancelScope(shield=True):
        while waited_for := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(waited_for)
            except asyncio.CancelledError as once_more:
                cancelled = once_more
    for task in tasks:
        if not task.cancelled():
            task.exception()  # nobody is left to hear of it
    if cancelled:
        raise cancelled


async def not_empty(
    sound: AsyncGenerator[Audio, None], nothing: InvalidInput
) -> AsyncGenerator[Audio, None]:
    """The parts of a sound that hold samples; raises `nothing` where none does."""
    empty = True
    async with aclosing(sound):
        async for part in sound:
            if len(part.samples):
                empty = False
                yield part
    if empty:
        raise nothing


async def begun(items: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """The same stream, once its first item is there: what fails at the start fails here."""
    stream = _after_a_sign(items)
    await anext(stream)
    return stream  # type: ignore[return-value]


async def _after_a_sign(items: AsyncGenerator[Item, None]) -> AsyncGenerator[Item | None, None]:
    """None once the first item is there, then all items.

    A generator that has started closes its source when it is closed, even if nobody read from it.
    """
    async with aclosing(items):
        first = [item async for item in _one(items)]
        yield None
        for item in first:
            yield item
        async for item in items:
            yield item


async def _one(items: AsyncIterator[Item]) -> AsyncGenerator[Item, None]:
    async for item in items:
        yield item
        return
