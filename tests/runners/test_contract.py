"""What every family promises, asked of every configured model: a new one is covered by being added."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from audio import Audio, EncodedSound, Samples, join, silence
from catalog import RUNNERS, model_class
from errors import InvalidInput, SettingsError, SpeechError
from runners.base import CAPABILITY_OF
from runners.resident import Runner
from tasks import (
    Activity,
    Analyse,
    Answer,
    Call,
    Capability,
    Compose,
    Convert,
    Detect,
    Embed,
    Embedding,
    Features,
    Job,
    Restore,
    Speak,
    Speech,
    Transcribe,
    Transcript,
    Vocode,
)
from tests import harmony, openvoice
from tests.runners.conftest import CONFIGURED, RATE, Load, Loaded, Say, load_changed

pytestmark = pytest.mark.weights

ONE, TWO = "The birds are singing.", "My little sister bought three red apples."
NOBODY = Embedding(np.zeros(1, dtype=np.float32), "nobody")
UNDECODED = EncodedSound(b"RIFF")
# A job for each capability that none of its models may accept.
BAD: Mapping[Capability, Job] = {
    Capability.SPEAK: Speak(ONE, voice="no such voice"),
    Capability.TRANSCRIBE: Transcribe(UNDECODED),
    Capability.DETECT: Detect(UNDECODED),
    Capability.EMBED: Embed(UNDECODED),
    Capability.CONVERT: Convert(UNDECODED, NOBODY, NOBODY),
    Capability.COMPOSE: Compose(ONE, NOBODY),
    Capability.VOCODE: Vocode(Features(np.zeros((80, 9), dtype=np.float32), "nobody's")),
    Capability.RESTORE: Restore(UNDECODED),
    Capability.ANALYSE: Analyse(UNDECODED),
}
RESULT_OF = {
    Capability.SPEAK: Speech,
    Capability.TRANSCRIBE: Transcript,
    Capability.DETECT: Activity,
    Capability.EMBED: Embedding,
    Capability.CONVERT: Speech,
    Capability.COMPOSE: Features,
    Capability.VOCODE: Speech,
    Capability.RESTORE: Speech,
    Capability.ANALYSE: Features,
}


@pytest.fixture(scope="module", params=list(CONFIGURED))
def entry(request: pytest.FixtureRequest, loaded: Load) -> Loaded:
    return loaded(request.param)


@pytest.fixture(scope="module")
def jobs(say: Say, entry: Loaded) -> Mapping[Capability, Sequence[Job]]:
    """Jobs for each capability that every model of it can do; they differ in length."""
    space = entry.model.card.space or ""
    one, other = (Embedding(openvoice.tone(number), space) for number in (0, 1))
    voice = Embedding(harmony.voice(0), space)
    bands = 128 if space == "voicefixer" else 80
    mels = [notes(bands, frames, space) for frames in (70, 30, 0)]
    short, long = say(ONE), join([say(ONE), silence(1, RATE), say(TWO)], RATE)
    return {
        Capability.SPEAK: [Speak(ONE), Speak(f"{ONE} {TWO}"), Speak("")],
        Capability.TRANSCRIBE: [Transcribe(short), Transcribe(long)],
        Capability.DETECT: [Detect(long), Detect(short), Detect(silence(1, RATE))],
        Capability.EMBED: [Embed(long), Embed(short)],
        Capability.CONVERT: [Convert(long, one, other, seed=1), Convert(short, one, other, seed=2)],
        Capability.COMPOSE: [
            Compose(f"{ONE} {TWO}", voice),
            Compose(ONE, voice, pitch=1.2),
            Compose("?!", voice),
        ],
        Capability.VOCODE: [Vocode(mel) for mel in mels],
        Capability.RESTORE: [Restore(long), Restore(short)],
        Capability.ANALYSE: [Analyse(long), Analyse(short)],
    }


def notes(bands: int, frames: int, space: str) -> Features:
    """Features that rise and fall."""
    drawn = np.random.default_rng(frames).standard_normal((bands, frames)).clip(-4, 4)
    return Features(drawn.astype(np.float32), space)


def answers(entry: Loaded, capability: Capability, jobs: Sequence[Job]) -> list[Any]:
    """What the model makes of a batch; a refusal that stands in a result's place is raised."""
    found = list(getattr(entry.model, capability.value)(jobs))
    for result in found:
        if isinstance(result, SpeechError):
            raise result
    return found


