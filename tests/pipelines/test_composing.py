"""Speech that is composed and vocoded: parts end to end are the whole, and the original's sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

import attrs
import numpy as np
import pytest

import audio
from audio import Audio, join
from audio.level import PEAK
from errors import Failed, InvalidInput, Unavailable
from networks.harmony import vocoder
from networks.harmony.config import HOP, RATE, VocoderConfig
from pipelines.composing import PAUSE, Stages, speak, sung
from pipelines.embedding import Listeners
from tasks import Call, Card, Compose, Embedding, Features, Grid, Reference, Speak, Speech, Vocode
from tests import fakes, harmony
from tests.fakes import FakeComposer, FakeDetector, FakeEmbedder, FakeVocoder, Hold, tone
from tests.golden import golden, read_json, read_tensors
from tests.networks.cases import tensors
from tests.pipelines.conftest import play
from tests.pipelines.test_conversion import by_pitch_of, pitch
from tests.vits import checkpoint

TEXT = "The first one. The second one. The third one. The fourth one."
TARGET = by_pitch_of(tone(3.0, 24000, 1500.0))
CLOSE = 1e-5

Samples = np.ndarray[Any, np.dtype[np.float32]]


@attrs.define(eq=False)
class Studio:
    composer: FakeComposer = attrs.Factory(FakeComposer)
    vocoder: FakeVocoder = attrs.Factory(FakeVocoder)
    encoder: FakeEmbedder = attrs.Factory(FakeEmbedder)

    def speak(self, job: Speak, target: Embedding | Reference = TARGET) -> list[Audio]:
        async def scene() -> list[Audio]:
            return [part async for part in self.stream(job, target)]

        return play(scene())

    def stream(
        self, job: Speak, target: Embedding | Reference = TARGET, call: Call | None = None
    ) -> AsyncGenerator[Audio, None]:
        listeners = Listeners(FakeDetector())
        stages = Stages(self.composer, self.vocoder, self.encoder, listeners)
        return speak(job, target, stages, call or Call())


# What comes out


def test_every_sentence_is_heard_in_its_turn_and_a_pause_behind_it() -> None:
    sound = join(Studio().speak(Speak("The first one. No. Right now!")), fakes.RATE)
    said = [11 * 0.05, 2 * 0.05, 8 * 0.05]
    assert sound.duration == pytest.approx(sum(said) + 3 * PAUSE, abs=0.03)
    loud = np.abs(sound.samples) > 0.01
    for number in range(3):
        middle = sum(said[: number + 1]) + number * PAUSE + PAUSE / 2
        around = slice(round((middle - 0.06) * fakes.RATE), round((middle + 0.06) * fakes.RATE))
        assert not loud[around].any()
    assert pitch(sound) == pytest.approx(1500, rel=0.1)


def test_the_voice_may_be_a_recording() -> None:
    studio = Studio()
    reference = Reference(tone(3.0, 16000, 1500.0))
    one = join(studio.speak(Speak("Yes."), reference), fakes.RATE)
    assert pitch(one) == pytest.approx(1500, rel=0.1)
    assert len(studio.encoder.jobs) == 1


def test_what_is_asked_reaches_the_composer() -> None:
    studio = Studio()
    job = Speak(TEXT, language="en", speed=2.0, seed=7, options={"pitch": 1.5, "energy": 0.5})
    parts = studio.speak(job)
    jobs = studio.composer.jobs
    assert {(j.language, j.speed, j.pitch, j.energy) for j in jobs} == {("en", 2.0, 1.5, 0.5)}
    assert sorted(" ".join(j.text for j in jobs)) == sorted(TEXT)
    plain = Studio().speak(Speak(TEXT))
    assert sum(p.duration for p in plain) == pytest.approx(
        2 * sum(p.duration for p in parts), rel=0.02
    )


def test_the_first_parts_are_the_most_urgent() -> None:
    studio = Studio()

    async def scene() -> None:
        async with aclosing(studio.stream(Speak(TEXT), call=Call(priority=2))) as parts:
            async for _ in parts:
                pass

    play(scene())
    for fake in (studio.composer, studio.vocoder):
        assert sorted(call.priority for call in fake.calls)[:2] == [2, 3]


@pytest.mark.parametrize("text", ["?!", "...", "— –"])
def test_a_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="nothing in this text") as refused:
        Studio().speak(Speak(text))
    assert refused.value.param == "input"


def test_a_sentence_that_says_nothing_leaves_no_pause() -> None:
    one, other = (Studio().speak(Speak(text)) for text in ("Yes.\n?!\nNo.", "Yes.\nNo."))
    assert sum(p.duration for p in one) == sum(p.duration for p in other)


def test_a_voice_of_another_family_is_refused_by_name() -> None:
    other = attrs.evolve(TARGET, space="letters")
    with pytest.raises(InvalidInput, match="'letters', and 'pitch' is wanted") as refused:
        Studio().speak(Speak(TEXT), other)
    assert (refused.value.param, refused.value.code) == ("input_embedding", "wrong_embedding")


# How it comes


def test_all_but_the_last_frames_of_a_sentence_wait_for_no_other() -> None:
    hold = Hold()
    studio = Studio(FakeComposer(holds={1: hold}))
    heard: list[Audio] = []

    async def scene() -> None:
        async with aclosing(studio.stream(Speak(TEXT))) as parts:
            heard.append(await anext(parts))
            hold.opened.set()
            async for part in parts:
                heard.append(part)

    play(scene())
    context = 2 * fakes.HOP / fakes.RATE
    assert heard[0].duration == pytest.approx(11 * 0.05 - context, abs=0.011)


def test_a_listener_that_leaves_stops_the_work() -> None:
    for name, number in (("composer", 2), ("vocoder", 1)):
        hold = Hold()
        fake = {"composer": FakeComposer, "vocoder": FakeVocoder}[name](holds={number: hold})
        studio = Studio(**{name: fake})  # type: ignore[arg-type]

        async def scene(studio: Studio = studio, hold: Hold = hold) -> None:
            async with aclosing(studio.stream(Speak(TEXT * 4))) as parts:
                await anext(parts)
                following = asyncio.ensure_future(anext(parts))
                await hold.reached.wait()
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

        play(scene())
        assert hold.cancelled == 1, name
        assert len(studio.composer.jobs) < 8


def test_a_stage_that_fails_fails_the_speech_in_its_turn() -> None:
    async def scene(studio: Studio) -> None:
        async with aclosing(studio.stream(Speak(TEXT))) as parts:
            await anext(parts)
            with pytest.raises(Unavailable, match="gone"):
                async for _ in parts:
                    pass

    play(scene(Studio(FakeComposer(failures={3: Unavailable("gone")}))))
    play(scene(Studio(vocoder=FakeVocoder(failures={3: Unavailable("gone")}))))


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (attrs.evolve(fakes.SINGER, grid=None), "may be cut"),
        (attrs.evolve(fakes.SINGER, rate=None), "what rate"),
        (attrs.evolve(fakes.SINGER, rate=8000), "at 24000 Hz"),
        (attrs.evolve(fakes.SINGER, grid=Grid(100, 200)), "made"),
    ],
)
def test_a_vocoder_that_does_not_do_what_it_says_is_found_out(card: Card, says: str) -> None:
    with pytest.raises(Failed, match=says):
        Studio(vocoder=FakeVocoder(offers=card)).speak(Speak(TEXT))


# Beside the original


@attrs.frozen(eq=False)
class Network:
    """A vocoder's network where a pipeline wants a runner."""

    network: vocoder.Vocoder
    frames: list[int] = attrs.Factory(list)

    async def card(self) -> Card:
        return Card(rate=RATE, grid=Grid(HOP, self.network.context * HOP))

    async def vocode(self, job: Vocode, call: Call) -> Speech:
        import torch

        self.frames.append(job.features.mel.shape[1])
        (made,) = self.network.speak([torch.from_numpy(np.array(job.features.mel))])
        return Speech(Audio(made.numpy(), RATE))


