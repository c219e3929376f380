"""What a request's steps cost, as its Server-Timing tells it."""

from __future__ import annotations

import asyncio

from runners import steps


def test_steps_are_told_in_order_with_their_jobs_and_batches() -> None:
    taken = steps.begin()
    steps.note("decode", 0.25)
    steps.note("ear.transcribe", 0.5, queued=0.1, batch_size=1)
    steps.note("ear.transcribe", 0.5, queued=0.2, batch_size=4)
    assert taken.server_timing() == (
        'queue;dur=300.0, decode;dur=250.0, ear.transcribe;dur=1000.0;desc="jobs=2 batch=2.5"'
    )


def test_requests_side_by_side_keep_their_steps_apart() -> None:
    async def request(name: str) -> list[str]:
        taken = steps.begin()
        await asyncio.gather(*(asyncio.to_thread(steps.note, f"{name}{n}", 0.0) for n in range(3)))
        return sorted(taken.taken)

    async def scene() -> None:
        first, second = await asyncio.gather(request("a"), request("b"))
        assert (first, second) == (["a0", "a1", "a2"], ["b0", "b1", "b2"])

    asyncio.run(scene())


def test_outside_of_a_request_nothing_is_kept() -> None:
    asyncio.run(asyncio.to_thread(steps.note, "decode", 1.0))
