"""Sounds too short for what the speaker encoder looks at; longer ones stand beside the original's."""

from __future__ import annotations

import numpy as np
import pytest

from networks.harmony import hearing
from networks.harmony.hearing import HARMONY, RESEMBLYZER, Manner


@pytest.mark.parametrize("manner", [HARMONY, RESEMBLYZER])
@pytest.mark.parametrize("count", [1, 300, 479, 480, 481])
def test_a_sound_of_no_length_to_speak_of_is_heard_as_it_is(count: int, manner: Manner) -> None:
    samples = np.full(count, 0.1, dtype=np.float32)
    found = hearing.heard(samples, manner)
    assert found.shape == (1, 160, 40)
    assert found.isfinite().all() and found.any()


def test_no_flags_stay_none() -> None:
    assert not len(hearing.widened(np.zeros(0, dtype=bool)))