def sung_by(network: vocoder.Vocoder, mel: Samples, cuts: Sequence[int]) -> tuple[Samples, Network]:
    """The sound of a mel that comes in pieces."""
    runner = Network(network)

    async def composed() -> AsyncGenerator[Features, None]:
        for piece in np.split(mel, cuts, axis=1):
            yield Features(piece, harmony.SPACE)

    async def scene() -> Samples:
        parts = sung(composed(), runner, Call(), PAUSE)
        return np.concatenate([part.samples async for part in parts])

    return play(scene()), runner


def paused(sound: Samples, cuts: Sequence[int], pause: int = round(PAUSE * RATE)) -> Samples:
    ends = [cut * HOP for cut in cuts]
    return np.concatenate([np.pad(piece, (0, pause)) for piece in np.split(sound, ends)])


@pytest.fixture(scope="module")
def small() -> vocoder.Vocoder:
    config = VocoderConfig.parsed({"model": harmony.CONFIGS["vocoder"]})
    return vocoder.load(config, checkpoint(partial(vocoder.Vocoder, config)))


@pytest.mark.parametrize(
    "lengths",
    [
        [90], [40, 50], [17, 16, 15], [1, 1, 1], [3, 60, 2, 1, 9], [0, 30, 0, 30, 0], [33, 1],
    ],
    ids=str,
)  # fmt: skip
def test_parts_end_to_end_are_the_whole(small: vocoder.Vocoder, lengths: list[int]) -> None:
    import torch

    drawn = np.random.default_rng(3).standard_normal((80, sum(lengths))).astype(np.float32)
    cuts = np.cumsum(lengths)[:-1].tolist()
    (whole,) = small.speak([torch.from_numpy(drawn)])
    sound, runner = sung_by(small, drawn, cuts)
    spoken = [end for end, length in zip(np.cumsum(lengths), lengths, strict=True) if length]
    np.testing.assert_allclose(sound, paused(whole.numpy(), spoken[:-1]), rtol=0, atol=CLOSE)
    assert sum(runner.frames) <= sum(lengths) + 3 * small.context * len(lengths)


