"""A tape holds the end of a sound, addressed by the time since its beginning."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Audio, Tape

RATE = 1000


def ramp(first: int, last: int) -> Audio:
    return Audio(np.arange(first, last, dtype=np.float32), RATE)


def recorded(*lengths: int) -> Tape:
    tape, first = Tape(RATE), 0
    for length in lengths:
        tape.record(ramp(first, first + length))
        first += length
    return tape


def test_what_was_recorded_in_pieces_is_one_sound() -> None:
    tape = recorded(10, 30_000, 1, 70_000)
    assert (tape.start, tape.end) == (0.0, 100.011)
    assert np.array_equal(tape.cut(0, 200).samples, ramp(0, 100_011).samples)


def test_a_cut_is_addressed_by_the_time_since_the_beginning() -> None:
    tape = recorded(50_000)
    tape.forget(40.0)
    tape.record(ramp(50_000, 60_000))
    assert np.array_equal(tape.cut(45.0, 55.0).samples, ramp(45_000, 55_000).samples)


def test_a_cut_ends_where_the_tape_does() -> None:
    tape = recorded(50_000)
    tape.forget(40.0)
    held = tape.cut(0.0, 99.0)
    assert held.samples[-1] == 49_999
    assert held.duration == tape.end - tape.start


def test_a_cut_does_not_change_when_the_tape_goes_on() -> None:
    tape = recorded(20_000)
    cut = tape.cut(19.0, 20.0)
    tape.forget(20.0)
    tape.record(ramp(20_000, 60_000))
    assert np.array_equal(cut.samples, ramp(19_000, 20_000).samples)


def test_forgetting_keeps_memory_bounded() -> None:
    tape, longest = Tape(RATE), 0.0
    for second in range(1000):
        tape.record(ramp(second * RATE, (second + 1) * RATE))
        tape.forget(tape.end - 2.0)
        longest = max(longest, tape.end - tape.start)
        assert tape.start <= tape.end - 2.0 or second < 2
    assert longest <= 5.0
    assert tape.end == 1000.0


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="8000 Hz"):
        Tape(RATE).record(Audio(np.zeros(1, dtype=np.float32), 8000))
