"""What can be asked of the service and what comes back: one frozen class per job and per result.

Every layer passes these same objects on, so a field exists only if something acts on it. A step
that changes a job makes another one (`attrs.evolve`). They cross process borders as they are; BentoML
turns dataclasses into plain dicts on the way, silently, and leaves attrs classes alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import Enum

import attrs
import numpy as np
from numpy.typing import NDArray

from audio import Audio, Recording, Sound
from errors import SpeechError


class Capability(Enum):
    """What a runner can do; the value is the name of its method."""

    SPEAK = "synthesize"
    TRANSCRIBE = "transcribe"
    DETECT = "detect"
    EMBED = "embed"
    CONVERT = "convert"
    COMPOSE = "compose"
    VOCODE = "vocode"
    RESTORE = "restore"
    ANALYSE = "analyse"


@attrs.frozen
class Call:
    """The circumstances of a request, known to every step of it: who, how urgent, until when."""

    id: str = attrs.field(factory=lambda: uuid.uuid4().hex)
    priority: int = 0  # lower runs first
    deadline: float | None = None  # epoch seconds, so that it means the same in every process
    keep_alive: float | None = None  # seconds that used models stay in memory; None: as configured


@attrs.frozen
class Span:
    """A stretch of speech, in seconds."""

    start: float
    end: float


# Jobs


@attrs.frozen
class Speak:
    """Say `text`. None means that the model decides."""

    text: str
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int | None = None  # the same seed, the same sound
    # Knobs of the model that this job sets for itself, as far as its card tells of them
    options: Mapping[str, float] = attrs.field(factory=dict, hash=False)


@attrs.frozen
class Transcribe:
    """Write down what is said, in its own language or in English."""

    sound: Sound
    language: str | None = None  # ISO 639-1; None: find out
    candidates: tuple[str, ...] = ()  # the languages to choose from; none: all of the model's
    translate: bool = False
    prompt: str | None = None
    temperature: float | None = None  # None: start at 0 and rise while the text looks wrong
    words: bool = False
    draft: bool = False  # soon forgotten: decode once, whatever the text looks like
    chunking: Detect | None = None  # how to find speech before transcribing; None: as configured


@attrs.frozen
class Detect:
    """Find speech. All durations in seconds; None means that the model decides."""

    sound: Sound
    threshold: float | None = None  # probability above which a frame is speech
    stop_threshold: float | None = None  # probability below which running speech ends
    min_speech: float | None = None
    max_speech: float | None = None
    min_silence: float | None = None
    min_silence_at_max_speech: float | None = (
        None  # pauses shorter than this do not cut long speech
    )
    padding_before: float | None = None
    padding_after: float | None = None


@attrs.frozen
class Embed:
    """Say whose voice it is, as a point in a space where one speaker's voice is always near itself."""

    sound: Sound


@attrs.frozen(eq=False)
class Embedding:
    """A voice [D]; only embeddings of the same space can be compared, by the cosine between them."""

    vector: NDArray[np.float32]
    space: str  # the model that made it, and its version where that changes the numbers


class Finding(Enum):
    """What finds the speech in a recording, and so how it is cut."""

    DETECTOR = "detector"  # joined without its pauses, and cut into pieces of one length
    RECOGNISER = "recogniser"  # the segments that it hears, each a piece


@attrs.frozen
class Reference:
    """A recording of the voice that is wanted."""

    sound: Recording
    finding: Finding = Finding.DETECTOR
    spans: tuple[Span, ...] | None = None  # where it speaks, in order; None: find out
    param: str = "input_audio"  # the field that it came in, for refusals


@attrs.frozen(eq=False)
class Convert:
    """Say the same in another voice: from the tone of who speaks to that of somebody else."""

    sound: Sound
    source: Embedding
    target: Embedding
    tau: float | None = None  # how much is left to chance, 0 to 1; None: the model decides
    seed: int | None = None  # the same seed, the same sound
    offset: int = 0  # samples of the whole before this part of it, a multiple of its grid's step


@attrs.frozen(eq=False)
class Compose:
    """Say `text` in somebody's voice, as features of which a vocoder makes the sound."""

    text: str
    voice: Embedding
    language: str | None = None
    speed: float = 1.0
    pitch: float = 1.0  # factors of what the model would do
    energy: float = 1.0


