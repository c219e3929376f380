"""Transcript + sound → who says what: the voice around each word, compared with all the others.

    words     ─the─quick─brown────────jumps─over─the─lazy─
    windows   └──1.5 s──┘             └──1.5 s──┘              each is embedded
                  └──1.5 s──┘                └──1.5 s──┘
    speakers       A  A  A               B   B   B   B         clusters, named in order of appearance

The sound is read a second time, in blocks; what is kept of it are the embeddings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import groupby, pairwise

import attrs
import numpy as np

from audio import Audio, Sound
from errors import InvalidInput
from pipelines import speakers
from pipelines.cutting import cuts
from pipelines.flow import in_order, in_thread
from pipelines.speakers import Vectors
from runners.base import Embedder
from tasks import Call, Embed, Segment, Span, Transcript, Turn, Word

RATE = 16000
# Long enough to know a voice by, short enough to fall between two changes of speaker.
WINDOW, HOP = 1.5, 0.75
REST = 0.2  # what may be left of a stretch without a window to its end: half a word
SHORTEST = 0.6  # a window around a short word is widened to this
PAUSE = 0.3  # between words; from here on it is a likely place for another to speak
APART = 0.5  # a longer pause is in no window
OVERLAPPING = 4  # windows that a moment can lie in, and one more for the last of a stretch
WINDOWS_AHEAD = 16


@attrs.frozen
class Reference:
    """A known speaker, and a clip of their voice."""

    name: str
    sound: Audio


@attrs.frozen(eq=False)
class Known:
    """A known speaker's voice, as the encoder hears it."""

    name: str
    vector: Vectors


async def diarize(
    transcript: Transcript, sound: Sound, known: Sequence[Known], embedder: Embedder, call: Call
) -> list[Turn]:
    """The segments of a transcript, cut where the speaker changes."""
    words = [word for segment in transcript.segments for word in _words(segment)]
    windows, vectors = [], []
    async with aclosing(_embedded(words, sound, embedder, call)) as found:
        async for window, vector in found:
            if vector is not None:
                windows.append(window)
                vectors.append(vector)
    same = (await embedder.card()).same_speaker
    if same is None:
        raise InvalidInput("This encoder does not tell speakers apart.", param="response_format")
    # Minutes of arithmetic for a day of sound: not in the loop that serves everybody.
    voices = [speaker.vector for speaker in known]
    said_by = await in_thread("cluster", _said_by, words, windows, vectors, voices, same)
    names = _Names([speaker.name for speaker in known])
    return list(_turns(transcript, [names[speaker] for speaker in said_by]))


async def known_voices(
    references: Sequence[Reference], embedder: Embedder, call: Call
) -> list[Known]:
    """The voices of known speakers; a reference in which none is heard is refused."""

    async def hear(reference: Reference) -> Known:
        try:
            return Known(
                reference.name, (await embedder.embed(Embed(reference.sound), call)).vector
            )
        except InvalidInput as error:
            raise InvalidInput(
                f"The reference of '{reference.name}' cannot be used: {error.message}",
                param="known_speaker_references",
            ) from error

    return list(await asyncio.gather(*map(hear, references)))


async def _embedded(
    words: Sequence[Word], sound: Sound, embedder: Embedder, call: Call
) -> AsyncGenerator[tuple[Span, Vectors | None], None]:
    async def hear(piece: tuple[Span, Audio]) -> tuple[Span, Vectors | None]:
        window, audio = piece
        try:
            return window, (await embedder.embed(Embed(audio), call)).vector
        except InvalidInput:
            return window, None  # no voice in it: its words are told by what is around them

    pieces = _pieces(sound, list(windows_over(words)))
    async with aclosing(in_order(pieces, hear, ahead=WINDOWS_AHEAD)) as done:
        async for item in done:
            yield item


def windows_over(words: Sequence[Word]) -> Iterator[Span]:
    """Overlapping windows over what is said without a pause, in order."""
    for stretch in _stretches(words):
        length = stretch.end - stretch.start
        if length <= WINDOW:
            margin = max(SHORTEST - length, 0) / 2
            yield Span(max(stretch.start - margin, 0.0), stretch.end + margin)
            continue
        for step in range(int((length - WINDOW) / HOP) + 1):
            yield Span(stretch.start + step * HOP, stretch.start + step * HOP + WINDOW)
        if (length - WINDOW) % HOP > REST:
            yield Span(stretch.end - WINDOW, stretch.end)


def _stretches(words: Sequence[Word]) -> Iterator[Span]:
    open_one: Span | None = None
    for word in words:
        if open_one and word.start - open_one.end <= APART:
            open_one = Span(open_one.start, max(open_one.end, word.end))
            continue
        if open_one:
            yield open_one
        open_one = Span(word.start, word.end)
    if open_one:
        yield open_one


async def _pieces(
    sound: Sound, windows: Sequence[Span]
) -> AsyncGenerator[tuple[Span, Audio], None]:
    """Each window with its sound."""
    async with aclosing(cuts(sound, windows, RATE)) as pieces:
        async for window, audio in pieces:
            # A word's end may be rounded beyond the sound's.
            if audio.duration > SHORTEST / 2:
                yield window, audio


def _said_by(
    words: Sequence[Word],
    windows: Sequence[Span],
    vectors: Sequence[Vectors],
    known: Sequence[Vectors],
    same_speaker: float,
) -> list[int]:
    """The number of each word's speaker: first the references, then whoever else there is."""
    if not windows:
        return [len(known)] * len(words)
    points = speakers.unit(np.stack(vectors))
    references = speakers.unit(np.stack(known)) if known else points[:0]
    cast = speakers.cast_of(points, references, same_speaker)
    pauses = [True, *(b.start - a.end >= PAUSE for a, b in pairwise(words))]
    return speakers.path(_voices_at(words, windows, points), pauses, cast)


def _voices_at(words: Sequence[Word], windows: Sequence[Span], points: Vectors) -> Vectors:
    """The voice [W, D] at each word: that of the windows it lies in, the nearer the more."""
    starts = np.array([window.start for window in windows])
    middles = np.array([(window.start + window.end) / 2 for window in windows])
    found = []
    for word in words:
        middle = (word.start + word.end) / 2
        last = int(np.searchsorted(starts, middle, side="right"))
        around = [i for i in range(max(last - OVERLAPPING, 0), last) if windows[i].end >= middle]
        if not around:
            around = [int(np.abs(middles - middle).argmin())]
        near = np.maximum(1 - np.abs(middles[around] - middle) / HOP, 1e-6).astype(np.float32)
        found.append(near @ points[around] / near.sum())
    return np.stack(found) if found else points[:0]


def _words(segment: Segment) -> tuple[Word, ...]:
    """The words of a segment; where none could be timed, the segment as one."""
    return segment.words or (Word(segment.start, segment.end, segment.text, 1.0),)


def _turns(transcript: Transcript, names: Sequence[str]) -> Iterator[Turn]:
    named = iter(names)
    for segment in transcript.segments:
        said = [(next(named), word) for word in _words(segment)]
        for speaker, part in groupby(said, key=lambda pair: pair[0]):
            words = [word for _, word in part]
            text = "".join(word.text for word in words)
            yield Turn(words[0].start, words[-1].end, text, speaker)


class _Names(dict[int, str]):
    """What each speaker's number is called: known names, and letters in order of appearance."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(enumerate(known))
        self._letters = speakers.labels(known)

    def __missing__(self, speaker: int) -> str:
        self[speaker] = next(self._letters)
        return self[speaker]
