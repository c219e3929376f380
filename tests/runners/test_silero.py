"""Silero VAD against its own package: the same probabilities, and from them the same spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio import Audio, EncodedSound, join, resample, silence
from errors import InvalidInput, SettingsError
from runners.silero import FRAME, FRAMES_PER_RUN, RATE, SileroVAD, Thresholds, find_spans
from tasks import Detect
from tests.runners.conftest import Load, Say, load_changed

pytestmark = pytest.mark.weights

NAME = "silero-vad"


@pytest.fixture(scope="module")
def original() -> Any:
    return pytest.importorskip(
        "silero_vad", reason="the original needs torch, which is not here", exc_type=ImportError
    )


@pytest.fixture(scope="module")
def silero(loaded: Load) -> SileroVAD:
    model = loaded(NAME).model
    assert isinstance(model, SileroVAD)
    return model


@pytest.fixture(scope="module")
def talk(say: Say) -> Audio:
    """20 s with four pieces of speech in it, the last up to the end; not a whole number of frames."""
    noise = np.random.default_rng(7).normal(size=3 * RATE).astype(np.float32)
    parts = [
        silence(1.2, RATE),
        say("The weather is fine today, and the birds are singing."),
        silence(0.7, RATE),
        say("My little sister bought three red apples."),
        Audio(0.003 * noise, RATE),
        say("He opened the door very slowly. Nobody was there."),
        silence(2.5, RATE),
        say("We will meet again at seven o'clock in the evening."),
    ]
    whole = join(parts, RATE)
    assert len(whole.samples) % FRAME
    assert len(whole.samples) > FRAME * FRAMES_PER_RUN
    return whole


def spans_of(silero: SileroVAD, sound: Audio, **asked: float) -> list[tuple[float, float]]:
    (activity,) = silero.detect([Detect(sound, **asked)])
    return [(span.start, span.end) for span in activity.spans]


def theirs(
    original: Any, probabilities: Sequence[float], length: int, **asked: Any
) -> list[tuple[int, int]]:
    from silero_vad.utils_vad import get_speech_timestamps_from_probs

    found = get_speech_timestamps_from_probs(
        probabilities, sampling_rate=RATE, audio_length_samples=length, **asked
    )
    return [(stretch["start"], stretch["end"]) for stretch in found]


def ms(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


# Runs of frames that are alike, as speech has them, with values that often meet the thresholds.
levels = st.sampled_from([0.0, 0.01, 0.2, 0.34, 0.35, 0.36, 0.49, 0.5, 0.51, 0.9, 1.0])
tracks = st.lists(st.tuples(levels, st.integers(1, 40)), max_size=25).map(
    lambda runs: np.repeat(
        np.array([level for level, _ in runs], dtype=np.float32), [count for _, count in runs]
    )
)
asked = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.2, 0.35, 0.5, 0.9]) | st.floats(0.02, 1),
        "neg_threshold": st.none() | st.sampled_from([0.2, 0.35]) | st.floats(0, 1),
        "min_speech_duration_ms": ms(0, 1500),
        "max_speech_duration_s": st.just(float("inf")) | ms(200, 12000).map(lambda m: m / 1000),
        "min_silence_duration_ms": ms(0, 1500),
        "min_silence_at_max_speech": ms(0, 600),
        "speech_pad_ms": ms(0, 500),
    }
)


def as_ours(wanted: Mapping[str, Any]) -> Thresholds:
    return Thresholds(
        start=wanted["threshold"],
        stop=wanted["neg_threshold"],
        min_speech=wanted["min_speech_duration_ms"] / 1000,
        max_speech=wanted["max_speech_duration_s"],
        min_silence=wanted["min_silence_duration_ms"] / 1000,
        min_silence_at_max_speech=wanted["min_silence_at_max_speech"] / 1000,
        padding_before=wanted["speech_pad_ms"] / 1000,
        padding_after=wanted["speech_pad_ms"] / 1000,
    )


@pytest.fixture(scope="module")
def compare(original: Any) -> None:
    """Only asks for the original."""


@profile(derandomize=True, deadline=None, max_examples=600)
@given(track=tracks, wanted=asked, cut=st.integers(0, FRAME - 1))
def test_any_track_gives_the_original_s_spans(
    compare: None, track: NDArray[np.float32], wanted: dict[str, Any], cut: int
) -> None:
    length = max(len(track) * FRAME - cut, 0)
    ours = find_spans(track, as_ours(wanted), length)
    assert ours == theirs(None, track.tolist(), length, **wanted)


def test_the_defaults_are_the_original_s(compare: None) -> None:
    track = np.repeat(np.array([0.1, 0.9, 0.3, 0.8, 0.0], dtype=np.float32), [20, 30, 2, 40, 9])
    length = len(track) * FRAME
    ours = find_spans(track, Thresholds(), length)
    assert ours == theirs(None, track.tolist(), length)
    assert ours


def test_the_probabilities_are_the_original_s(
    original: Any, silero: SileroVAD, talk: Audio
) -> None:
    import torch

    network = original.load_silero_vad(onnx=True)
    padded = np.pad(talk.samples, (0, -len(talk.samples) % FRAME))
    expected = [
        network(torch.from_numpy(frame.copy()), RATE).item() for frame in padded.reshape(-1, FRAME)
    ]
    assert silero._probabilities(talk.samples) == pytest.approx(expected, abs=1e-4)


def test_real_speech_is_found_where_the_original_finds_it(
    original: Any, silero: SileroVAD, talk: Audio
) -> None:
    import torch

    found = original.get_speech_timestamps(
        torch.from_numpy(talk.samples.copy()), original.load_silero_vad(onnx=True)
    )
    expected = [(stretch["start"] / RATE, stretch["end"] / RATE) for stretch in found]
    assert spans_of(silero, talk) == expected
    assert len(expected) >= 4


# Every parameter

# 1 s nothing, 2 s speech, 0.3 s unsure, 2 s speech, 0.3 s nothing, 0.2 s speech, 1 s nothing
TRACK = np.repeat(
    np.array([0.0, 0.9, 0.4, 0.9, 0.0, 0.9, 0.0], dtype=np.float32), [31, 62, 9, 62, 9, 6, 31]
)
LENGTH = len(TRACK) * FRAME


def in_frames(**changes: float) -> list[tuple[float, float]]:
    limits = attrs.evolve(Thresholds(padding_before=0, padding_after=0), **changes)
    return [(start / FRAME, end / FRAME) for start, end in find_spans(TRACK, limits, LENGTH)]


def test_by_default_an_unsure_moment_does_not_end_speech_and_a_click_is_none() -> None:
    assert in_frames() == [(31, 164)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start": 0.95}, []),
        ({"stop": 0.45}, [(31, 93), (102, 164)]),
        ({"min_speech": 0.1}, [(31, 164), (173, 179)]),
        ({"min_silence": 0.5}, [(31, 179)]),
        ({"max_speech": 3.0}, [(31, 124), (125, 164)]),
        ({"max_speech": 3.0, "stop": 0.45, "min_silence": 0.4}, [(31, 93), (102, 179)]),
        (
            {"max_speech": 3.0, "stop": 0.45, "min_silence": 0.4, "min_silence_at_max_speech": 0.4},
            [(31, 124), (125, 179)],
        ),
        ({"padding_before": 0.32}, [(21, 164)]),
        ({"padding_after": 0.32}, [(31, 174)]),
        ({"padding_before": 9, "padding_after": 9}, [(0, LENGTH / FRAME)]),
        ({"min_speech": 0.1, "padding_before": 0.32}, [(21, 168.5), (168.5, 179)]),
    ],
)
def test_every_parameter_acts(
    changes: dict[str, float], expected: list[tuple[float, float]]
) -> None:
    assert in_frames(**changes) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"threshold": 0.999},
        {"stop_threshold": 0.001},
        {"min_speech": 60.0},
        {"max_speech": 1.0},
        {"min_silence": 10.0},
        {"max_speech": 3.0, "min_silence": 1.0, "min_silence_at_max_speech": 5.0},
        {"padding_before": 0.5},
        {"padding_after": 0.5},
    ],
    ids=lambda asked: "+".join(asked),
)
def test_every_field_of_a_job_acts(silero: SileroVAD, talk: Audio, asked: dict[str, float]) -> None:
    fewer = dict(list(asked.items())[:-1])
    assert spans_of(silero, talk, **asked) != spans_of(silero, talk, **fewer)


def test_options_are_defaults_that_a_job_may_change(talk: Audio, silero: SileroVAD) -> None:
    careful = load_changed(NAME, options={"min_silence": 10.0}).model
    assert isinstance(careful, SileroVAD)
    assert len(spans_of(careful, talk)) == 1
    assert spans_of(careful, talk, min_silence=0.1) == spans_of(silero, talk)


def test_an_unknown_option_is_refused_with_the_right_ones() -> None:
    with pytest.raises(SettingsError, match=r"options\.threshold: unknown key.*min_silence"):
        load_changed(NAME, options={"threshold": 0.5})


# Sounds


@pytest.mark.parametrize("seconds", [0, 1e-4, 0.031, 0.032, 0.033, 17])
def test_silence_of_any_length_is_no_speech(silero: SileroVAD, seconds: float) -> None:
    sound = silence(seconds, RATE)
    (activity,) = silero.detect([Detect(sound)])
    assert (activity.spans, activity.duration) == ((), sound.duration)


def test_sound_of_another_rate_is_heard_the_same(silero: SileroVAD, talk: Audio) -> None:
    heard = spans_of(silero, resample(talk, 44100))
    assert len(heard) == len(spans_of(silero, talk))
    for ours, other in zip(heard, spans_of(silero, talk), strict=True):
        assert ours == pytest.approx(other, abs=0.1)


def test_spans_lie_inside_the_sound_and_apart(silero: SileroVAD, talk: Audio) -> None:
    times = [
        time for span in spans_of(silero, talk, padding_before=1, padding_after=1) for time in span
    ]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= talk.duration


def test_what_is_not_decoded_is_refused(silero: SileroVAD) -> None:
    with pytest.raises(InvalidInput, match="decoded sound"):
        silero.detect([Detect(EncodedSound(b"RIFF"))])
