"""A reel gives back what was recorded, from memory and from disk, to several readers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from audio import Audio, Reel, join, resample
from audio.reel import IN_MEMORY

RATE = 16000


def noise(seconds: float, seed: int = 0) -> Audio:
    drawn = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
    return Audio(drawn.astype(np.float32), RATE)


def recorded(sound: Audio, piece: int = 7001) -> Reel:
    reel = Reel(sound.rate)
    for start in range(0, len(sound.samples), piece):
        reel.record(Audio(sound.samples[start : start + piece], sound.rate))
    return reel


@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.3, IN_MEMORY / RATE / 4 + 5])
def test_what_was_recorded_comes_back(seconds: float) -> None:
    sound = noise(seconds)
    with recorded(sound) as reel:
        assert reel.duration == sound.duration
        for _ in range(2):
            back = join(list(reel.parts()), RATE)
            np.testing.assert_array_equal(back.samples, sound.samples)


def test_a_part_of_it_comes_back() -> None:
    sound = noise(3.0)
    with recorded(sound) as reel:
        back = join(list(reel.parts(100, 40_000)), RATE)
        np.testing.assert_array_equal(back.samples, sound.samples[100:40_000])


def test_blocks_are_those_of_the_sound_itself() -> None:
    sound = noise(3.3)
    with recorded(sound) as reel:
        blocks = list(reel.blocks(24000, 0.7))
        assert [block.duration for block in blocks[:-1]] == [0.7] * (len(blocks) - 1)
        whole = resample(sound, 24000).samples
        np.testing.assert_allclose(join(blocks, 24000).samples, whole, atol=1e-6)


def test_readers_do_not_disturb_each_other() -> None:
    sound = noise(60.0)
    with recorded(sound) as reel, ThreadPoolExecutor(4) as threads:
        readings = [threads.submit(lambda: join(list(reel.parts()), RATE)) for _ in range(8)]
        for reading in readings:
            np.testing.assert_array_equal(reading.result().samples, sound.samples)


def test_a_digest_tells_sounds_apart_however_they_came() -> None:
    with (
        recorded(noise(1.0)) as one,
        recorded(noise(1.0), 99) as same,
        recorded(noise(1, 1)) as other,
    ):
        assert one.digest() == same.digest() != other.digest()


def test_pieces_have_the_reel_s_rate() -> None:
    with Reel(RATE) as reel, pytest.raises(ValueError, match="8000 Hz"):
        reel.record(Audio(np.zeros(9, dtype=np.float32), 8000))
