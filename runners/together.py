"""A batch of which some jobs cannot be done: the others run in one forward, each gets its own answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from errors import SpeechError

Job = TypeVar("Job")
Ready = TypeVar("Ready")
Result = TypeVar("Result")


def together(
    jobs: Sequence[Job],
    prepare: Callable[[Job], Ready],
    run: Callable[[list[Ready]], Sequence[Result | SpeechError]],
) -> list[Result | SpeechError]:
    """What `run` makes of the jobs that `prepare` takes, and the refusals of the others, in order."""
    ready: list[Ready] = []
    answers: list[Result | SpeechError | None] = []
    for job in jobs:
        try:
            ready.append(prepare(job))
            answers.append(None)
        except SpeechError as refusal:
            answers.append(refusal)
    made = iter(run(ready) if ready else ())
    return [next(made) if answer is None else answer for answer in answers]


def packed(costs: Sequence[float], most: float) -> Iterator[list[int]]:
    """The places of things that fit into one forward, like with like: none costs more than `most`, padded."""
    batch: list[int] = []
    for place in sorted(range(len(costs)), key=costs.__getitem__, reverse=True):
        if batch and costs[batch[0]] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def alike(kinds: Sequence[Hashable]) -> list[list[int]]:
    """The places of things that may share a forward because they are of one kind."""
    found: dict[Hashable, list[int]] = {}
    for place, kind in enumerate(kinds):
        found.setdefault(kind, []).append(place)
    return list(found.values())


def next_seed(seed: int, number: int) -> int:
    """The seed of a later part of what has this one: far from any that somebody would choose beside it."""
    return seed + number * 0x9E3779B97F4A7C15


def seed_of(*wanted: int | None) -> int:
    """The first seed that somebody named, else one that nobody had before."""
    named = [seed for seed in wanted if seed is not None]
    return named[0] if named else secrets.randbits(63)
