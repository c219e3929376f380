"""MeloTTS: a VITS2 that reads BERT, one network for each language. Source: MyShell.ai, MIT. 44.1 kHz.

English (v1: Default, US, BR, INDIA, AU; v2: US, BR, INDIA, AU; v3: Newest), Chinese with English mixed in,
Japanese, Korean, Spanish and French. Clones no voice itself: it tells the tone of its own (OpenVoice V2's
measurements of them), from which a tone converter starts.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import attrs
import numpy as np
from pydantic import Field

from audio import Audio, join, silence, trim
from errors import InvalidInput, SettingsError, SpeechError
from networks.extras import ExtraMissing
from networks.melo.config import MeloConfig
from networks.unreadable import UnreadableText
from runners import melo_languages
from runners.knobs import adjusted, knobs_of
from runners.melo_reading import Reader, Reading, patterns_of
from runners.melo_releases import (
    CHECKPOINTS,
    CONFIG,
    TONE_FOLDER,
    TONES,
    Spoken,
    first_of,
    language_of,
    plain,
    source_of,
    tag_of,
)
from runners.pytorch import fitting, place_of, read_config, read_tensor, read_weights
from runners.together import next_seed, packed, seed_of, together
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Embedding, Speak, Speech, Voice
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.melo.synthesizer import Utterance
    from networks.vits.synthesizer import Manner, TooLong

logger = logging.getLogger(__name__)

SPACE = "openvoice_v2"  # of the tones
TONE_PATTERNS = (f"{TONE_FOLDER}/*.pth", "*.pth")
# Between the pieces of one text, in seconds at normal speed: as published.
PAUSE = 0.05
KEPT_SILENCE = 0.03  # at the ends of such a piece, as between sentences
# Positions, blanks included, of one breath at normal speed or faster: some 20 s. The flow's attention grows
# with the square of its frames.
LONGEST, SHORTEST = 600, 60
SIGNS = "%&@#*/"  # that are read, although Unicode calls them punctuation
LETTERS = 6  # whose phones a sign or a digit has, which is read as a word: measured 1 to 10
POSITIONS = 2  # of a phone: itself and the blank after it

Share = Annotated[float, Field(ge=0, le=1)]
Noise = Annotated[float, Field(ge=0, le=2)]


@attrs.frozen
class Options:
    sdp_ratio: Share = 0.2  # share of the stochastic predictor in the rhythm
    noise_scale: Noise = 0.6  # variety of the sound
    noise_scale_w: Noise = 0.8  # variety of the rhythm
    bert: str | None = None  # the source of the BERT; None: the language's own
    tones: str | None = (
        TONES  # where the tones of the voices are; None: nowhere, nobody will convert them
    )


@attrs.frozen
class _Text:
    """What one job says: its pieces, and how all of them are spoken."""

    readings: Sequence[Reading]
    speaker: int
    voice: str
    manner: Manner


class MeloTTS:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "phones"
    batch_budget: ClassVar[float] = 1200.0  # some 40 s of speech, for which it takes about 0.8 GB

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._settings, self._options = settings, options_of(Options, settings)
        self._spoken = language_of(settings)
        place = place_of(settings)
        source = source_of(settings)
        folder = store.fetch(source, allow=(CONFIG, *CHECKPOINTS))
        with fitting(source):
            from networks.melo.synthesizer import load

            config = MeloConfig.parsed(read_config(folder / CONFIG))
            self._voices = _voices(config.names, settings)
            self._reader = _reader(settings, self._spoken, config, store, place.device)
            weights = read_weights(first_of(folder, CHECKPOINTS, source))
            self._network = load(config, weights, place.device, place.dtype)
        self._rate = config.sound.rate
        self._tones = _tones(self._voices, self._options.tones, store)
        voices = tuple(Voice(name, tag_of(name, self._spoken)) for name in self._voices)
        self.card = Card(
            languages=tuple(dict.fromkeys(voice.language for voice in voices)),
            voices=voices,
            default_voice=_default(self._voices),
            rate=self._rate,
            knobs=knobs_of(self._options),
        )
        self.synthesize([Speak(self._spoken.sample)])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        options, spoken = options_of(Options, settings), language_of(settings)
        bert = options.bert or spoken.bert.source
        found: dict[str, tuple[str, ...] | None] = {
            source_of(settings): (CONFIG, *CHECKPOINTS),
            bert: patterns_of(spoken.bert, bert),
            **melo_languages.sources_of(spoken.code),
        }
        return {**found, options.tones: TONE_PATTERNS} if options.tones else found

    def group(self, job: Speak) -> Hashable:
        """A job with a seed runs alone: beside others, sums would be added in another order."""
        seeded = job.seed is not None or self._settings.seed is not None
        return object() if seeded else None

    def cost(self, job: Speak) -> float:
        letters = len(job.text) + (LETTERS - 1) * sum(map(_is_a_word, job.text))
        return letters * self._spoken.phones_per_character / min(job.speed, 1.0)

    def synthesize(self, jobs: Sequence[Speak]) -> list[Speech | SpeechError]:
        return together(jobs, self._read, self._speak)

    def _read(self, job: Speak) -> _Text:
        from networks.vits.synthesizer import Manner

        self._check_language(job.language)
        voice = self._voice(job.voice or self._native(job.language or ""))
        longest = max(int(LONGEST * min(job.speed, 1.0)), SHORTEST)
        try:
            readings = self._reader.read(job.text, longest // POSITIONS)
        except UnreadableText as error:
            raise InvalidInput(str(error), param="input") from error
        own = adjusted(self._options, job.options)
        manner = Manner(
            1 / job.speed, own.noise_scale, own.noise_scale_w, own.sdp_ratio,
            seed_of(job.seed, self._settings.seed),
        )  # fmt: skip
        return _Text(readings, self._voices[voice], voice, manner)

    def _speak(self, texts: list[_Text]) -> list[Speech | SpeechError]:
        readings = [reading for text in texts for reading in text.readings]
        features = iter(self._reader.understand(readings) if readings else ())
        rows = [
            self._utterance(text, number, reading, next(features))
            for text in texts
            for number, reading in enumerate(text.readings)
        ]
        sounds = iter(self._sounds(rows))
        return [self._speech(text, [next(sounds) for _ in text.readings]) for text in texts]

    def _utterance(
        self, text: _Text, number: int, reading: Reading, features: Tensor | None
    ) -> Utterance:
        from networks.melo.synthesizer import Utterance

        manner = attrs.evolve(text.manner, seed=next_seed(text.manner.seed, number))
        ids = reading.ids
        return Utterance(
            ids.phones, ids.tones, ids.languages, text.speaker, features, manner=manner
        )

    def _sounds(self, rows: Sequence[Utterance]) -> list[Tensor | TooLong]:
        """The sound of each row; all share a forward, or as many as memory allows."""
        found: dict[int, Tensor | TooLong] = {}
        costs = [len(row.symbols) * max(row.manner.length_scale, 1.0) for row in rows]
        for places in packed(costs, self._settings.batch_budget or self.batch_budget):
            spoken = self._network.speak([rows[place] for place in places])
            found.update(zip(places, spoken, strict=True))
        return [found[place] for place in range(len(rows))]

    def _speech(self, text: _Text, sounds: Sequence[Tensor | TooLong]) -> Speech | SpeechError:
        parts = []
        for sound in sounds:
            if isinstance(sound, ValueError):
                return InvalidInput(f"this text is too long for one breath: {sound}", param="input")
            parts.append(Audio(np.array(sound.numpy(), dtype=np.float32), self._rate))
        return Speech(
            self._joined(parts, PAUSE * text.manner.length_scale), self._tones.get(text.voice)
        )

    def _joined(self, parts: list[Audio], pause: float) -> Audio:
        if len(parts) == 1:
            return parts[0]
        apart = [(trim(part, keep=KEPT_SILENCE), silence(pause, self._rate)) for part in parts]
        return join([piece for pair in apart for piece in pair], self._rate)

    def _native(self, language: str) -> str:
        """Who speaks for those who name no voice: the default one, or for en-GB who speaks that."""
        spoken = {plain(voice.language): voice.name for voice in reversed(self.card.voices)}
        return spoken.get(plain(language)) or self.card.default_voice or ""

    def _voice(self, asked: str) -> str:
        wanted = plain(asked)
        for name in self._voices:
            if plain(name) == wanted:
                return name
        raise InvalidInput(
            f"unknown voice {asked!r}; this model has {', '.join(self._voices)}", param="voice"
        )

    def _check_language(self, language: str | None) -> None:
        if language and not self._spoken.called(language):
            raise InvalidInput(
                f"unknown language {language!r}; this model has {self._spoken.tag}",
                param="language",
            )


def _reader(
    settings: RunnerSettings, spoken: Spoken, config: MeloConfig, store: Store, device: str
) -> Reader:
    bert = options_of(Options, settings).bert
    try:
        return Reader(spoken, bert or spoken.bert.source, config, store, device)
    except ExtraMissing as error:
        raise SettingsError(f"{settings.name}: {error}") from error


def _voices(published: Mapping[str, int], settings: RunnerSettings) -> dict[str, int]:
    """The offered voices and their rows in the speaker table; the names are the release's own."""
    known = {plain(name): name for name in published}
    unknown = [name for name in settings.voices if plain(name) not in known]
    if unknown or not known:
        raise SettingsError(
            f"{settings.name}: unknown voices {', '.join(unknown) or '(none)'}; "
            f"{settings.model} has {', '.join(published) or 'none'}"
        )
    wanted = [known[plain(name)] for name in settings.voices] or list(published)
    return {name: published[name] for name in wanted}


def _is_a_word(char: str) -> bool:
    """Whether a character is a digit or a sign: 5, ½, %, +."""
    return char in SIGNS or unicodedata.category(char)[0] in "NS"


def _default(voices: Mapping[str, int]) -> str:
    """The voice that its makers call so, else the first."""
    return next((name for name in voices if plain(name).endswith("-default")), next(iter(voices)))


def _tones(voices: Mapping[str, int], source: str | None, store: Store) -> dict[str, Embedding]:
    """The tone of each voice that has one; voices of other makers have none."""
    if source is None:
        return {}
    folder = store.fetch(source, allow=TONE_PATTERNS)
    found = {}
    for voice in voices:
        name = f"{plain(voice)}.pth"
        files = [file for file in (folder / TONE_FOLDER / name, folder / name) if file.is_file()]
        if files:
            vector = read_tensor(files[0]).flatten().numpy()
            found[voice] = Embedding(vector.astype(np.float32), SPACE)
        else:
            logger.warning("%s has no tone for the voice %s: it cannot be converted", source, voice)
    return found
