"""OpenVoice V1's base speakers: VITS with a table of styles. Source: myshell-ai/OpenVoice, MIT. 22.05 kHz.

English in nine styles, Chinese in one; each language is a checkpoint of its own. A voice is a style. It says
in which tone it speaks, so that a converter (runners/openvoice_tone.py) can give the speech another: nothing
here clones. Chance makes each reading a little different, unless a seed is given.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, ClassVar

import attrs
import numpy as np
from pydantic import Field

from audio import Audio, join, silence
from errors import InvalidInput, SettingsError, SpeechError, WeightsError
from networks.openvoice.config import SynthesizerConfig
from runners import openvoice_files
from runners.knobs import adjusted, knobs_of
from runners.openvoice_files import Files, Place
from runners.pytorch import fitting, place_of, read_tensor, read_weights
from runners.together import next_seed, packed, seed_of, together
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Embedding, Speak, Speech, Voice
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.openvoice.synthesizer import Utterance
    from networks.openvoice.text import FrontEnd
    from networks.vits.synthesizer import TooLong

SPACE = "openvoice_v1"
DICTIONARY = "cmudict"
DEFAULT = "default"  # the style of a request that names none
# Symbols of one breath, blanks included, at normal speed or faster: some 20 s. Attention grows with their
# square, and the network was trained on sentences.
LONGEST, SHORTEST = 600, 60
PER_CHARACTER = 2  # symbols, blanks included
PAUSE = 0.05  # seconds after each piece of a text, at normal speed


@attrs.frozen
class Base:
    """A language's base speaker, and the files with the tone of its default style and of the others."""

    language: str  # BCP 47
    folder: str
    tone: str
    styled_tone: str | None  # None: there are no other styles

    warm_up: str

    @property
    def place(self) -> Place:
        tones = (self.tone, self.styled_tone) if self.styled_tone else (self.tone,)
        return Place(f"checkpoints/base_speakers/{self.folder}", tones)

    @property
    def dictionaries(self) -> tuple[str, ...]:
        return (DICTIONARY,) if self.language == "en" else ()


BASES = {
    "EN": Base("en", "EN", "en_default_se.pth", "en_style_se.pth", "Ready."),
    "ZH": Base("zh", "ZH", "zh_default_se.pth", None, "好。"),
}


@attrs.frozen
class Options:
    """The defaults are the published ones."""

    noise_scale: Annotated[float, Field(ge=0, le=2)] = 0.667  # how much the timbre varies
    noise_scale_w: Annotated[float, Field(ge=0, le=2)] = 0.6  # how much the rhythm varies
    sdp_ratio: Annotated[float, Field(ge=0, le=1)] = 0.2  # the share of chance in the rhythm


@attrs.frozen
class Reading:
    """A text on its way to speech: its pieces as the network takes them."""

    utterances: tuple[Utterance, ...]
    style: str
    pause: float  # seconds after each piece