@pytest.mark.parametrize(
    ("case", "more"),
    [("synth_text0", 0), ("two_segments", 0), ("random_clipped", 0), ("short_breaks", 6)],
)
def test_the_sound_is_the_original_s(case: str, more: int) -> None:
    """`more` frames are behind the last break of a case, and the original drops their sound."""
    folder = golden("harmonyspeech_vocoder")
    known = read_tensors(folder, "io.safetensors")
    config = VocoderConfig.parsed(read_json(folder, "config.json"))
    network = vocoder.load(config, tensors(folder, "weights.safetensors"))
    breaks = np.cumsum(known[f"{case}.breaks"]).tolist()
    sound, _ = sung_by(network, known[f"{case}.mel_synth"], breaks if more else breaks[:-1])
    final = known[f"{case}.wav_final"]
    sound = sound[: len(final)]
    sound = sound / np.abs(sound).max() * np.float32(PEAK)
    np.testing.assert_allclose(sound, final, rtol=0, atol=CLOSE)
    file = audio.decode(audio.encode(Audio(sound, RATE), "wav"))
    written = np.round(file.samples * 32768).astype(int)
    assert np.abs(written - known[f"{case}.pcm16"]).max() <= 1


def test_one_sentence_has_the_original_s_level() -> None:
    studio = Studio()
    whole = join(studio.speak(Speak("Hello there, all of you.")), fakes.RATE)
    assert np.abs(whole.samples).max() == pytest.approx(PEAK, abs=0.01)
    assert all(isinstance(job, Compose) for job in studio.composer.jobs)
