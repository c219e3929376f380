"""Piper voices: VITS networks exported to ONNX, small and fast. Source: OHF-Voice, voices under licences
of their own. One voice or several per file, at the rate its config states (mostly 22.05 kHz).

English voices are spoken with our own front end; other languages need the espeak extra, whose phonemes
the voices were trained on. Needs no `piper-tts`. The network draws its noise inside the graph, so the
same text never sounds quite the same twice and no seed can change that.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from audio import Audio, Samples, silence
from errors import InvalidInput, SettingsError
from networks.english import to_espeak_ipa
from networks.espeak import EspeakMissing, load_espeak
from runners import english
from runners.onnx import Network
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Speak, Speech, Voice
from weights import Store

FILES = ("*.onnx", "*.onnx.json")
BEGIN, END, PAD = "^", "$", "_"  # Piper's own symbols around and between phonemes

FrontEnd = Callable[[str], str]


@attrs.frozen
class Options:
    """None means that the voice's own config decides."""

    phonemizer: str | None = None  # english or espeak; None: english where it can
    noise_scale: float | None = None  # how much the timbre varies
    noise_w: float | None = None  # how much the rhythm varies


class Piper:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "characters"
    batch_budget: ClassVar[float] = (
        1.0  # the export returns no lengths, so texts of different length cannot share it
    )

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._options = options_of(Options, settings)
        file = _voice_file(store.fetch(settings.source, allow=FILES))
        self._config = _config(file)
        self._speakers = _speakers(self._config, file, settings)
        self._session = Network(file, settings)
        self._front_end = _front_end(self._config, self._options, store)
        self._ids: Mapping[str, Sequence[int]] = self._config["phoneme_id_map"]
        self._rate: int = self._config["audio"]["sample_rate"]
        language = _language(self._config)
        self.card = Card(
            languages=(language,),
            voices=tuple(Voice(name, language) for name in self._speakers),
            default_voice=next(iter(self._speakers)),
            rate=self._rate,
        )
        self._speak(Speak("Ready."))

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {settings.source: FILES, **english.SOURCES}

    def group(self, job: Speak) -> Hashable:
        return None

    def cost(self, job: Speak) -> float:
        return len(job.text)

    def synthesize(self, jobs: Sequence[Speak]) -> list[Speech]:
        return [self._speak(job) for job in jobs]

    def _speak(self, job: Speak) -> Speech:
        if job.seed is not None:
            raise InvalidInput("the chance in this voice takes no seed", param="seed")
        speaker = self._speaker(job.voice)
        self._check_language(job.language)
        ids = self._phoneme_ids(self._front_end(job.text))
        if not ids:
            return Speech(silence(0, self._rate))
        return Speech(Audio(self._infer(ids, speaker, job.speed), self._rate))

    def _speaker(self, voice: str | None) -> int:
        name = voice or self.card.default_voice or ""
        if name not in self._speakers:
            raise InvalidInput(
                f"unknown voice {name!r}; this model has {', '.join(self._speakers)}", param="voice"
            )
        return self._speakers[name]

    def _check_language(self, language: str | None) -> None:
        (own,) = self.card.languages
        if language and language.lower() not in (own.lower(), own.split("-")[0]):
            raise InvalidInput(
                f"unknown language {language!r}; this model has {own}", param="language"
            )

    def _phoneme_ids(self, phonemes: str) -> list[int]:
        """Ids with a pad after every phoneme; symbols the voice does not know are left out."""
        known = [self._ids[p] for p in unicodedata.normalize("NFD", phonemes) if p in self._ids]
        if not any(p.isalpha() for p in phonemes):
            return []
        pad = self._ids[PAD]
        ids = [*self._ids[BEGIN], *pad]
        for phoneme in known:
            ids += [*phoneme, *pad]
        return [*ids, *self._ids[END]]

    def _infer(self, ids: Sequence[int], speaker: int, speed: float) -> Samples:
        voice, own = self._config["inference"], self._options
        noise = voice["noise_scale"] if own.noise_scale is None else own.noise_scale
        noise_w = voice["noise_w"] if own.noise_w is None else own.noise_w
        feed: dict[str, Any] = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array([noise, voice["length_scale"] / speed, noise_w], dtype=np.float32),
        }
        if self._config.get("num_speakers", 1) > 1:
            feed["sid"] = np.array([speaker], dtype=np.int64)
        samples: Samples = self._session.run(None, feed)[0].reshape(-1)
        return np.clip(samples, -1.0, 1.0)


def _voice_file(source: Path) -> Path:
    if source.is_file():
        return source
    files = sorted(source.rglob("*.onnx"))
    if len(files) != 1:
        raise SettingsError(f"{source}: expected one .onnx voice, found {len(files)}")
    return files[0]


def _config(file: Path) -> Mapping[str, Any]:
    place = Path(f"{file}.json")
    if not place.is_file():
        raise SettingsError(
            f"{file.name} needs its {place.name} beside it; name the folder that holds both"
        )
    config: Mapping[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return config


def _front_end(config: Mapping[str, Any], options: Options, store: Store) -> FrontEnd:
    kind = config.get("phoneme_type", "espeak")
    if kind == "text":
        return str.lower
    if kind != "espeak":
        raise SettingsError(f"this voice wants {kind} phonemes; here are: espeak, text")
    voice = config["espeak"]["voice"]
    if options.phonemizer == "espeak" or not voice.startswith("en"):
        try:
            return load_espeak(voice)
        except EspeakMissing as error:
            raise SettingsError(str(error)) from error
    front_end = english.load_english(store, "gb" if "gb" in voice else "us")
    return lambda text: to_espeak_ipa(front_end.phonemize(text))


def _language(config: Mapping[str, Any]) -> str:
    code = config.get("language", {}).get("code") or config["espeak"]["voice"]
    language, _, region = code.replace("_", "-").partition("-")
    return f"{language}-{region.upper()}" if region else str(language)


def _speakers(config: Mapping[str, Any], file: Path, settings: RunnerSettings) -> dict[str, int]:
    """Names and numbers of the offered speakers; one alone bears the name in its file's: en_US-joe-medium."""
    parts = file.name.removesuffix(".onnx").split("-")
    found = {parts[1] if len(parts) > 2 else parts[0]: 0}
    if config.get("num_speakers", 1) > 1:
        found = config["speaker_id_map"]
    if unknown := [name for name in settings.voices if name not in found]:
        raise SettingsError(
            f"{settings.name}: unknown voices {', '.join(unknown)}; {file.name} has {', '.join(found)}"
        )
    return {name: number for name, number in found.items() if name in (settings.voices or found)}
