"""Whisper on real weights: what it writes, when each word was said, and that rows never mix."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import faster_whisper.utils
import numpy as np
import pytest

from audio import Audio, EncodedSound, join, resample, silence
from errors import InvalidInput, SettingsError
from networks.whisper import TICK
from runners.whisper import RATE, SIZES, WINDOW, FasterWhisper, Hypothesis
from tasks import Segment, Transcribe, Transcript
from tests.runners.conftest import CONFIGURED, Load, Say, load_changed

pytestmark = pytest.mark.weights

NAME = "faster-whisper-tiny.en"
WEATHER = "The weather is fine today, and the birds are singing."
APPLES = "My little sister bought three red apples."
DOOR = "He opened the door very slowly. Nobody was there."


@pytest.fixture(scope="module")
def whisper(loaded: Load) -> FasterWhisper:
    model = loaded(NAME).model
    assert isinstance(model, FasterWhisper)
    return model


def only(whisper: FasterWhisper, job: Transcribe) -> Transcript:
    (transcript,) = whisper.transcribe([job])
    return transcript


def timed(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [(w.text, w.start, w.end) for segment in transcript.segments for w in segment.words]


@pytest.mark.parametrize("text", [WEATHER, APPLES, DOOR])
def test_what_is_said_is_written(whisper: FasterWhisper, say: Say, text: str) -> None:
    sound = say(text)
    transcript = only(whisper, Transcribe(sound))
    assert transcript.text == text
    assert (transcript.language, transcript.duration) == ("en", sound.duration)
    for segment in transcript.segments:
        assert 0 <= segment.start < segment.end <= sound.duration
        assert segment.tokens
        assert segment.temperature == 0
        assert -1 < segment.avg_logprob < 0
        assert segment.compression_ratio > 0
        assert 0 <= segment.no_speech_prob < 0.5
        assert segment.words == ()


@pytest.mark.parametrize("text", [WEATHER, DOOR])
def test_words_follow_each_other_inside_their_segments(
    whisper: FasterWhisper, say: Say, text: str
) -> None:
    lead = 1.5
    sound = join([silence(lead, RATE), say(text)], RATE)
    transcript = only(whisper, Transcribe(sound, words=True))
    assert transcript.text == text
    for segment in transcript.segments:
        assert "".join(word.text for word in segment.words) == segment.text
        assert segment.start == segment.words[0].start
        assert segment.end == segment.words[-1].end
        assert all(0 < word.probability <= 1 for word in segment.words)
    edges = [edge for _, start, end in timed(transcript) for edge in (start, end)]
    assert edges == sorted(edges)
    assert lead - 0.5 < edges[0]
    assert edges[-1] <= sound.duration


def test_sentences_with_a_pause_between_them_are_apart_in_time(
    whisper: FasterWhisper, say: Say
) -> None:
    first = say(APPLES)
    sound = join([first, silence(2, RATE), say(WEATHER)], RATE)
    transcript = only(whisper, Transcribe(sound, words=True))
    assert transcript.text == f"{APPLES} {WEATHER}"
    words = timed(transcript)
    last = next(end for text, _, end in words if text == " apples.")
    next_one = next(start for text, start, _ in words if text == " The")
    assert last <= first.duration + 0.3
    assert first.duration + 1.5 < next_one


def test_a_sound_of_another_rate_is_heard_the_same(whisper: FasterWhisper, say: Say) -> None:
    sound = resample(say(APPLES), 48000)
    assert only(whisper, Transcribe(sound)).text == APPLES


def test_a_prompt_sets_the_style(whisper: FasterWhisper, say: Say) -> None:
    prompt = "hello there my friend how are you i am fine thank you"
    text = only(whisper, Transcribe(say(WEATHER), prompt=prompt)).text
    assert text == "the weather is fine today and the birds are singing"


def test_a_temperature_is_the_only_one_tried(whisper: FasterWhisper, say: Say) -> None:
    warm = only(whisper, Transcribe(say(APPLES), temperature=0.2))
    cold = only(whisper, Transcribe(say(APPLES), temperature=0.0))
    assert {segment.temperature for segment in warm.segments} == {0.2}
    assert {segment.temperature for segment in cold.segments} == {0.0}


def test_an_english_model_asked_to_translate_writes_english(
    whisper: FasterWhisper, say: Say
) -> None:
    assert only(whisper, Transcribe(say(APPLES), translate=True)).text == APPLES


def test_a_model_says_which_languages_it_knows(whisper: FasterWhisper) -> None:
    assert (whisper.card.languages, whisper.card.rate) == (("en",), RATE)


@pytest.mark.parametrize("seconds", [0, 0.001, 0.5, 5])
def test_silence_is_an_empty_text(whisper: FasterWhisper, seconds: float) -> None:
    sound = silence(seconds, RATE)
    transcript = only(whisper, Transcribe(sound, words=True))
    assert (transcript.segments, transcript.duration) == ((), sound.duration)


def test_noise_is_an_empty_text(whisper: FasterWhisper) -> None:
    noise = np.random.default_rng(0).normal(size=5 * RATE).astype(np.float32)
    assert only(whisper, Transcribe(Audio(0.05 * noise, RATE))).text == ""


def test_each_row_of_a_batch_is_what_it_is_alone(whisper: FasterWhisper, say: Say) -> None:
    both = join([say(APPLES), silence(1, RATE), say(DOOR)], RATE)
    sounds = [silence(1, RATE), both, say(APPLES)]
    jobs = [Transcribe(sound, words=True) for sound in sounds]
    alone = [only(whisper, job) for job in jobs]
    together = whisper.transcribe(jobs)
    assert [t.text for t in together] == ["", f"{APPLES} {DOOR}", APPLES]
    assert [t.text for t in together] == [t.text for t in alone]
    assert [timed(t) for t in together] == [timed(t) for t in alone]
    assert [t.duration for t in together] == [sound.duration for sound in sounds]


def test_a_whole_window_is_taken_and_more_is_refused(whisper: FasterWhisper, say: Say) -> None:
    clip = say(APPLES)
    whole = join([clip, silence(WINDOW - clip.duration, RATE)], RATE)
    assert whole.duration == WINDOW
    assert APPLES in only(whisper, Transcribe(whole)).text
    with pytest.raises(InvalidInput, match="at most 30 s"):
        only(whisper, Transcribe(silence(WINDOW + 2 * TICK, RATE)))


def test_what_is_not_decoded_is_refused(whisper: FasterWhisper) -> None:
    with pytest.raises(InvalidInput, match="decoded sound"):
        only(whisper, Transcribe(EncodedSound(b"RIFF")))


def test_jobs_that_decode_differently_never_share_a_batch(whisper: FasterWhisper) -> None:
    sound = silence(1, RATE)
    different: Sequence[Transcribe] = [
        Transcribe(sound),
        Transcribe(sound, language="en"),
        Transcribe(sound, candidates=("en",)),
        Transcribe(sound, translate=True),
        Transcribe(sound, prompt="a"),
        Transcribe(sound, temperature=0.5),
        Transcribe(sound, words=True),
        Transcribe(sound, draft=True),
    ]
    for one, other in itertools.combinations(different, 2):
        assert whisper.group(one) != whisper.group(other)
    assert whisper.group(different[0]) == whisper.group(Transcribe(silence(9, RATE)))


# Options


def test_a_text_nobody_believes_is_left_out(say: Say) -> None:
    doubtful = load_changed(
        NAME, options={"log_prob_threshold": 0.0, "no_speech_threshold": 0.0, "beam_size": 1}
    ).model
    assert isinstance(doubtful, FasterWhisper)
    assert only(doubtful, Transcribe(say(APPLES))).text == ""


def test_a_text_that_looks_wrong_is_decoded_anew_and_the_best_is_kept(say: Say) -> None:
    doubtful = load_changed(
        NAME, options={"compression_ratio_threshold": 0.0, "temperatures": [0.0, 0.4]}
    ).model
    assert isinstance(doubtful, FasterWhisper)
    (segment,) = only(doubtful, Transcribe(say(APPLES))).segments
    assert "sister" in segment.text
    assert segment.temperature in (0.0, 0.4)


def test_a_draft_is_decoded_once_whatever_it_looks_like(say: Say) -> None:
    picky = load_changed(
        NAME, options={"compression_ratio_threshold": 0.0, "temperatures": [0.0, 0.4]}
    ).model
    assert isinstance(picky, FasterWhisper)
    asked: list[float] = []
    decode = picky._decode

    def counted(
        encoded: Any, prompt: list[int], count: int, tokenizer: Any, temperature: float
    ) -> list[Hypothesis]:
        asked.append(temperature)
        return decode(encoded, prompt, count, tokenizer, temperature)

    picky._decode = counted  # type: ignore[method-assign]
    only(picky, Transcribe(say(APPLES)))
    assert asked == [0.0, 0.4]
    asked.clear()
    assert only(picky, Transcribe(say(APPLES), draft=True)).text == APPLES
    assert asked == [0.0]


def test_an_unknown_option_is_refused_with_the_right_ones() -> None:
    with pytest.raises(SettingsError, match=r"options\.beamsize: .*did you mean beam_size"):
        load_changed(NAME, options={"beamsize": 1})


def test_a_size_means_its_repository() -> None:
    (source,) = FasterWhisper.sources(CONFIGURED[NAME].model_copy(update={"model": "tiny.en"}))
    assert source == SIZES["tiny.en"] == "Systran/faster-whisper-tiny.en"
    (own,) = FasterWhisper.sources(CONFIGURED[NAME].model_copy(update={"model": "me/mine"}))
    assert own == "me/mine"


def test_every_size_that_faster_whisper_knows_is_known_and_means_the_same() -> None:
    assert dict(faster_whisper.utils._MODELS) == SIZES


class StopsEarly(FasterWhisper):
    """Hears one second of each window and no more, as tiny models sometimes do."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def _windows(self, jobs: Sequence[Transcribe]) -> list[Transcript]:
        (job,) = jobs
        assert isinstance(job.sound, Audio)
        self.asked.append(round(job.sound.duration, 3))
        end = min(1.0, job.sound.duration)
        return [Transcript((Segment(0.0, end, f" {len(self.asked)}"),), "en", job.sound.duration)]


def noise(seconds: float) -> Audio:
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * 16000))
    return Audio(samples.astype(np.float32), 16000)


def test_a_window_whose_text_ends_early_is_decoded_on_from_there() -> None:
    model = StopsEarly()
    (heard,) = model.transcribe([Transcribe(noise(4.0))])
    assert model.asked == [4.0, 3.0, 2.0]  # what is left after that is shorter than a sentence
    assert [(s.start, s.end, s.text) for s in heard.segments] == [
        (0.0, 1.0, " 1"), (1.0, 2.0, " 2"), (2.0, 3.0, " 3"),
    ]  # fmt: skip
    assert heard.duration == 4.0


def test_a_silent_rest_is_not_decoded_on() -> None:
    model = StopsEarly()
    model.transcribe([Transcribe(join([noise(1.0), silence(5.0, 16000)], 16000))])
    assert model.asked == [6.0]
