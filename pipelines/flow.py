"""Asynchronous streams: work ahead without losing the order, wait for the first item."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


async def in_order(
    items: AsyncGenerator[Item, None], work: Callable[[Item], Awaitable[Done]], ahead: int
) -> AsyncGenerator[Done, None]:
    """The results of `work` on each item, in order, with at most `ahead` of them under way.

    Whoever stops reading must close the generator; what is under way is cancelled then, and `items`
    are closed.
    """
    under_way: deque[asyncio.Task[Done]] = deque()
    try:
        async with aclosing(items):
            async for item in items:
                under_way.append(asyncio.ensure_future(work(item)))
                while len(under_way) >= ahead:
                    yield await under_way[0]
                    under_way.popleft()
        while under_way:
            yield await under_way[0]
            under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def from_thread(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    """A blocking iterator, read in a thread so that others are served meanwhile."""
    end = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item  # type: ignore[misc]


async def of(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    for item in items:
        yield item


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