@pytest.fixture(scope="module")
def answered(
    entry: Loaded, jobs: Mapping[Capability, Sequence[Job]]
) -> Mapping[Capability, list[Any]]:
    """What the model makes of each capability's jobs as one batch."""
    return {c: answers(entry, c, jobs[c]) for c in entry.model.capabilities}


def alike(one: Any, other: Any) -> bool:
    """Whether two results say the same; sums that were added in another order differ by a trifle."""
    match one, other:
        case Embedding(), Embedding():
            return one.space == other.space and close(one.vector, other.vector)
        case Speech(), Speech():
            return one.audio.rate == other.audio.rate and close(
                one.audio.samples, other.audio.samples
            )
        case Features(), Features():
            return one.space == other.space and close(one.mel, other.mel)
        case _:
            return bool(one == other)


def close(one: Samples, other: Samples) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=1e-5)


def test_every_family_is_configured_and_so_tested() -> None:
    assert {model_class(settings) for settings in CONFIGURED.values()} == set(RUNNERS.values())


def test_every_capability_has_its_jobs_here(jobs: Mapping[Capability, Sequence[Job]]) -> None:
    assert set(jobs) == set(BAD) == set(RESULT_OF) == set(Capability) == set(CAPABILITY_OF.values())


def test_a_model_can_do_something_and_has_a_method_for_it(entry: Loaded) -> None:
    assert entry.model.capabilities
    for capability in entry.model.capabilities:
        assert callable(getattr(entry.model, capability.value))


def test_a_model_says_what_its_batches_are_measured_in(entry: Loaded) -> None:
    assert entry.model.unit
    assert entry.model.batch_budget > 0


def test_all_that_is_fetched_was_announced(entry: Loaded) -> None:
    """`scripts/models pull` fetches what is announced; nothing else may be missing at the start."""
    announced = type(entry.model).sources(entry.settings)
    assert entry.fetched == dict(announced)


def test_a_card_tells_the_rate(entry: Loaded) -> None:
    assert entry.model.card.rate is not None
    assert 8000 <= entry.model.card.rate <= 48000


def test_a_speaker_s_card_tells_its_voices_and_languages(entry: Loaded) -> None:
    card = entry.model.card
    if Capability.SPEAK not in entry.model.capabilities:
        assert (card.voices, card.default_voice) == ((), None)
        return
    names = [voice.name for voice in card.voices]
    assert card.default_voice in names
    assert len(set(names)) == len(names)
    assert {voice.language for voice in card.voices} == set(card.languages)


def test_jobs_can_be_grouped_and_measured(
    entry: Loaded, jobs: Mapping[Capability, Sequence[Job]]
) -> None:
    for capability in entry.model.capabilities:
        for job in jobs[capability]:
            assert isinstance(entry.model.group(job), Hashable)
            assert hash(entry.model.group(job)) == hash(entry.model.group(attrs.evolve(job)))
            assert 0 <= entry.model.cost(job) < float("inf")


def test_a_batch_is_answered_in_number_order_and_type(
    entry: Loaded,
    jobs: Mapping[Capability, Sequence[Job]],
    answered: Mapping[Capability, list[Any]],
) -> None:
    for capability, together in answered.items():
        batch = jobs[capability]
        alone = [answers(entry, capability, [job])[0] for job in batch]
        (again,) = answers(entry, capability, batch[:1])
        assert [type(result) for result in together] == [RESULT_OF[capability]] * len(batch)
        # A family that leaves something to chance is held to its numbers and its order only.
        if alike(again, alone[0]):
            assert all(map(alike, together, alone))
        if capability is Capability.SPEAK:
            lengths = [len(result.audio.samples) for result in together]
            assert lengths[1] > lengths[0] > lengths[2] == 0
        elif capability is Capability.EMBED:
            assert {(r.space, r.vector.shape) for r in together} == {
                (together[0].space, together[0].vector.shape)
            }
        elif capability in (Capability.CONVERT, Capability.RESTORE):
            assert len(together[0].audio.samples) > len(together[1].audio.samples) > 0
        elif capability is Capability.COMPOSE:
            frames = [result.mel.shape[1] for result in together]
            assert frames[0] > frames[1] > frames[2] == 0
        elif capability is Capability.ANALYSE:
            frames = [result.mel.shape[1] for result in together]
            assert frames[0] > frames[1] > 0
        elif capability is Capability.VOCODE:
            lengths = [len(result.audio.samples) for result in together]
            assert lengths[0] > lengths[1] > lengths[2] == 0
        else:
            assert [r.duration for r in together] == [r.duration for r in alone]


