"""Clusters of voices, the cast that they make, and the way through the words."""

from __future__ import annotations

import itertools
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from pipelines.speakers import (
    BLOCK,
    SWITCH,
    SWITCH_AT_PAUSE,
    Cast,
    Vectors,
    cast_of,
    clustered,
    labels,
    path,
    unit,
)

SAME = 0.7
NOBODY = np.zeros((0, 8), dtype=np.float32)


def voices(*counts: int, noise: float = 0.15, size: int = 8, seed: int = 0) -> Vectors:
    """As many points around each axis as asked for, in order."""
    chance = np.random.default_rng(seed)
    axes = np.repeat(np.eye(len(counts), size), counts, axis=0)
    return unit((axes + chance.normal(0, noise, axes.shape)).astype(np.float32))


def by_hand(points: Vectors, same: float) -> set[frozenset[int]]:
    """Average linkage as it is defined: over all pairs, at every step."""
    groups = [frozenset([i]) for i in range(len(points))]
    while len(groups) > 1:
        pairs = list(itertools.combinations(groups, 2))
        means = [np.mean([points[i] @ points[j] for i in a for j in b]) for a, b in pairs]
        best = int(np.argmax(means))
        if means[best] < same:
            break
        one, other = pairs[best]
        groups = [g for g in groups if g not in (one, other)] + [one | other]
    return set(groups)


@profile(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 12), same=st.floats(-0.5, 0.95))
def test_clusters_are_those_of_average_linkage(seed: int, number: int, same: float) -> None:
    chance = np.random.default_rng(seed)
    points = unit(chance.normal(size=(number, 3)).astype(np.float32))
    expected = by_hand(points, same)
    found = clustered(points, same, most=number)
    assert sorted(map(int, found.sizes)) == sorted(map(len, expected))
    sums = {tuple(np.round(points[sorted(group)].sum(axis=0), 3)) for group in expected}
    assert {tuple(np.round(row, 3)) for row in found.sums} == sums


def test_more_points_than_are_compared_at_once_are_clustered_the_same() -> None:
    points = voices(BLOCK, 3 * BLOCK, BLOCK // 2, noise=0.05)
    np.random.default_rng(1).shuffle(points)
    found = clustered(points, SAME)
    assert sorted(map(int, found.sizes)) == [BLOCK // 2, BLOCK, 3 * BLOCK]


def test_there_are_never_more_speakers_than_the_most() -> None:
    assert len(clustered(voices(*[2] * 8), SAME, most=5).sums) == 5
    strangers = np.eye(3 * BLOCK, dtype=np.float32)
    assert len(clustered(strangers, SAME, most=5).sums) == 5


def test_a_speaker_that_is_like_a_reference_bears_its_number() -> None:
    references = voices(1, 1, 1)[[2, 0]]
    cast = cast_of(voices(5, 5), references, SAME)
    # Whoever is like none of the two is the next number; the third was never heard.
    assert set(cast.speakers) == {1, 2}


def test_without_references_numbers_begin_at_nothing() -> None:
    assert cast_of(voices(5, 5, 5), NOBODY, SAME).speakers == (0, 1, 2)


def test_a_passing_noise_is_no_speaker_unless_it_is_all_there_is() -> None:
    assert len(cast_of(voices(6, 1), NOBODY, SAME).speakers) == 1
    assert len(cast_of(voices(1, 1), NOBODY, SAME).speakers) == 2


def test_a_known_speaker_is_heard_in_a_single_word() -> None:
    points = voices(6, 1)
    assert 0 in cast_of(points, voices(0, 1, seed=1), SAME).speakers


AXES = np.eye(2, dtype=np.float32)


def way(heard: Vectors, *pauses: int) -> list[int]:
    return path(heard, [index in pauses for index in range(len(heard))], Cast(AXES, (7, 9)))


def towards(*shares: float) -> Vectors:
    """Voices of which so much is the second speaker's."""
    return np.array([[1 - share, share] for share in shares], dtype=np.float32)


def test_each_word_is_said_by_who_sounds_like_it() -> None:
    assert way(towards(0, 0, 0, 1, 1, 1)) == [7, 7, 7, 9, 9, 9]
    assert way(towards(1)) == [9]
    assert path(AXES[:0], [], Cast(AXES, (7, 9))) == []


def test_a_word_in_doubt_goes_with_its_neighbours() -> None:
    assert way(towards(0, 0, 0.6, 0, 0)) == [7] * 5


def test_in_doubt_the_speaker_changes_at_a_pause() -> None:
    doubtful = towards(0, 0, 0.45, 0.5, 0.55, 1, 1)
    for pause in (2, 3, 4, 5):
        assert way(doubtful, pause) == [7] * pause + [9] * (7 - pause)


@profile(derandomize=True, deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 6))
def test_no_other_way_is_likelier(seed: int, number: int) -> None:
    chance = np.random.default_rng(seed)
    heard = chance.normal(0, 0.7, (number, 3)).astype(np.float32)
    pauses = list(map(bool, chance.integers(0, 2, number)))
    cast = Cast(np.eye(3, dtype=np.float32), (0, 1, 2))

    def worth(states: tuple[int, ...]) -> float:
        price = sum(
            (SWITCH_AT_PAUSE if pauses[i] else SWITCH) * (states[i] != states[i - 1])
            for i in range(1, number)
        )
        return float(sum(heard[i, state] for i, state in enumerate(states)) - price)

    best = max(map(worth, itertools.product(range(3), repeat=number)))
    assert worth(tuple(path(heard, pauses, cast))) == pytest.approx(best, abs=1e-5)


def test_letters_go_on_after_z_and_leave_out_those_that_somebody_bears() -> None:
    assert list(islice(labels(()), 3)) == ["A", "B", "C"]
    assert list(islice(labels(()), 25, 29)) == ["Z", "AA", "AB", "AC"]
    assert list(islice(labels(("B", "Ann")), 3)) == ["A", "C", "D"]
    assert next(islice(labels(()), 701, None)) == "ZZ"
    assert next(islice(labels(()), 702, None)) == "AAA"