class OpenVoiceV1Synthesizer:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "characters"
    batch_budget: ClassVar[float] = 400.0  # some 27 s of speech, for which it takes about 1 GB

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        from networks.openvoice.synthesizer import load

        self._settings = settings
        self._options = options_of(Options, settings)
        runs_on = place_of(settings)
        base = _base(settings)
        files = openvoice_files.fetch(settings, base.place, store)
        with fitting(f"{SPACE}, {base.folder}"):
            config = SynthesizerConfig.parsed(files.config)
            weights = read_weights(files.checkpoint)
            self._network = load(config, weights, runs_on.device, runs_on.dtype)
        self._rate = config.sound.rate
        self._space = config.symbols.index(" ") if " " in config.symbols else -1
        self._styles = _styles(config, base, settings)
        self._tones = {style: _tone(files, base, style) for style in self._styles}
        self._front_end = _front_end(base, config, store)
        self.card = Card(
            languages=(base.language,),
            voices=tuple(Voice(style, base.language) for style in self._styles),
            default_voice=DEFAULT if DEFAULT in self._styles else next(iter(self._styles)),
            rate=self._rate,
            knobs=knobs_of(self._options),
        )
        self.synthesize([Speak(base.warm_up)])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        base = _base(settings)
        own = openvoice_files.sources(settings, base.place)
        return {**own, **dict.fromkeys(base.dictionaries)}

    def group(self, job: Speak) -> Hashable:
        return None

    def cost(self, job: Speak) -> float:
        return len(job.text) / min(job.speed, 1.0)

    def synthesize(self, jobs: Sequence[Speak]) -> list[Speech | SpeechError]:
        return together(jobs, self._read, self._spoken)

    def _read(self, job: Speak) -> Reading:
        from networks.openvoice.synthesizer import Utterance
        from networks.vits.synthesizer import Manner

        style = self._style(job.voice)
        self._check_language(job.language)
        seed = seed_of(job.seed, self._settings.seed)
        own = adjusted(self._options, job.options)
        manner = Manner(1 / job.speed, own.noise_scale, own.noise_scale_w, own.sdp_ratio)
        utterances = tuple(
            Utterance(ids, self._styles[style], attrs.evolve(manner, seed=next_seed(seed, number)))
            for number, ids in enumerate(self._breaths(job))
        )
        return Reading(utterances, style, PAUSE / job.speed)

    def _spoken(self, readings: list[Reading]) -> list[Speech | SpeechError]:
        sounds = iter(self._uttered([u for reading in readings for u in reading.utterances]))
        return [
            self._joined(reading, [next(sounds) for _ in reading.utterances])
            for reading in readings
        ]

    def _uttered(self, utterances: Sequence[Utterance]) -> list[Tensor | TooLong]:
        """All pieces of all texts in one forward, or as many as memory allows."""
        found: dict[int, Tensor | TooLong] = {}
        costs = [len(u.symbols) * max(u.manner.length_scale, 1.0) for u in utterances]
        budget = self._settings.batch_budget or self.batch_budget
        for places in packed(costs, budget * PER_CHARACTER):
            sounds = self._network.speak([utterances[place] for place in places])
            found.update(zip(places, sounds, strict=True))
        return [found[place] for place in range(len(utterances))]

    def _joined(self, reading: Reading, sounds: list[Tensor | TooLong]) -> Speech | SpeechError:
        parts: list[Audio] = []
        for sound in sounds:
            if isinstance(sound, ValueError):
                return InvalidInput(f"this text is too long for one breath: {sound}", param="input")
            samples = np.array(sound.numpy(), dtype=np.float32)
            parts += [Audio(samples, self._rate), silence(reading.pause, self._rate)]
        return Speech(join(parts, self._rate), self._tones[reading.style])

    def _breaths(self, job: Speak) -> Iterator[list[int]]:
        """The pieces of a text as the network's symbols, without those in which nothing is said."""
        from networks.unreadable import UnreadableText

        longest = max(int(LONGEST * min(job.speed, 1.0)), SHORTEST)
        for piece in self._front_end.pieces(job.text):
            with suppress(UnreadableText):
                yield from breaths(self._front_end.ids(piece), self._space, longest)

    def _style(self, voice: str | None) -> str:
        style = voice or self.card.default_voice or ""
        if style not in self._styles:
            raise InvalidInput(
                f"unknown voice {style!r}; this model has the styles {', '.join(self._styles)}",
                param="voice",
            )
        return style

    def _check_language(self, language: str | None) -> None:
        (own,) = self.card.languages
        if language and language.lower() != own:
            raise InvalidInput(
                f"unknown language {language!r}; this model speaks {own}", param="language"
            )


def breaths(symbols: list[int], space: int, longest: int) -> Iterator[list[int]]:
    """Symbols in parts of at most `longest`, cut after a space where there is one."""
    while len(symbols) > longest:
        spaces = [place for place in range(longest // 2, longest) if symbols[place] == space]
        at = spaces[-1] + 1 if spaces else longest
        yield symbols[:at]
        symbols = symbols[at:]
    yield symbols


def _base(settings: RunnerSettings) -> Base:
    wanted = (settings.language or "EN").upper()
    if wanted not in BASES:
        raise SettingsError(
            f"{settings.name}: there is no base speaker for language {settings.language}; "
            f"there are {', '.join(BASES)}"
        )
    return BASES[wanted]


def _front_end(base: Base, config: SynthesizerConfig, store: Store) -> FrontEnd:
    from networks.chinese.words import ChineseMissing
    from networks.openvoice.text import load_front_end

    dictionary = next(map(store.fetch, base.dictionaries), None)
    try:
        return load_front_end(
            base.folder, config.symbols, add_blank=config.add_blank, dictionary=dictionary
        )
    except ChineseMissing as error:
        raise SettingsError(str(error)) from error


def _styles(config: SynthesizerConfig, base: Base, settings: RunnerSettings) -> dict[str, int]:
    """The offered styles and their rows of the speaker table."""
    found = config.styles
    if base.styled_tone is None:
        found = {style: row for style, row in found.items() if style == DEFAULT}
    if not found:
        raise WeightsError(
            f"{SPACE}, {base.folder}: config.json names no style that can be offered"
        )
    if unknown := [name for name in settings.voices if name not in found]:
        raise SettingsError(
            f"{settings.name}: unknown voices {', '.join(unknown)}; "
            f"its styles are {', '.join(found)}"
        )
    return {style: row for style, row in found.items() if style in (settings.voices or found)}


def _tone(files: Files, base: Base, style: str) -> Embedding:
    """The tone that a style speaks in, as the converter of the same version knows tones."""
    name = base.tone if style == DEFAULT or base.styled_tone is None else base.styled_tone
    tensor = read_tensor(files.folder / name)
    if tensor.ndim != 3 or tensor.shape != (1, tensor.shape[1], 1):
        raise WeightsError(f"{name} has the shape {tuple(tensor.shape)}; (1, 256, 1) was published")
    return Embedding(np.array(tensor[0, :, 0].numpy()), SPACE)
