"""Jobs that share a forward, and those that cannot."""

from __future__ import annotations

import pytest

from errors import InvalidInput
from runners.together import packed, seed_of, together


def half(number: int) -> int:
    if number % 2:
        raise InvalidInput(f"{number} is odd")
    return number // 2


def test_each_gets_its_own_answer_and_the_good_ones_share_a_run() -> None:
    runs: list[list[int]] = []

    def run(ready: list[int]) -> list[str]:
        runs.append(ready)
        return [f"<{number}>" for number in ready]

    first, refused, last = together([4, 3, 8], half, run)
    assert (first, last) == ("<2>", "<4>")
    assert isinstance(refused, InvalidInput)
    assert runs == [[2, 4]]


def test_where_nobody_is_ready_nothing_runs() -> None:
    def run(ready: list[int]) -> list[str]:
        raise AssertionError

    assert together([], half, run) == []
    assert [type(found) for found in together([1, 3], half, run)] == [InvalidInput] * 2


@pytest.mark.parametrize(
    ("costs", "most", "batches"),
    [
        ([], 10, []),
        ([3, 3, 3], 10, [[0, 1, 2]]),
        ([3, 3, 3, 3], 10, [[0, 1, 2], [3]]),
        ([1, 9, 1, 8, 1], 20, [[1, 3], [0, 2, 4]]),
        ([50, 1], 20, [[0], [1]]),
        ([1, 5, 2], 10, [[1, 2], [0]]),
    ],
)
def test_like_goes_with_like(costs: list[float], most: float, batches: list[list[int]]) -> None:
    assert list(packed(costs, most)) == batches


def test_the_first_seed_that_is_named_counts() -> None:
    assert seed_of(0, 5) == 0
    assert seed_of(None, 5) == 5
    assert len({seed_of(None, None) for _ in range(10)}) == 10
