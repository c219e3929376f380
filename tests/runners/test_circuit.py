"""A circuit opens after failures in a row, lets one call try after a pause, and closes by itself."""

from __future__ import annotations

import pytest

from errors import Unavailable
from runners.circuit import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def call(circuit: Circuit, well: bool | None) -> None:
    circuit.enter()
    circuit.leave(well)


def opened() -> tuple[Circuit, Clock]:
    clock = Clock()
    circuit = Circuit("echo", clock)
    for _ in range(FAILURES):
        call(circuit, False)
    return circuit, clock


def test_it_opens_after_failures_in_a_row() -> None:
    circuit = Circuit("echo", Clock())
    for well in [False] * (FAILURES - 1) + [True] + [False] * (FAILURES - 1) + [None]:
        call(circuit, well)
    assert circuit.closed
    call(circuit, False)
    with pytest.raises(Unavailable, match="echo") as caught:
        circuit.enter()
    assert caught.value.retry_after == FIRST_PAUSE


def test_one_call_tries_after_the_pause_and_closes_it() -> None:
    circuit, clock = opened()
    clock.now = FIRST_PAUSE
    circuit.enter()
    with pytest.raises(Unavailable):
        circuit.enter()  # one at a time
    circuit.leave(True)
    assert circuit.closed
    call(circuit, True)


def test_a_trial_that_says_nothing_leaves_room_for_another() -> None:
    circuit, clock = opened()
    clock.now = FIRST_PAUSE
    call(circuit, None)
    call(circuit, True)
    assert circuit.closed


def test_the_pause_doubles_up_to_a_limit_and_is_short_again_afterwards() -> None:
    circuit, clock = opened()
    pause = FIRST_PAUSE
    for _ in range(10):
        clock.now += pause
        call(circuit, False)
        pause = min(2 * pause, LONGEST_PAUSE)
        with pytest.raises(Unavailable) as caught:
            circuit.enter()
        assert caught.value.retry_after == pytest.approx(pause)
    clock.now += pause
    call(circuit, True)
    for _ in range(FAILURES):
        call(circuit, False)
    with pytest.raises(Unavailable) as caught:
        circuit.enter()
    assert caught.value.retry_after == pytest.approx(FIRST_PAUSE)
