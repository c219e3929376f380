"""Windows of a sound, however small the parts are that it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from audio import Samples
from pipelines.windows import Cutter, Plan, Window

PLAN = Plan(step=10, context=40, first=100, longest=400)


def windows(sound: Samples, part: int, plan: Plan = PLAN) -> Iterator[Window]:
    cutter = Cutter(plan)
    for start in range(0, len(sound), part):
        yield from cutter.push(sound[start : start + part])
    yield from cutter.finish()


def sound_of(count: int) -> Samples:
    return np.random.default_rng(count).standard_normal(count).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 99, 139, 140, 141, 1000, 4321])
@pytest.mark.parametrize("part", [1, 7, 140, 333, 10_000])
def test_windows_are_the_sound_s_own_whatever_it_comes_in(count: int, part: int) -> None:
    sound = sound_of(count)
    found = list(windows(sound, part))
    whole = list(windows(sound, 10_000))
    assert [each.offset for each in found] == [each.offset for each in whole]
    for each, alike in zip(found, whole, strict=True):
        np.testing.assert_array_equal(each.samples, alike.samples)
        np.testing.assert_array_equal(each.samples, sound[each.offset :][: len(each.samples)])
        assert each.offset == max(each.offset + each.begin - PLAN.context, 0)
    kept = [each.kept for each in found]
    np.testing.assert_array_equal(np.concatenate([sound[:0], *kept]), sound)


def test_a_window_comes_as_soon_as_its_context_is_there() -> None:
    cutter, sound = Cutter(PLAN), sound_of(140)
    assert not list(cutter.push(sound[:139]))
    (window,) = cutter.push(sound[139:])
    assert (window.length, len(window.samples)) == (100, 140)


def test_a_window_is_not_the_array_that_came() -> None:
    """A reader may take its memory back; what it reads may not be written to, which networks want."""
    sound = sound_of(200)
    sound.flags.writeable = False
    for window in windows(sound, 10_000):
        assert window.samples.flags.writeable
        assert not np.shares_memory(window.samples, sound)


def test_parts_are_laid_end_to_end_once_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = 0
    concatenate = np.concatenate

    def counted(arrays: Any, *args: Any, **options: Any) -> Any:
        nonlocal copied
        made = concatenate(arrays, *args, **options)
        copied += made.size
        return made

    sound = sound_of(20_000)
    monkeypatch.setattr(np, "concatenate", counted)
    assert sum(each.length for each in windows(sound, 4)) == len(sound)
    assert copied < 2 * len(sound)
