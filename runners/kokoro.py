"""Kokoro-82M: StyleTTS 2 without diffusion, exported to ONNX. Source: hexgrad, Apache-2.0. 24 kHz.

54 voices in nine languages. English, American and British, is spoken with our own front end; Spanish,
French, Hindi, Italian and Brazilian Portuguese need the espeak extra and are offered when it is
installed; Japanese and Mandarin voices are not offered, for we have no front end that makes the phonemes
they were trained on. Does not clone voices. The export takes one text at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from audio import Audio, Samples, join, silence
from errors import InvalidInput, SettingsError
from networks.espeak import EspeakMissing, load_espeak
from runners import english
from runners.onnx import Network
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Speak, Speech, Voice
from weights import Store

RATE = 24000
LONGEST = 510  # phonemes: the network's 512 positions less one pad at each end
STYLE = 256  # numbers in one row of a voice; it has a row for every length of text
VOICES = "kokoro-voices"
BEST = "af_heart"  # the model's makers grade it highest
FILES = ("*.onnx", "config.json")

# The first letter of a voice's name tells its language.
LANGUAGES = {
    "a": "en-US", "b": "en-GB", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt-BR",
}  # fmt: skip
DIALECTS: Mapping[str, english.Dialect] = {"en-US": "us", "en-GB": "gb"}
ESPEAK_VOICES = {"es": "es", "fr": "fr", "hi": "hi", "it": "it", "pt-BR": "pt-br"}
# Diphthongs and affricates have symbols of their own in the model's alphabet.
FROM_ESPEAK = {
    "aɪ": "I", "aʊ": "W", "dʒ": "ʤ", "dz": "ʣ", "eɪ": "A", "oʊ": "O", "əʊ": "Q", "tʃ": "ʧ",
    "ts": "ʦ", "ɔɪ": "Y", "-": "", "c\u0327": "ç",
}  # fmt: skip

FrontEnd = Callable[[str], str]


@attrs.frozen
class Options:
    voices: str = VOICES  # the source of the voices, apart from the network's
    default_voice: str | None = None  # None: the best of those configured


class Kokoro:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "characters"
    batch_budget: ClassVar[float] = 1.0  # the export takes one text at a time

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._options = options_of(Options, settings)
        folder = store.fetch(settings.source, allow=FILES)
        self._vocabulary = _vocabulary(folder)
        self._session = Network(_network_file(folder), settings)
        self._front_ends = _front_ends(store)
        self._voices = _voices(
            store.fetch(self._options.voices, allow=("*.bin",)), self._front_ends, settings
        )
        self.card = Card(
            languages=tuple(sorted({voice.language for voice in self._offered})),
            voices=tuple(self._offered),
            default_voice=self._default_voice(settings),
            rate=RATE,
        )
        self._speak(Speak("Ready."))

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        options = options_of(Options, settings)
        return {settings.source: FILES, options.voices: ("*.bin",), **english.SOURCES}

    def group(self, job: Speak) -> Hashable:
        return None

    def cost(self, job: Speak) -> float:
        return len(job.text)

    def synthesize(self, jobs: Sequence[Speak]) -> list[Speech]:
        return [self._speak(job) for job in jobs]

    @cached_property
    def _offered(self) -> list[Voice]:
        return [Voice(name, LANGUAGES[name[0]]) for name in self._voices]

    def _default_voice(self, settings: RunnerSettings) -> str:
        wanted = self._options.default_voice
        if wanted and wanted not in self._voices:
            known = ", ".join(self._voices)
            raise SettingsError(f"{settings.name}: default_voice {wanted} is not one of {known}")
        return wanted or (BEST if BEST in self._voices else next(iter(self._voices)))

    def _speak(self, job: Speak) -> Speech:
        name = job.voice or self.card.default_voice or ""
        if name not in self._voices:
            known = ", ".join(self._voices)
            raise InvalidInput(f"unknown voice {name!r}; this model has {known}", param="voice")
        phonemes = self._phonemize(job.text, job.language or LANGUAGES[name[0]])
        known_phonemes = "".join(p for p in phonemes if p in self._vocabulary)
        if not any(p.isalpha() for p in known_phonemes):
            return Speech(silence(0, RATE))
        parts = [
            Audio(self._infer(part, self._voices[name], job.speed), RATE)
            for part in pieces(known_phonemes, LONGEST)
        ]
        return Speech(join(parts, RATE))

    def _phonemize(self, text: str, language: str) -> str:
        for offered, front_end in self._front_ends.items():
            if offered.lower() == language.lower() or offered.split("-")[0] == language.lower():
                return front_end(text)
        raise InvalidInput(
            f"unknown language {language!r}; this model has {', '.join(self._front_ends)}",
            param="language",
        )

    def _infer(self, phonemes: str, voice: NDArray[np.float32], speed: float) -> Samples:
        tokens = [0, *(self._vocabulary[phoneme] for phoneme in phonemes), 0]
        samples: Samples = self._session.run(
            None,
            {
                "tokens": np.array([tokens], dtype=np.int64),
                "style": voice[len(phonemes) - 1][None],
                "speed": np.array([speed], dtype=np.float32),
            },
        )[0].reshape(-1)
        return np.clip(samples, -1.0, 1.0)


def pieces(phonemes: str, longest: int) -> Iterator[str]:
    """Stretches of at most `longest` phonemes, cut at the last pause, else space, else anywhere."""
    while len(phonemes) > longest:
        head = phonemes[:longest]
        pause = max((match.end() for match in re.finditer(r"[.!?;:,—…] ?", head)), default=0)
        at = pause or head.rfind(" ") + 1 or longest
        if piece := phonemes[:at].strip():
            yield piece
        phonemes = phonemes[at:]
    if piece := phonemes.strip():
        yield piece


def _network_file(folder: Path) -> Path:
    files = sorted(folder.rglob("*.onnx"))
    if len(files) != 1:
        raise SettingsError(f"{folder}: expected one .onnx file, found {len(files)}")
    return files[0]


def _vocabulary(folder: Path) -> Mapping[str, int]:
    vocabulary: Mapping[str, int] = json.loads(
        (folder / "config.json").read_text(encoding="utf-8")
    )["vocab"]
    return vocabulary


def _front_ends(store: Store) -> dict[str, FrontEnd]:
    """What can be phonemized here, by language."""
    found: dict[str, FrontEnd] = {
        language: english.load_english(store, dialect).phonemize
        for language, dialect in DIALECTS.items()
    }
    for language, voice in ESPEAK_VOICES.items():
        try:
            found[language] = _to_kokoro(load_espeak(voice))
        except EspeakMissing:
            break  # the extra is installed for all of them or for none
    return found


def _to_kokoro(espeak: FrontEnd) -> FrontEnd:
    def phonemize(text: str) -> str:
        phonemes = espeak(text)
        for ipa, symbol in FROM_ESPEAK.items():
            phonemes = phonemes.replace(ipa, symbol)
        return phonemes

    return phonemize


def _voices(
    folder: Path, front_ends: Mapping[str, FrontEnd], settings: RunnerSettings
) -> dict[str, NDArray[np.float32]]:
    """Voices [510, 256] that we can phonemize for, read from disk when used."""
    found = {
        file.stem: np.memmap(file, dtype=np.float32, mode="r").reshape(-1, STYLE)
        for file in sorted(folder.rglob("*.bin"))
        if LANGUAGES.get(file.stem[0]) in front_ends
        and (not settings.voices or file.stem in settings.voices)
        and settings.language in (None, LANGUAGES[file.stem[0]])
    }
    if unknown := [name for name in settings.voices if name not in found]:
        raise SettingsError(
            f"{settings.name}: voices {', '.join(unknown)} cannot be offered: no such file in {folder}, "
            f"or no phonemizer for their language ({', '.join(front_ends)} can be phonemized)"
        )
    if not found:
        raise SettingsError(f"{settings.name}: no voice in {folder} can be offered")
    return dict(found)
