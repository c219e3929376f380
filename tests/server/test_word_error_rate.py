"""What the default models say is understood again: word error rate over varied sentences, and long sound."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import jiwer
import numpy as np
import pytest

import audio
from audio import Audio

pytestmark = [pytest.mark.server, pytest.mark.weights]

# Measured with faster-whisper-tiny.en: kokoro 0.020, piper-joe 0.010 to 0.020. The rest is room for
# Piper, which says nothing twice in the same way, and for other processors.
MOST_ERRORS = 0.08
MOST_ERRORS_OF_LONG, MOST_MISSING = 0.12, 0.03

# Each sentence as it is written and as it is to be heard.
SENTENCES = [
    ("The quick brown fox jumps over the lazy dog.",) * 2,
    ("Could you tell me where the nearest train station is?",) * 2,
    ("Doctor Smith bought twelve apples and three pears.",) * 2,
    (
        "Dr. Miller lives on Baker St. with his two sons.",
        "doctor miller lives on baker street with his two sons",
    ),
    (
        "The meeting starts at 10:30 on Monday morning.",
        "the meeting starts at ten thirty on monday morning",
    ),
    (
        "She paid $12.50 for the sandwich and the coffee.",
        "she paid twelve dollars and fifty cents for the sandwich and the coffee",
    ),
    (
        "The war ended in 1945, on the second of September.",
        "the war ended in nineteen forty five on the second of september",
    ),
    (
        "My birthday is on March 3rd, 1990.",
        "my birthday is on march third nineteen ninety",
    ),
    (
        "About 75% of the students passed the exam.",
        "about seventy five percent of the students passed the exam",
    ),
    (
        "There are 365 days in a year, and 24 hours in a day.",
        "there are three hundred sixty five days in a year and twenty four hours in a day",
    ),
    ("Elizabeth and Jonathan flew from London to Chicago.",) * 2,
    ("What a wonderful surprise, I never expected to see you here!",) * 2,
    (
        "The company earned 3.5 million dollars last year.",
        "the company earned three point five million dollars last year",
    ),
    ("Please call me at home if the weather gets worse.",) * 2,
    ("He said that the answer was wrong, but nobody listened.",) * 2,
    (
        "Mr. and Mrs. Johnson have been married for 21 years.",
        "mister and missus johnson have been married for twenty one years",
    ),
    (
        "Water boils at 100 degrees and freezes at zero.",
        "water boils at one hundred degrees and freezes at zero",
    ),
    ("Why don't we take a walk along the river tonight?",) * 2,
    ("The NASA engineers launched the rocket on Friday.",) * 2,
    ("I'll be there in five minutes, so don't worry about me.",) * 2,
]

TITLES = {"dr": "doctor", "mr": "mister", "mrs": "missus", "st": "street"}
SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = {"2nd": "second", "3rd": "third"}


@pytest.fixture(scope="module")
def kokoro_clips(http: httpx.Client) -> list[bytes]:
    """SENTENCES, spoken by a model that says a text in the same way each time."""
    return [said(http, "kokoro", text) for text, _ in SENTENCES]


@pytest.fixture(scope="module")
def piper_clips(http: httpx.Client) -> list[bytes]:
    return [said(http, "piper-joe", text) for text, _ in SENTENCES]


@pytest.mark.parametrize("model", ["kokoro", "piper"])
def test_what_a_model_says_is_understood(
    http: httpx.Client,
    request: pytest.FixtureRequest,
    model: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = [words(spoken) for _, spoken in SENTENCES]
    clips = request.getfixturevalue(f"{model}_clips")
    heard = [words(transcribed(http, clip)) for clip in clips]
    rate = jiwer.wer(expected, heard)
    with capsys.disabled():
        print(f"\n{model}: word error rate {rate:.3f} over {len(SENTENCES)} sentences")
        for wanted, got in zip(expected, heard, strict=True):
            if wanted != got:
                print(f"  said  {wanted}\n  heard {got}")
    assert rate <= MOST_ERRORS


def test_ten_minutes_with_pauses_and_noise_are_heard_to_the_end(
    http: httpx.Client, kokoro_clips: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [audio.decode(clip, 16000) for clip in kokoro_clips]
    expected = []
    pieces: list[Audio] = []
    seconds = 0.0
    for number, pause in enumerate(pauses()):
        if seconds > 600:
            break
        clip = clips[number % len(clips)]
        pieces += [audio.silence(pause, 16000), clip]
        expected.append(words(SENTENCES[number % len(clips)][1]))
        seconds += pause + clip.duration
    sound = audio.join([*pieces, audio.silence(5.0, 16000)], 16000)
    noise = np.random.default_rng(1).normal(0, 0.002, len(sound.samples)).astype(np.float32)
    file = audio.encode(Audio(sound.samples + noise, 16000), "flac")

    answer = http.post(
        "/v1/audio/transcriptions",
        data={
            "model": "whisper-1",
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["word", "segment"],
        },
        files={"file": ("long.flac", file)},
    )
    assert answer.status_code == 200, answer.text
    heard = answer.json()
    assert heard["duration"] == pytest.approx(sound.duration, abs=0.1)
    found = jiwer.process_words(" ".join(expected), words(heard["text"]))
    missing = found.deletions / (found.hits + found.substitutions + found.deletions)
    with capsys.disabled():
        print(f"\n{sound.duration:.0f} s: word error rate {found.wer:.3f}, missing {missing:.3f}")
    assert found.wer <= MOST_ERRORS_OF_LONG
    assert missing <= MOST_MISSING
    starts = [segment["start"] for segment in heard["segments"]]
    ends = [segment["end"] for segment in heard["segments"]]
    assert starts == sorted(starts) and ends == sorted(ends)
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    times = [word["start"] for word in heard["words"]]
    assert times == sorted(times)
    assert starts[0] >= 0 and ends[-1] <= heard["duration"]
    assert ends[-1] > sound.duration - 10


def pauses() -> Iterator[float]:
    """Short ones that windows span and long ones that end them."""
    while True:
        yield from (0.3, 1.0, 0.5, 2.0, 0.4, 7.0, 0.8)


def said(http: httpx.Client, model: str, text: str) -> bytes:
    asked = {"model": model, "input": text, "response_format": "wav"}
    answer = http.post("/v1/audio/speech", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.content


def transcribed(http: httpx.Client, sound: bytes) -> str:
    form = {"model": "whisper-1", "response_format": "text"}
    answer = http.post("/v1/audio/transcriptions", data=form, files={"file": ("said.wav", sound)})
    assert answer.status_code == 200, answer.text
    return answer.text


def words(text: str) -> str:
    """Lower case, no punctuation, numbers and titles spelled: so that only what is heard counts."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"\$([\d.]+) (million|billion)", r"\1 \2 dollars", text)
    text = re.sub(r"\$(\d+)\.(\d\d)", r"\1 dollars and \2 cents", text)
    text = re.sub(r"\$(\d+)", r"\1 dollars", text)
    text = re.sub(r"(\d)%", r"\1 percent", text)
    text = re.sub(r"(\d\d?)[:.](\d\d)\b", r"\1 \2", text)
    text = re.sub(r"\b(1[1-9]|20)([1-9]\d)\b", r"\1 \2", text)  # a year
    text = re.sub(r"\d+(?:nd|rd)", lambda found: ORDINALS.get(found[0], found[0]), text)
    text = re.sub(r"(\d)\.(\d)", r"\1 point \2", text)
    text = re.sub(r"\d+", lambda found: spelled(int(found[0])), text)
    text = re.sub(r"[^a-z' ]+", " ", text)
    return " ".join(TITLES.get(word, word) for word in text.split())


def spelled(number: int) -> str:
    """A number below 1000; what is larger was misheard, and stays a digit for each."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return f"{TENS[number // 10 - 2]} {SMALL[number % 10] if number % 10 else ''}"
    if number < 1000:
        return f"{SMALL[number // 100]} hundred {spelled(number % 100) if number % 100 else ''}"
    return " ".join(SMALL[int(digit)] for digit in str(number))
