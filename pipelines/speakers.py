"""Points in a space of voices → whose they are: clusters, names, and a path through the words.

Average linkage: two groups are as alike as their members are on average. For unit vectors that is the
scalar product of the groups' sums over both their sizes, so a group of any size is its sum and its
size, and groups are clustered as single points are. So hours of sound are clustered in blocks and the
blocks' groups once more, in memory that is bounded by a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from string import ascii_uppercase

import attrs
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MOST = 16  # speakers in one recording
BLOCK, MOST_IN_BLOCK = 512, 64  # points that are compared at once, and groups that they become
LEAST = 2  # windows: a single one may be a laugh, a cough, or two who speak at once
# What it takes to hear another speaker from one word to the next, in similarity: less after a pause,
# where speakers do change.
SWITCH, SWITCH_AT_PAUSE = 0.5, 0.15


@attrs.frozen(eq=False)
class Groups:
    """Points [N, D] or groups of them: the sum and the number of each group's members."""

    sums: Vectors
    sizes: NDArray[np.float32]

    @classmethod
    def of(cls, points: Vectors) -> Groups:
        return cls(points, np.ones(len(points), dtype=np.float32))

    @property
    def centres(self) -> Vectors:
        return unit(self.sums)

    def part(self, start: int, end: int) -> Groups:
        return Groups(self.sums[start:end], self.sizes[start:end])


def unit(vectors: Vectors) -> Vectors:
    """Vectors [N, D] of length 1; what has no direction stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def clustered(points: Vectors, same_speaker: float, most: int = MOST) -> Groups:
    """The speakers among unit vectors [N, D]."""
    groups = Groups.of(points)
    while len(groups.sums) > BLOCK:
        blocks = [
            _merged(groups.part(start, start + BLOCK), same_speaker, MOST_IN_BLOCK)
            for start in range(0, len(groups.sums), BLOCK)
        ]
        groups = Groups(
            np.concatenate([block.sums for block in blocks]),
            np.concatenate([block.sizes for block in blocks]),
        )
    return _merged(groups, same_speaker, most)


def _merged(groups: Groups, same_speaker: float, most: int) -> Groups:
    """Unite the two groups that are most alike, while they are alike enough or there are too many."""
    sums, sizes = groups.sums.copy(), groups.sizes.copy()
    alike = sums @ sums.T / np.outer(sizes, sizes)
    np.fill_diagonal(alike, -np.inf)
    alive = np.ones(len(sums), dtype=bool)
    while alive.sum() > 1:
        kept, gone = (int(i) for i in np.unravel_index(int(alike.argmax()), alike.shape))
        if alike[kept, gone] < same_speaker and alive.sum() <= most:
            break
        sums[kept] += sums[gone]
        sizes[kept] += sizes[gone]
        alive[gone] = False
        alike[gone] = alike[:, gone] = -np.inf
        fresh = np.where(alive, sums @ sums[kept] / (sizes * sizes[kept]), -np.inf)
        fresh[kept] = -np.inf
        alike[kept] = alike[:, kept] = fresh
    return Groups(sums[alive], sizes[alive])


@attrs.frozen(eq=False)
class Cast:
    """Who may be speaking: centres [S, D] and whose each is; the references' numbers come first."""

    centres: Vectors
    speakers: tuple[int, ...]


def cast_of(points: Vectors, references: Vectors, same_speaker: float) -> Cast:
    """The speakers of a recording; those that a reference [K, D] is like bear its number."""
    groups = clustered(points, same_speaker)
    if (groups.sizes >= LEAST).any():
        large = groups.sizes >= LEAST
        groups = Groups(groups.sums[large], groups.sizes[large])
    centres, fresh = list(groups.centres), count(len(references))
    speakers = [
        int(row.argmax()) if len(row) and row.max() >= same_speaker else next(fresh)
        for row in groups.centres @ references.T
    ]
    # Who says a word or two is in no group of their own, and still known.
    for number, nearest in enumerate((points @ references.T).max(axis=0)):
        if nearest >= same_speaker:
            centres.append(references[number])
            speakers.append(number)
    return Cast(np.stack(centres), tuple(speakers))


def path(voices: Vectors, pauses: Sequence[bool], cast: Cast) -> list[int]:
    """Who says each word: the most likely way through the voices [W, D] heard at each of them.

    `pauses` tells of each word whether one comes before it.
    """
    alike = voices @ cast.centres.T
    best = alike[0] if len(alike) else np.zeros(0, dtype=np.float32)
    came_from: list[NDArray[np.intp]] = []
    for row, pause in zip(alike[1:], pauses[1:], strict=True):
        switched = best.max() - (SWITCH_AT_PAUSE if pause else SWITCH)
        came_from.append(np.where(best >= switched, np.arange(len(best)), best.argmax()))
        best = np.maximum(best, switched) + row
    way = [int(best.argmax())] if len(best) else []
    for sources in reversed(came_from):
        way.append(int(sources[way[-1]]))
    return [cast.speakers[state] for state in reversed(way)]


def labels(taken: Sequence[str]) -> Iterator[str]:
    """A, B, … Z, AA, AB, … without the names that somebody bears."""
    for number in count():
        label, rest = "", number + 1
        while rest:
            rest, letter = divmod(rest - 1, len(ascii_uppercase))
            label = ascii_uppercase[letter] + label
        if label not in taken:
            yield label
