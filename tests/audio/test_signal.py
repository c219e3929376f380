from __future__ import annotations

import numpy as np
import pytest

from audio import Audio, join, silence
from audio.signal import tame


def ramp(count: int, rate: int = 100) -> Audio:
    return Audio(np.arange(count, dtype=np.float32), rate)


def test_duration_is_in_seconds() -> None:
    assert ramp(250).duration == 2.5


def test_a_cut_is_a_view_of_the_part_asked_for() -> None:
    whole = ramp(100)
    part = whole.cut(0.2, 0.5)
    assert part.samples.tolist() == list(range(20, 50))
    assert np.shares_memory(part.samples, whole.samples)


@pytest.mark.parametrize(
    ("start", "end", "count"), [(-1, 0.1, 10), (0.9, 5, 10), (2, 3, 0), (0.5, 0.2, 0), (-3, -2, 0)]
)
def test_a_cut_is_clipped_to_what_there_is(start: float, end: float, count: int) -> None:
    assert len(ramp(100).cut(start, end).samples) == count


def test_blocks_joined_are_the_whole() -> None:
    blocks = list(ramp(250).blocks(100, 1.0))
    assert [len(block.samples) for block in blocks] == [100, 100, 50]
    assert np.array_equal(join(blocks, 100).samples, ramp(250).samples)


def test_blocks_come_at_the_rate_asked_for() -> None:
    blocks = list(silence(1, 8_000).blocks(16_000, 0.3))
    assert {block.rate for block in blocks} == {16_000}
    assert sum(block.duration for block in blocks) == pytest.approx(1)


def test_blocks_shorter_than_a_sample_hold_one_sample() -> None:
    assert [len(block.samples) for block in ramp(3).blocks(100, 0.001)] == [1, 1, 1]


def test_no_sound_has_no_blocks() -> None:
    assert list(silence(0, 100).blocks(100, 1)) == []


def test_nothing_joined_is_nothing() -> None:
    nothing = join([], 100)
    assert (len(nothing.samples), nothing.rate) == (0, 100)
    assert nothing.samples.dtype == np.float32


def test_tame_leaves_sound_as_it_is() -> None:
    samples = np.array([-1, 0.5, 1], np.float32)
    assert tame(samples, 1.0) is samples


def test_tame_silences_what_is_not_finite_and_clips_what_is_too_loud() -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 3, -3, 0.5], np.float32)
    tamed = tame(samples, 2.0)
    assert tamed.tolist() == [0, 0, 0, 2, -2, 0.5]
    assert tamed.dtype == np.float32
    assert np.isnan(samples[0])


def test_a_sound_is_known_by_its_samples_and_its_rate() -> None:
    sound = Audio(np.arange(8, dtype=np.float32), 8000)
    same = Audio(np.arange(16, dtype=np.float32)[:8], 8000)
    assert sound.digest() == same.digest()
    assert (
        Audio(np.arange(16, dtype=np.float32)[::2] / np.float32(2), 8000).digest() == sound.digest()
    )
    assert Audio(sound.samples, 16000).digest() != sound.digest()
    assert Audio(sound.samples[::-1], 8000).digest() != sound.digest()