def test_results_are_sound_of_the_card_s_rate_or_lie_inside_the_sound(
    entry: Loaded,
    jobs: Mapping[Capability, Sequence[Job]],
    answered: Mapping[Capability, list[Any]],
) -> None:
    for capability, results in answered.items():
        for job, result in zip(jobs[capability], results, strict=True):
            match job, result:
                case Speak() | Convert(), Speech(audio):
                    assert audio.rate == entry.model.card.rate
                    assert audio.samples.dtype == np.dtype(np.float32)
                    assert audio.samples.ndim == 1
                    assert np.isfinite(audio.samples).all()
                    assert np.abs(audio.samples).max(initial=0) <= 1
                case Restore(Audio() as sound), Speech(audio):
                    assert audio.rate == entry.model.card.rate
                    assert audio.samples.dtype == np.dtype(np.float32)
                    assert len(audio.samples) == round(sound.duration * audio.rate)
                    assert np.isfinite(audio.samples).all()
                case Transcribe(Audio() as sound), Transcript(segments, _, duration):
                    assert duration == sound.duration
                    assert all(0 <= s.start <= s.end <= duration for s in segments)
                case Detect(Audio() as sound), Activity(spans, duration):
                    assert duration == sound.duration
                    assert all(0 <= s.start < s.end <= duration for s in spans)
                case Vocode(), Speech(audio):  # as loud as the features say
                    assert audio.rate == entry.model.card.rate
                    assert audio.samples.dtype == np.dtype(np.float32)
                    assert audio.samples.ndim == 1
                    assert np.isfinite(audio.samples).all()
                case Compose() | Analyse(), Features(mel, space):
                    assert mel.dtype == np.dtype(np.float32)
                    assert mel.ndim == 2
                    assert np.isfinite(mel).all()
                    assert space
                case Embed(), Embedding(vector, space):
                    assert vector.dtype == np.dtype(np.float32)
                    assert vector.ndim == 1
                    assert np.isfinite(vector).all()
                    assert space
                case _:
                    raise AssertionError(f"{type(job)} was answered with {type(result)}")


def test_what_cannot_be_done_is_the_caller_s_mistake(entry: Loaded) -> None:
    for capability in entry.model.capabilities:
        with pytest.raises(InvalidInput):
            answers(entry, capability, [BAD[capability]])


def test_one_bad_job_does_not_fail_its_neighbours(
    entry: Loaded, jobs: Mapping[Capability, Sequence[Job]]
) -> None:
    settings = entry.settings.model_copy(
        update={"max_batch_size": 8, "batch_budget": 1e9, "workers": 1}
    )

    async def scene(capability: Capability) -> list[Answer]:
        runner = Runner(settings, entry.model)
        good = jobs[capability]
        # The first has the lane to itself; what queues meanwhile shares the next forward.
        mixed = [good[0], good[1], BAD[capability], good[1]]
        found = await asyncio.gather(*(runner.run(job, Call()) for job in mixed))
        await runner.close()
        return list(found)

    for capability in entry.model.capabilities:
        first, second, bad, third = (a.outcome for a in asyncio.run(scene(capability)))
        for outcome in (first, second, third):
            assert isinstance(outcome, RESULT_OF[capability])
        assert isinstance(bad, InvalidInput)


def test_a_runner_tells_what_a_job_cost(
    entry: Loaded, jobs: Mapping[Capability, Sequence[Job]]
) -> None:
    async def scene(job: Job) -> Answer:
        runner = Runner(entry.settings, entry.model)
        answer = await runner.run(job, Call())
        await runner.close()
        return answer

    for capability in entry.model.capabilities:
        answer = asyncio.run(scene(jobs[capability][0]))
        assert not isinstance(answer.outcome, SpeechError)
        assert answer.batch_size == 1
        assert answer.ran > 0
        assert answer.queued >= 0


@pytest.mark.parametrize("name", list(CONFIGURED))
def test_an_unknown_option_refuses_to_start_and_names_the_right_ones(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_changed(name, options={"no_such_knob": 1})
    known = sorted(field.name for field in attrs.fields(model_class(CONFIGURED[name]).options))
    assert str(caught.value) == (
        f"{name}: options.no_such_knob: unknown key; known here: {', '.join(known) or 'none'}"
    )


@pytest.mark.parametrize("name", list(CONFIGURED))
def test_an_option_of_the_wrong_type_refuses_to_start(name: str) -> None:
    for field in attrs.fields(model_class(CONFIGURED[name]).options):
        with pytest.raises(SettingsError, match=rf"{name}: options\.{field.name}: Input should"):
            load_changed(name, options={field.name: {"a": "mapping"}})
