"""Segments of the real restorer and vocoder, on small networks: seams that nobody hears, bounded memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest

from audio import Audio
from catalog import model_class
from errors import SpeechError
from pipelines.restoration import CONTEXT, FADE, SEGMENT, Rebuilding, restore, segments
from settings import RunnerSettings
from tasks import Analyse, Call, Card, Features, Speech, Vocode
from tests import voicefixer
from weights import Store

RATE = 44100
SECONDS = 2 * SEGMENT + 7
STEP = 64 * 441  # that segments are multiples of
SEAMS = [number * -(-round(SEGMENT * RATE) // STEP) * STEP for number in (1, 2)]


@attrs.frozen(eq=False)
class Near:
    """A runner without a process of its own."""

    model: Any

    async def card(self) -> Card:
        card: Card = self.model.card
        return card

    async def analyse(self, job: Analyse, call: Call) -> Features:
        return self._done(self.model.analyse([job]), Features)  # type: ignore[no-any-return]

    async def vocode(self, job: Vocode, call: Call) -> Speech:
        return self._done(self.model.vocode([job]), Speech)  # type: ignore[no-any-return]

    def _done(self, answers: list[Any], kind: type) -> Any:
        (answer,) = answers
        if isinstance(answer, SpeechError):
            raise answer
        assert isinstance(answer, kind)
        return answer


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Rebuilding:
    folder = voicefixer.lay_out(tmp_path_factory.mktemp("hub"))
    settings = map(RunnerSettings.model_validate, voicefixer.entries(folder))
    analyser, vocoder = (
        model_class(entry)(entry, Store(folder, offline=True)) for entry in settings
    )
    return Rebuilding(Near(analyser), Near(vocoder))


def sine() -> Audio:
    times = np.arange(round(SECONDS * RATE)) / RATE
    return Audio((0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32), RATE)


def noise() -> Audio:
    drawn = np.random.default_rng(0).standard_normal(round(SECONDS * RATE), dtype=np.float32)
    return Audio(drawn * np.float32(0.1), RATE)


def raw(sound: Audio, by: Rebuilding, mode: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    async def scene() -> np.ndarray[Any, np.dtype[np.float32]]:
        parts = [part async for part in segments(sound, by, Call(), mode=mode, seed=1)]
        return np.concatenate([part.audio.samples for part in parts])

    return asyncio.run(scene())


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("sound", [sine(), noise()], ids=["sine", "noise"])
def test_no_step_at_a_seam_is_bigger_than_inside(by: Rebuilding, sound: Audio, mode: int) -> None:
    made = raw(sound, by, mode)
    assert len(made) == len(sound.samples)
    steps, fade = np.abs(np.diff(made)), round(FADE * RATE)
    inside = np.ones(len(steps), dtype=bool)
    for seam in SEAMS:
        inside[seam - fade : seam + 2 * fade] = False
    assert steps[~inside].max() <= steps[inside].max()
    # Nor is there a hole: two waves that do not fit would cancel each other out.
    for seam in SEAMS:
        there, before = made[seam : seam + fade], made[seam - 20 * fade : seam - 10 * fade]
        assert np.square(there).mean() > 0.5 * np.square(before).mean() > 0


def test_both_sides_of_a_seam_are_the_same_sound(by: Rebuilding) -> None:
    """A seam in another place changes next to nothing: what is heard there does not depend on it."""
    sound, later = noise(), 8 * STEP
    here = raw(sound, by)[later:]
    there = raw(Audio(sound.samples[later:], RATE), by)
    inner = slice(round(CONTEXT * RATE), -round(CONTEXT * RATE))
    differs = np.square(here[inner] - there[inner]).mean() / np.square(here[inner]).mean()
    assert differs < 1e-4


def test_the_whole_is_as_loud_as_it_was(by: Rebuilding) -> None:
    async def scene(sound: Audio) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.concatenate([part.samples async for part in restore(sound, by, Call())])

    for sound in (sine(), noise()):
        made = asyncio.run(scene(sound))
        assert np.square(made).mean() == pytest.approx(np.square(sound.samples).mean(), rel=0.15)


def test_long_sounds_take_no_more_memory_than_shorter_ones() -> None:
    """Of numpy's, which sounds are in; torch's is the runner's, whose jobs have one length."""

    @attrs.frozen
    class Hours:
        seconds: float

        def digest(self) -> str:
            raise AssertionError("nobody asked")

        def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
            for _ in range(round(self.seconds / seconds)):
                yield Audio(np.full(round(seconds * rate), 0.1, dtype=np.float32), rate)

    class Copies:
        async def card(self) -> Card:
            return Card(rate=RATE)

        async def restore(self, job: Any, call: Call) -> Speech:
            return Speech(Audio(job.sound.samples.copy(), RATE))

    async def peak(seconds: float) -> int:
        gc.collect()
        tracemalloc.start()
        async for _ in restore(Hours(seconds), Copies(), Call()):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    short, long = asyncio.run(peak(60)), asyncio.run(peak(600))
    assert long < 1.2 * short < 100e6
