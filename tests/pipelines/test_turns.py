"""When somebody begins and stops to speak, while the sound still goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from audio import Audio, Tape
from pipelines.turns import CONTEXT, QUIET_HOP, Began, Ended, Idled, Sign, TurnRule, Turns
from tasks import Call
from tests.fakes import FakeDetector, spoken_sound

RATE = 16000
RULE = TurnRule(prefix=0.3, silence=0.5)


def signs_of(
    sound: Audio, rule: TurnRule = RULE, piece: float = 0.1, detector: FakeDetector | None = None
) -> list[Sign]:
    """What is found in a sound that comes in pieces of so many seconds."""

    async def follow() -> list[Sign]:
        tape = Tape(RATE)
        turns = Turns(detector or FakeDetector(), rule, since=0.0)
        found = []
        for part in sound.blocks(RATE, piece):
            tape.record(part)
            found += [sign async for sign in turns.follow(tape, Call())]
        return found

    return asyncio.run(follow())


def near(expected: list[Sign]) -> Any:
    """The same signs, at times that may differ by a pause that no detector would find."""
    return [_near(sign) for sign in expected]


def _near(sign: Sign) -> Sign:
    times = {name: pytest.approx(at, abs=0.11) for name, at in attrs.asdict(sign).items()}
    return attrs.evolve(sign, **times)  # type: ignore[arg-type]


@pytest.mark.parametrize("piece", [0.02, 0.1, 0.37, 5.0, 60.0])
def test_a_turn_has_its_prefix_and_its_silence_however_it_comes(piece: float) -> None:
    found = signs_of(spoken_sound((1.0, 2.0), (2.0, 1.0), (1.0, 0.0)), piece=piece)
    assert found == near([Began(0.7), Ended(3.5), Began(4.7), Ended(6.5)])


def test_silence_is_no_turn() -> None:
    assert signs_of(spoken_sound((20.0, 0.0))) == []


def test_a_pause_shorter_than_the_silence_does_not_end_a_turn() -> None:
    found = signs_of(spoken_sound((1.0, 1.0), (0.4, 1.0), (2.0, 0.0)))
    assert found == near([Began(0.7), Ended(3.9)])


def test_a_longer_silence_joins_what_a_shorter_one_parts() -> None:
    sound = spoken_sound((1.0, 1.0), (0.8, 1.0), (3.0, 0.0))
    assert signs_of(sound) == near([Began(0.7), Ended(2.5), Began(2.5), Ended(4.3)])
    patient = TurnRule(prefix=0.3, silence=1.0)
    assert signs_of(sound, patient) == near([Began(0.7), Ended(4.8)])


def test_a_silence_longer_than_what_is_looked_at_again_still_counts() -> None:
    rule = TurnRule(silence=4 * CONTEXT)
    found = signs_of(spoken_sound((1.0, 1.0), (3 * CONTEXT, 1.0), (8.0, 0.0)), rule)
    assert found == near([Began(0.7), Ended(3.0 + 3 * CONTEXT + 4 * CONTEXT)])


def test_a_turn_begins_no_earlier_than_the_sound_and_the_turn_before() -> None:
    found = signs_of(spoken_sound((0.1, 1.0), (0.6, 1.0), (1.0, 0.0)))
    assert found == near([Began(0.0), Ended(1.6), Began(1.6), Ended(3.2)])
    assert isinstance(found[2], Began) and isinstance(found[1], Ended)
    assert found[2].at == found[1].at


def test_the_detector_gets_the_threshold() -> None:
    detector = FakeDetector()
    signs_of(spoken_sound((1.0, 0.0)), TurnRule(threshold=0.8), detector=detector)
    assert {job.threshold for job in detector.jobs} == {0.8}


def test_each_look_is_short_and_there_are_few() -> None:
    detector = FakeDetector()
    signs_of(spoken_sound((30.0, 0.0)), piece=0.02, detector=detector)
    assert len(detector.jobs) <= 30.0 / QUIET_HOP
    assert max(job.sound.duration for job in detector.jobs) <= CONTEXT + QUIET_HOP + 0.02


def test_speech_that_goes_on_through_a_restart_is_another_turn() -> None:
    async def follow() -> list[Sign]:
        tape, found = Tape(RATE), []
        turns = Turns(FakeDetector(), RULE, since=0.0)
        for part in spoken_sound((1.0, 3.0), (1.0, 0.0)).blocks(RATE, 0.1):
            tape.record(part)
            found += [sign async for sign in turns.follow(tape, Call())]
            if tape.end == 2.0:
                turns.restart(2.0)
        return found

    assert asyncio.run(follow()) == near([Began(0.7), Began(2.0), Ended(4.5)])


def test_without_a_turn_for_long_enough_it_says_so_again_and_again() -> None:
    rule = TurnRule(silence=0.5, idle=5.0)
    found = signs_of(spoken_sound((11.0, 1.0), (6.0, 0.0)), rule)
    assert found == near([Idled(0, 5), Idled(5, 10), Began(10.7), Ended(12.5), Idled(12.5, 17.5)])


def test_what_was_clear_before_a_failure_is_not_lost() -> None:
    async def follow() -> list[Sign]:
        tape, found = Tape(RATE), []
        detector = FakeDetector(failures={1: RuntimeError("once")})
        turns = Turns(detector, RULE, since=0.0)
        tape.record(spoken_sound((1.0, 35.0), (1.0, 0.0)))  # two looks
        with pytest.raises(RuntimeError, match="once"):
            async for sign in turns.follow(tape, Call()):
                found.append(sign)
        return found + [sign async for sign in turns.follow(tape, Call())]

    assert asyncio.run(follow()) == near([Began(0.7), Ended(36.5)])
