"""A recording → the voice in it: what is heard of it, how it is cut, when it is refused or remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest

from audio import Audio, Recording, join, silence
from errors import Failed, InvalidInput, TimedOut, Unavailable
from pipelines.cutting import BLOCK, cuts
from pipelines.embedding import Listeners, fits, hear, tone_of
from pipelines.reference_pieces import LEAST, MOST, PIECE
from pipelines.voice_memory import VoiceMemory
from runners import steps
from tasks import Call, Card, Embed, Embedding, Finding, Reference, Span
from tests.fakes import (
    NOSE,
    FakeDetector,
    FakeEmbedder,
    FakeTranscriber,
    Hold,
    by_pitch,
    conversation,
    spoken_sound,
    tone,
)
from tests.pipelines.conftest import play

RATE = 16000
LOW, HIGH = 150.0, 600.0  # Hz


def listeners(**others: Any) -> Listeners:
    return attrs.evolve(Listeners(FakeDetector(), FakeTranscriber()), **others)


def embedded(
    sound: Recording,
    encoder: FakeEmbedder | None = None,
    by: Listeners | None = None,
    finding: Finding = Finding.DETECTOR,
    spans: tuple[Span, ...] | None = None,
) -> tuple[Embedding, list[Audio]]:
    """The voice, and the pieces that it was made from."""
    encoder = encoder or FakeEmbedder()
    reference = Reference(sound, finding, spans)
    voice = play(tone_of(reference, encoder, by or listeners(), Call()))
    return voice, [job.sound for job in encoder.jobs]


# Pieces


@pytest.mark.parametrize(
    ("seconds", "count"),
    [(1.0, 1), (4.9, 1), (14.0, 1), (16.0, 2), (24.0, 2), (26.0, 3), (60.0, 6)],
)
def test_speech_is_cut_into_equal_pieces_of_about_ten_seconds(seconds: float, count: int) -> None:
    _, pieces = embedded(spoken_sound((0.5, seconds), rate=RATE))
    assert len(pieces) == count
    assert len({len(piece.samples) for piece in pieces}) == 1
    assert sum(piece.duration for piece in pieces) == pytest.approx(seconds, abs=0.05)


def test_the_pauses_are_left_out() -> None:
    _, (piece,) = embedded(spoken_sound((1.0, 2.0), (3.0, 1.5), (2.0, 4.0), rate=RATE))
    assert piece.duration == pytest.approx(7.5, abs=0.05)
    assert (
        np.abs(piece.samples[: len(piece.samples) // 100 * 100]).reshape(-1, 100).max(axis=1).min()
        > 0.1
    )


def test_all_pieces_are_under_way_at_once() -> None:
    encoder = FakeEmbedder()
    embedded(spoken_sound((0.0, 6 * PIECE), rate=RATE), encoder)
    assert encoder.most_at_work == 6


def test_the_voice_is_the_plain_mean_of_its_pieces() -> None:
    voice, pieces = embedded(conversation((0.2, 10.0, LOW), (0.5, 10.0, HIGH)))
    parts = [by_pitch(Embed(piece)).vector for piece in pieces]  # type: ignore[union-attr]
    assert len(parts) == 2
    assert voice.space == "pitch"
    np.testing.assert_allclose(voice.vector, np.mean(parts, axis=0), rtol=1e-6)
    assert not np.isclose(np.linalg.norm(voice.vector), 1.0)


def test_where_voices_have_the_length_one_their_mean_has_it_too() -> None:
    encoder = FakeEmbedder(offers=attrs.evolve(NOSE, unit_length=True))
    quiet_then_loud = join([tone(10.0, RATE, LOW), tone(10.0, RATE, HIGH)], RATE)
    quiet_then_loud.samples[: 10 * RATE] *= 0.2
    voice, pieces = embedded(quiet_then_loud, encoder)
    units = [v / np.linalg.norm(v) for v in (by_pitch(Embed(p)).vector for p in pieces)]  # type: ignore[union-attr]
    np.testing.assert_allclose(np.linalg.norm(voice.vector), 1.0, rtol=1e-6)
    mean = np.mean(units, axis=0)
    np.testing.assert_allclose(voice.vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_an_encoder_hears_at_its_own_rate() -> None:
    encoder = FakeEmbedder(offers=attrs.evolve(NOSE, rate=22050))
    _, (piece,) = embedded(spoken_sound((0.5, 3.0), rate=48000), encoder)
    assert piece.rate == 22050
    assert piece.duration == pytest.approx(3.0, abs=0.05)


@attrs.define(eq=False)
class Reel:
    """A recording that tells how far it was read."""

    audio: Audio
    furthest: float = 0.0

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        read = 0.0
        for block in self.audio.blocks(rate, seconds):
            read += block.duration
            self.furthest = max(self.furthest, read)
            yield block

    def digest(self) -> str:
        return "reel"


def test_of_a_long_recording_the_first_minute_of_speech_is_taken() -> None:
    long = spoken_sound(*[(5.0, 25.0)] * 40, rate=RATE)  # 20 minutes
    reel = Reel(long)
    _, pieces = embedded(reel)
    assert sum(piece.duration for piece in pieces) == pytest.approx(MOST, abs=0.05)
    assert reel.furthest <= long.duration / 2  # two of the blocks that a detector is given


def test_nothing_is_read_behind_the_last_cut() -> None:
    reel = Reel(tone(5 * BLOCK, RATE))

    async def scene() -> list[float]:
        spans = [Span(1.0, 2.0), Span(BLOCK - 1, BLOCK + 1)]
        return [audio.duration async for _, audio in cuts(reel, spans, RATE)]

    assert play(scene()) == [1.0, 2.0]
    assert reel.furthest == 2 * BLOCK


# What finds the speech


def test_a_recognisers_segments_are_pieces_unless_short_and_long_ones_are_parted() -> None:
    sound = spoken_sound((0.5, 3.0), (6.0, 1.0), (6.0, 25.0), (6.0, 1.5), rate=RATE)
    _, pieces = embedded(sound, finding=Finding.RECOGNISER)
    assert [round(piece.duration, 1) for piece in pieces] == [3.0, 12.5, 12.5, 1.5]


def test_no_more_is_recognised_than_has_the_first_minute_of_speech() -> None:
    scribe = FakeTranscriber()
    reel = Reel(spoken_sound(*[(10.0, 20.0)] * 40, rate=RATE))  # 20 minutes
    embedded(reel, by=listeners(transcriber=scribe), finding=Finding.RECOGNISER)
    assert len(scribe.jobs) == 3
    assert all(job.draft for job in scribe.jobs)


def test_segments_in_which_nothing_is_said_are_none() -> None:
    by = listeners(transcriber=FakeTranscriber(texts=["  ", " Hello."]))
    _, pieces = embedded(
        spoken_sound((0.5, 3.0), (6.0, 4.0), rate=RATE), by=by, finding=Finding.RECOGNISER
    )
    assert [round(piece.duration, 1) for piece in pieces] == [4.0]


def test_without_a_recogniser_none_can_be_asked() -> None:
    with pytest.raises(InvalidInput, match="transcribes") as caught:
        embedded(
            spoken_sound((0.0, 5.0)), by=listeners(transcriber=None), finding=Finding.RECOGNISER
        )
    assert caught.value.param == "input_vad_mode"


def test_without_a_detector_the_whole_sound_is_the_voice() -> None:
    _, (piece,) = embedded(
        spoken_sound((1.0, 2.0), (1.0, 2.0), rate=RATE), by=listeners(detector=None)
    )
    assert piece.duration == pytest.approx(6.0)


def test_what_the_caller_found_is_not_looked_for() -> None:
    by = listeners()
    spans = (Span(0.5, 1.0), Span(2.0, 3.5))
    _, (piece,) = embedded(tone(10.0, RATE), by=by, spans=spans)
    assert piece.duration == pytest.approx(2.0)
    assert isinstance(by.detector, FakeDetector) and not by.detector.jobs


def test_what_the_caller_found_may_be_cut_as_a_recogniser_does() -> None:
    spans = (Span(0.5, 1.0), Span(2.0, 4.0), Span(4.0, 6.0))
    _, pieces = embedded(tone(10.0, RATE), finding=Finding.RECOGNISER, spans=spans)
    assert [piece.duration for piece in pieces] == [2.0, 2.0]


@pytest.mark.parametrize("span", [Span(8.0, 12.0), Span(50.0, 60.0)])
def test_speech_behind_the_end_of_the_sound_is_refused(span: Span) -> None:
    with pytest.raises(InvalidInput, match="ends before that") as caught:
        embedded(tone(10.0, RATE), spans=(Span(0.0, 2.0), span))
    assert caught.value.param == "input_vad_data"


def test_speech_may_end_a_rounding_behind_the_sound() -> None:
    _, (piece,) = embedded(tone(10.0, RATE), spans=(Span(0.0, 10.2),))
    assert piece.duration == pytest.approx(10.0)


# Refusals

LITTLE = {
    "nothing": silence(0.0, RATE),
    "silence": silence(5.0, RATE),
    "a word": spoken_sound((1.0, 0.2), (1.0, 0.0)),
    "words": spoken_sound((1.0, 0.4), (6.0, 0.4)),
}


@pytest.mark.parametrize("sound", LITTLE.values(), ids=LITTLE)
@pytest.mark.parametrize("finding", Finding)
@pytest.mark.parametrize("detector", [FakeDetector(), None], ids=["detector", "none"])
def test_too_little_speech_is_refused_with_what_there_was_and_what_it_takes(
    sound: Audio, finding: Finding, detector: FakeDetector | None
) -> None:
    if detector is None and np.abs(sound.samples).max(initial=0) > 0:
        sound = sound.cut(0, 0.9)  # or it would be long enough to be taken for speech
    encoder = FakeEmbedder()
    with pytest.raises(InvalidInput, match=rf": 0\.\d s.* at least {LEAST:g} s") as caught:
        embedded(sound, encoder, listeners(detector=detector), finding)
    assert (caught.value.param, caught.value.code) == ("input_audio", "too_little_speech")
    assert not encoder.jobs


def test_silence_is_nobody_s_voice_whatever_the_caller_says() -> None:
    with pytest.raises(InvalidInput, match="Too little speech"):
        embedded(silence(20.0, RATE), spans=(Span(0.0, 15.0),))


def test_an_encoders_refusal_names_the_field() -> None:
    encoder = FakeEmbedder(failures={0: InvalidInput("there is no voice in this sound")})
    reference = Reference(tone(3.0, RATE), param="target_audio")
    with pytest.raises(
        InvalidInput, match="'target_audio' cannot be used: there is no v"
    ) as caught:
        play(tone_of(reference, encoder, listeners(), Call()))
    assert caught.value.param == "target_audio"


def test_numbers_that_are_none_are_the_encoders_failure() -> None:
    class Broken(FakeEmbedder):
        async def embed(self, job: Embed, call: Call) -> Embedding:
            return Embedding(np.array([np.nan, 1.0], dtype=np.float32), "pitch")

    with pytest.raises(Failed):
        embedded(tone(3.0, RATE), Broken())


@pytest.mark.parametrize(("seconds", "warned"), [(3.0, True), (5.5, False)])
def test_a_short_recording_is_taken_with_a_warning_also_when_it_is_remembered(
    seconds: float, warned: bool
) -> None:
    by, encoder, reference = listeners(), FakeEmbedder(), Reference(tone(seconds, RATE))

    async def scene() -> list[bool]:
        told = []
        for _ in range(2):
            noted = steps.begin()
            await tone_of(reference, encoder, by, Call())
            told.append(any("speech" in warning for warning in noted.warnings))
        return told

    assert play(scene()) == [warned, warned]


# Memory


def test_the_same_recording_is_heard_once_and_the_answer_says_so() -> None:
    by, encoder = listeners(), FakeEmbedder()

    async def scene() -> tuple[str, str]:
        timings = []
        for field in ("input_audio", "target_audio"):
            noted = steps.begin()
            clip = Reference(tone(6.0, RATE), param=field)  # equal, not the same object
            await tone_of(clip, encoder, by, Call())
            timings.append(noted.server_timing())
        return timings[0], timings[1]

    first, second = play(scene())
    assert len(encoder.jobs) == 1
    assert "remembered" not in first and "remembered" in second


def test_what_changes_the_voice_is_another_memory() -> None:
    by, encoder, clip = listeners(), FakeEmbedder(), tone(6.0, RATE)
    asked = [
        Reference(clip),
        Reference(clip, Finding.RECOGNISER),
        Reference(clip, spans=(Span(0.0, 2.0),)),
        Reference(clip, spans=(Span(0.0, 3.0),)),
        Reference(Audio(clip.samples, RATE // 2)),
        Reference(tone(6.0, RATE, HIGH)),
    ]
    for reference in asked:
        play(tone_of(reference, encoder, by, Call()))
    assert len(encoder.jobs) == len(asked) > 1
    other = FakeEmbedder()
    play(tone_of(asked[0], other, by, Call()))
    assert len(other.jobs) == 1


def test_the_least_recently_used_is_forgotten() -> None:
    by, encoder = listeners(memory=VoiceMemory(2)), FakeEmbedder()
    pitches = {"a": 100, "b": 200, "c": 400}
    clips = {name: Reference(tone(2.0, RATE, pitch)) for name, pitch in pitches.items()}
    for name in "abacbc":  # b goes when c comes, for a was asked for again
        play(tone_of(clips[name], encoder, by, Call()))
    heard = [int(by_pitch(job).vector.argmax()) for job in encoder.jobs]  # type: ignore[union-attr]
    a, b, c = heard[:2] + heard[2:3]
    assert heard == [a, b, c, b] and len({a, b, c}) == 3


@pytest.mark.parametrize("most", [0, 10])
def test_who_asks_at_the_same_time_shares_the_work(most: int) -> None:
    hold = Hold()
    encoder, by = FakeEmbedder(holds={0: hold}), listeners(memory=VoiceMemory(most))

    async def scene() -> list[Embedding]:
        asked = [
            asyncio.ensure_future(tone_of(Reference(tone(2.0, RATE)), encoder, by, Call()))
            for _ in range(5)
        ]
        await hold.reached.wait()
        await asyncio.sleep(0)
        hold.opened.set()
        return await asyncio.gather(*asked)

    voices = play(scene())
    assert len(encoder.jobs) == 1
    assert all(np.array_equal(voice.vector, voices[0].vector) for voice in voices)


def test_nothing_is_remembered_where_there_is_no_room() -> None:
    encoder, by = FakeEmbedder(), listeners(memory=VoiceMemory(0))
    for _ in range(2):
        play(tone_of(Reference(tone(2.0, RATE)), encoder, by, Call()))
    assert len(encoder.jobs) == 2


def test_who_waits_for_one_that_leaves_listens_instead() -> None:
    hold = Hold()
    encoder, by = FakeEmbedder(holds={0: hold}), listeners()

    async def scene() -> None:
        clip = Reference(tone(2.0, RATE))
        leaves = asyncio.ensure_future(tone_of(clip, encoder, by, Call()))
        await hold.reached.wait()
        stays = asyncio.ensure_future(hear(clip, encoder, by, Call()))
        await asyncio.sleep(0.05)  # it hashes in a thread, and then waits for the other
        leaves.cancel()
        assert (await stays).seconds == pytest.approx(2.0, abs=0.05)

    play(scene())
    assert len(encoder.jobs) == 2 and hold.cancelled == 1


def test_a_failure_is_not_remembered() -> None:
    encoder, by = FakeEmbedder(failures={0: Unavailable("the runner died")}), listeners()
    clip = Reference(tone(2.0, RATE))
    with pytest.raises(Unavailable):
        play(tone_of(clip, encoder, by, Call()))
    assert play(tone_of(clip, encoder, by, Call())).space == "pitch"


def test_nobody_waits_for_another_beyond_their_own_deadline() -> None:
    hold = Hold()
    encoder, by = FakeEmbedder(holds={0: hold}), listeners()

    async def scene() -> None:
        clip = Reference(tone(2.0, RATE))
        slow = asyncio.ensure_future(tone_of(clip, encoder, by, Call()))
        await hold.reached.wait()
        with pytest.raises(TimedOut):
            await tone_of(clip, encoder, by, Call(deadline=0.0))
        hold.opened.set()
        await slow

    play(scene())


# Families

PITCH = Embedding(np.ones(4, dtype=np.float32), "pitch")


def test_a_voice_fits_a_model_of_its_family() -> None:
    assert fits(PITCH, Card(space="pitch", dimensions=4), "input_embedding") is PITCH


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (Card(space="tone"), "family 'pitch', and 'tone' is wanted"),
        (Card(space="pitch", dimensions=256), "has 4 numbers"),
    ],
)
def test_a_voice_of_another_family_is_refused_by_name(card: Card, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        fits(PITCH, card, "target_embedding")
    assert (caught.value.param, caught.value.code) == ("target_embedding", "wrong_embedding")
