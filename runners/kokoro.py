"""Kokoro-82M: StyleTTS 2 without diffusion, exported to ONNX. Source: hexgrad, Apache-2.0. 24 kHz.

54 voices in nine languages. English, American and British, is spoken with our own front end; Spanish,
French, Hindi, Italian and Brazilian Portuguese need the espeak extra and are offered when it is
installed; Japanese and Mandarin voices are not offered, for we have no front end that makes the phonemes
they were trained on. Does not clone voices. The export takes one text at a time.

Two layouts are read. Ours: one network, config.json with the vocabulary, voices in a source of their
own. That of onnx-community on the hub: several networks in onnx/, of which the dtype chooses one, the
vocabulary in tokenizer.json, and voices/.
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
from weights.sources import Hub, parse

RATE = 24000
PAD = 0  # the token at both ends, which the community's vocabulary lists as "$"
LONGEST = 510  # phonemes: the network's 512 positions less one pad at each end
STYLE = 256  # numbers in one row of a voice; it has a row for every length of text
VOICES = "kokoro-voices"
BEST = "af_heart"  # the model's makers grade it highest
CONFIGS = ("config.json", "tokenizer.json")  # one of them holds the vocabulary
PLAIN = ("kokoro*.onnx", "model.onnx")  # a network that lies alone
# In onnx/ on the hub; q8f16, q4 and the others can be named as `file`.
EXPORTS = {
    "float32": "model", "float": "model", "bfloat16": "model",  # there is no export in bfloat16
    "float16": "model_fp16", "half": "model_fp16",
}  # fmt: skip
QUANTIZED = "model_quantized"  # 92 MB of int8
# The first input has another name in onnx-community's exports.
TOKENS = ("tokens", "input_ids")

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
    file: str | None = None  # the network, inside its source; None: as the dtype wants it
    # The source of the voices; None: the hub repository of the network, else our default ones
    voices: str | None = None
    default_voice: str | None = None  # None: the best of those configured


class Kokoro:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "characters"
    batch_budget: ClassVar[float] = 1.0  # the export takes one text at a time

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._options = options_of(Options, settings)
        folders = {
            source: store.fetch(source, allow=files)
            for source, files in _own_sources(settings, self._options).items()
        }
        folder = folders[settings.source]
        self._vocabulary = _vocabulary(folder)
        self._session = Network(_network_file(folder, settings, self._options), settings)
        self._tokens = _tokens_input(self._session, settings)
        self._front_ends = _front_ends(store)
        self._voices = _voices(
            folders[_voices_source(settings, self._options)], self._front_ends, settings
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
        return {**_own_sources(settings, options_of(Options, settings)), **english.SOURCES}

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
        tokens = [PAD, *(self._vocabulary[phoneme] for phoneme in phonemes), PAD]
        samples: Samples = self._session.run(
            None,
            {
                self._tokens: np.array([tokens], dtype=np.int64),
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


def _own_sources(settings: RunnerSettings, options: Options) -> dict[str, tuple[str, ...] | None]:
    """The network's source and the voices', which may be the same."""
    networks = (options.file,) if options.file else (_export(settings), *PLAIN)
    sources: dict[str, tuple[str, ...] | None] = {settings.source: (*networks, *CONFIGS)}
    voices = _voices_source(settings, options)
    if voices != settings.source:
        return {**sources, voices: ("*.bin",)}
    wanted = tuple(f"voices/{name}.bin" for name in settings.voices or ("*",))
    return {settings.source: (*networks, *CONFIGS, *wanted)}


def _voices_source(settings: RunnerSettings, options: Options) -> str:
    if options.voices:
        return options.voices
    return settings.source if isinstance(parse(settings.source), Hub) else VOICES


def _export(settings: RunnerSettings) -> str:
    """The network in onnx/ that fits: on a GPU what is not said means float32, which int8 is slower than."""
    if settings.dtype == "auto":
        name = QUANTIZED if settings.device == "cpu" else "model"
    else:
        name = EXPORTS.get(settings.dtype, QUANTIZED)
    return f"onnx/{name}.onnx"


def _network_file(folder: Path, settings: RunnerSettings, options: Options) -> Path:
    chosen = folder / (options.file or _export(settings))
    if chosen.is_file():
        return chosen
    files = sorted(folder.rglob("*.onnx"))
    if options.file or len(files) != 1:
        raise SettingsError(
            f"{settings.name}: there is no {chosen.relative_to(folder)} in {folder}, and "
            f"{len(files)} .onnx files where one is wanted; name it with options.file"
        )
    return files[0]


def _tokens_input(network: Network, settings: RunnerSettings) -> str:
    for name in TOKENS:
        if name in network.inputs:
            return name
    raise SettingsError(
        f"{settings.name}: {settings.source} is no Kokoro: its network wants {network.inputs}"
    )


def _vocabulary(folder: Path) -> Mapping[str, int]:
    """The number of each phoneme, from the config or, as in onnx-community's layout, the tokenizer."""
    vocabulary: Mapping[str, int] | None = None
    for name in CONFIGS:
        if vocabulary is None and (folder / name).is_file():
            tree = json.loads((folder / name).read_text(encoding="utf-8"))
            vocabulary = tree.get("vocab") or tree.get("model", {}).get("vocab")
    if vocabulary is None:
        raise SettingsError(f"{folder}: neither {' nor '.join(CONFIGS)} holds a vocabulary")
    return {phoneme: number for phoneme, number in vocabulary.items() if number != PAD}


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