@attrs.frozen(eq=False)
class Features:
    """A mel spectrogram [bands, frames]; only a vocoder of the same space makes sound of it."""

    mel: NDArray[np.float32]
    space: str  # the models that agree on what its numbers mean


@attrs.frozen(eq=False)
class Vocode:
    """Make sound of features, as loud as they say: it may be louder than 1."""

    features: Features


@attrs.frozen
class Restore:
    """Free a sound from what does not belong to it: the same length, and nothing is said anew."""

    sound: Sound


@attrs.frozen
class Analyse:
    """Hear a damaged sound as it may have been, as features of which a vocoder makes the sound."""

    sound: Sound
    mode: int = 0  # the family's own ways of hearing
    seed: int | None = None  # the same seed, the same features


Job = Speak | Transcribe | Detect | Embed | Convert | Compose | Vocode | Restore | Analyse


# Results


@attrs.frozen
class Speech:
    """Synthesized or converted sound."""

    audio: Audio
    tone: Embedding | None = None  # of the voice that speaks, where the model knows it


@attrs.frozen
class Word:
    start: float
    end: float
    text: str
    probability: float


@attrs.frozen
class Segment:
    """A stretch of transcribed speech; times in seconds from the start of the sound."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0
    words: tuple[Word, ...] = ()

    def shifted(self, seconds: float) -> Segment:
        words = tuple(
            attrs.evolve(word, start=word.start + seconds, end=word.end + seconds)
            for word in self.words
        )
        return attrs.evolve(self, start=self.start + seconds, end=self.end + seconds, words=words)


@attrs.frozen
class Transcript:
    segments: tuple[Segment, ...]
    language: str
    duration: float  # seconds of sound that were read

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments).strip()


@attrs.frozen
class Turn:
    """What one speaker says without another between."""

    start: float
    end: float
    text: str
    speaker: str


@attrs.frozen
class Activity:
    """Where in a sound somebody speaks."""

    spans: tuple[Span, ...]
    duration: float


Result = Speech | Transcript | Activity | Embedding | Features


# What a runner answers


@attrs.frozen
class Answer:
    """A result on its way back from a runner, with what it cost.

    Across processes an exception would keep only its HTTP status, so a failure travels as a value.
    """

    outcome: Result | SpeechError
    queued: float = 0.0
    ran: float = 0.0
    batch_size: int = 1


@attrs.frozen
class Voice:
    name: str
    language: str  # BCP 47, as the model speaks it: en-US


@attrs.frozen
class Knob:
    """A number by which a family can be adjusted, for all that it says or for one job."""

    name: str
    least: float
    most: float
    default: float  # as configured


@attrs.frozen
class Grid:
    """How a long sound may be cut into parts that come out as the whole would."""

    step: int  # samples; parts begin at multiples of it
    context: int  # samples before and after a part that have a say in what comes out


@attrs.frozen
class Likeness:
    """How surely voices are of one speaker whose cosine is known, by a logistic curve."""

    seconds: float  # of speech, in the shorter of both recordings
    threshold: float  # the cosine at which one speaker is as likely as two
    steepness: float  # of the logarithm of the odds, for each 1 of cosine


@attrs.frozen
class Card:
    """What a loaded model says of itself."""

    languages: tuple[str, ...] = ()
    voices: tuple[Voice, ...] = ()
    default_voice: str | None = None
    rate: int | None = None  # Hz of what it speaks or wants to hear
    # The cosine from which embeddings of two windows of 1.5 s are of one speaker
    same_speaker: float | None = None
    likeness: tuple[Likeness, ...] = ()  # the same for recordings of several lengths, as measured
    space: str | None = None  # of the embeddings that it makes or takes, or features that it takes
    dimensions: int | None = None  # numbers in such an embedding
    unit_length: bool = False  # such embeddings have the length 1, and so has the mean of several
    grid: Grid | None = None  # of what it converts or restores, or of the sound of its features
    knobs: tuple[Knob, ...] = ()  # that a job may set
    modes: int = 1  # ways of hearing a damaged sound, counted from 0


class Presence(Enum):
    """Whether a model is in memory."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"  # to load; it is tried again


@attrs.frozen
class State:
    """How a runner stands, asked without waking its model."""

    presence: Presence
    memory: int = 0  # bytes that unloading it would free, as far as can be told
    card: Card | None = None  # of a model that was loaded once
    problem: SpeechError | None = None
