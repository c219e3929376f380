"""Whisper through faster-whisper and CTranslate2 (MIT): speech to text in the model's languages.

Takes stretches of at most 30 s, which is all that Whisper ever sees at once; `pipelines/transcription.py`
cuts longer sound at pauses. Stretches of different requests share one forward pass. A text that looks
wrong (repetitive, improbable) is decoded anew at a higher temperature, as the Whisper paper does.
Does not tell speakers apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from audio import Audio, resample
from errors import InvalidInput, SettingsError
from networks.whisper import TICK, TimedTokens, TimedWord, share_out, split_at_timestamps, tame
from settings import RunnerSettings, options_of
from tasks import Capability, Card, Segment, Transcribe, Transcript, Word
from weights import Store

if TYPE_CHECKING:
    from faster_whisper.tokenizer import Tokenizer

RATE = 16000
WINDOW = 30.0  # seconds: the length Whisper was trained on
FRAMES_PER_SECOND = 100
INAUDIBLE = 1e-4  # -80 dBFS: digital silence, out of which tiny models hear "You"
# Of the window's own level: a rest that is quieter is a pause, out of which models invent.
AUDIBLE = 0.1
LEAST_REST = 1.5  # seconds after the last word that are worth another look: a sentence is longer
FIRST_SPEECH = round(1.0 / TICK)  # a window's first timestamp is at most 1 s in
FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # punctuation that belongs to a word

SYSTRAN = ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en")
SIZES = {
    **{
        size: f"Systran/faster-whisper-{size}"
        for size in (*SYSTRAN, "large-v1", "large-v2", "large-v3")
    },
    **{
        f"distil-{size}": f"Systran/faster-distil-whisper-{size}"
        for size in ("small.en", "medium.en", "large-v2", "large-v3")
    },
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
COMPUTE_TYPES = {"auto": "default", "half": "float16", "float": "float32"}


@attrs.frozen
class Options:
    """Decoding; the defaults are those of OpenAI's own implementation."""

    beam_size: int = 5
    best_of: int = 5  # candidates when sampling at a temperature above 0
    patience: float = 1.0
    temperatures: tuple[float, ...] = attrs.field(
        default=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0), converter=tuple
    )
    # A text that zlib packs better than this is a loop; one less probable than that is a guess.
    compression_ratio_threshold: float = 2.4
    log_prob_threshold: float = -1.0
    no_speech_threshold: float = 0.6  # above it an improbable text means silence


@attrs.frozen
class Hypothesis:
    """What was decoded from one window."""

    tokens: tuple[int, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    temperature: float


class FasterWhisper:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.TRANSCRIBE,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 16 * WINDOW

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        import ctranslate2
        from faster_whisper import WhisperModel

        self._options = options_of(Options, settings)
        kind, _, index = settings.device.partition(":")
        if kind in ("cuda", "rocm") and not ctranslate2.get_cuda_device_count():
            raise SettingsError(
                f"{settings.name}: device {settings.device}: CTranslate2 sees no GPU"
            )
        self._model = WhisperModel(
            str(store.fetch(next(iter(self.sources(settings))), allow=FILES)),
            device="cuda" if kind == "rocm" else kind,  # CTranslate2's ROCm build answers to cuda
            device_index=int(index or 0),
            compute_type=COMPUTE_TYPES.get(settings.dtype, settings.dtype),
            cpu_threads=settings.threads,
            num_workers=settings.workers,
        )
        self._multilingual = bool(self._model.model.is_multilingual)
        self._language = settings.language  # of sound whose language nobody names; None: listen
        if self._language and self._language not in self._model.supported_languages:
            known = ", ".join(self._model.supported_languages)
            raise SettingsError(f"{settings.name}: language {self._language} is none of {known}")
        if settings.seed is not None:
            ctranslate2.set_random_seed(settings.seed)
        self.card = Card(
            languages=tuple(self._model.supported_languages),
            rate=RATE,
        )
        self.transcribe([Transcribe(Audio(np.zeros(RATE, dtype=np.float32), RATE), language="en")])

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        source = SIZES.get(settings.model, settings.model)
        return {f"{source}@{settings.revision}" if settings.revision else source: FILES}

    def group(self, job: Transcribe) -> Hashable:
        return (
            job.language,
            job.candidates,
            job.translate,
            job.prompt,
            job.temperature,
            job.words,
            job.draft,
        )

    def cost(self, job: Transcribe) -> float:
        # Every window is padded to 30 s, so a short one costs the encoder as much as a long one.
        return WINDOW

    def transcribe(self, jobs: Sequence[Transcribe]) -> list[Transcript]:
        return [
            self._continued(job, transcript)
            for job, transcript in zip(jobs, self._windows(jobs), strict=True)
        ]

    def _continued(self, job: Transcribe, heard: Transcript) -> Transcript:
        """A window whose text ends long before its sound: decode on from there, as Whisper does."""
        sound = _sound(job)
        end = heard.segments[-1].end if heard.segments else sound.duration
        rest = sound.cut(end, sound.duration)
        if rest.duration < LEAST_REST or _level(rest) < AUDIBLE * _level(sound):
            return heard
        on = attrs.evolve(job, sound=rest, language=heard.language, candidates=())
        more = self.transcribe([on])[0].segments
        return attrs.evolve(
            heard, segments=heard.segments + tuple(segment.shifted(end) for segment in more)
        )

    def _windows(self, jobs: Sequence[Transcribe]) -> list[Transcript]:
        """Each window decoded once, all in one forward."""
        sounds = [_sound(job) for job in jobs]
        features = np.stack([self._features(sound) for sound in sounds])
        encoded = self._model.encode(features)
        languages = self._languages(jobs, encoded)
        if len(set(languages)) > 1:
            told = [
                attrs.evolve(j, language=heard) for j, heard in zip(jobs, languages, strict=True)
            ]
            return [transcript for job in told for transcript in self._windows([job])]
        return self._write_down(jobs[0], languages[0], sounds, features, encoded)

    def _features(self, sound: Audio) -> NDArray[np.float32]:
        """Log-mel spectrogram [bands, 3000]."""
        from faster_whisper.audio import pad_or_trim

        features: NDArray[np.float32] = self._model.feature_extractor(sound.samples)
        return np.asarray(pad_or_trim(features), dtype=np.float32)

    def _languages(self, jobs: Sequence[Transcribe], encoded: Any) -> list[str]:
        """The asked or heard language of each job."""
        if not self._multilingual:
            return ["en"] * len(jobs)
        asked = [job.language or (None if job.candidates else self._language) for job in jobs]
        if all(asked):
            return [str(language) for language in asked]
        heard = self._model.model.detect_language(encoded)
        return [
            language or _likeliest([token[2:-2] for token, _ in ranking], job.candidates)
            for job, language, ranking in zip(jobs, asked, heard, strict=True)
        ]

    def _write_down(
        self,
        job: Transcribe,  # any of the group: they differ in their sound only
        language: str,
        sounds: Sequence[Audio],
        features: NDArray[np.float32],
        encoded: Any,
    ) -> list[Transcript]:
        tokenizer = self._tokenizer(language, job.translate)
        prompt = self._prompt(job, tokenizer)
        first, *warmer = (
            self._options.temperatures if job.temperature in (None, 0) else (job.temperature,)
        )
        hypotheses = self._decode(encoded, prompt, len(sounds), tokenizer, first)
        for index, hypothesis in enumerate(hypotheses):
            if warmer and not job.draft and self._looks_wrong(hypothesis):
                alone = encoded if len(sounds) == 1 else self._model.encode(features[index])
                hypotheses[index] = self._retry(alone, prompt, tokenizer, warmer, hypothesis)
        timed = [
            self._believed(hypothesis, tokenizer, sound)
            for hypothesis, sound in zip(hypotheses, sounds, strict=True)
        ]
        words: Sequence[Sequence[Sequence[TimedWord]]] = (
            self._words(timed, sounds, tokenizer, encoded)
            if job.words
            else [[()] * len(parts) for parts in timed]
        )
        return [
            Transcript(_segments(*row, tokenizer), language, sound.duration)
            for row, sound in zip(zip(hypotheses, timed, words, strict=True), sounds, strict=True)
        ]

    def _decode(
        self, encoded: Any, prompt: list[int], count: int, tokenizer: Tokenizer, temperature: float
    ) -> list[Hypothesis]:
        """Decode all windows in one forward: beam search at 0, else the best of some samples."""
        options = self._options
        search = (
            {"beam_size": options.beam_size, "patience": options.patience}
            if temperature == 0
            else {
                "beam_size": 1,
                "num_hypotheses": options.best_of,
                "sampling_topk": 0,
                "sampling_temperature": temperature,
            }
        )
        results = self._model.model.generate(
            encoded,
            [prompt] * count,
            max_length=self._model.max_length,
            return_scores=True,
            return_no_speech_prob=True,
            max_initial_timestamp_index=FIRST_SPEECH,
            **search,
        )
        return [_hypothesis(result, tokenizer, temperature) for result in results]

    def _retry(
        self,
        encoded: Any,
        prompt: list[int],
        tokenizer: Tokenizer,
        temperatures: Sequence[float],
        first: Hypothesis,
    ) -> Hypothesis:
        """Decode one window at rising temperatures until its text looks right, else keep the best."""
        tried = [first]
        for temperature in temperatures:
            tried += self._decode(encoded, prompt, 1, tokenizer, temperature)
            if not self._looks_wrong(tried[-1]):
                return tried[-1]
        return max(tried, key=lambda h: (not self._loops(h), h.avg_logprob))

    def _looks_wrong(self, hypothesis: Hypothesis) -> bool:
        improbable = hypothesis.avg_logprob < self._options.log_prob_threshold
        silent = hypothesis.no_speech_prob > self._options.no_speech_threshold
        return (improbable and not silent) or self._loops(hypothesis)

    def _loops(self, hypothesis: Hypothesis) -> bool:
        return hypothesis.compression_ratio > self._options.compression_ratio_threshold

    def _believed(
        self, hypothesis: Hypothesis, tokenizer: Tokenizer, sound: Audio
    ) -> list[TimedTokens]:
        """The segments of a hypothesis; none if the model made it up out of silence."""
        improbable = hypothesis.avg_logprob < self._options.log_prob_threshold
        silent = hypothesis.no_speech_prob > self._options.no_speech_threshold
        if _level(sound) < INAUDIBLE or (improbable and (silent or self._loops(hypothesis))):
            return []
        begin, end_of_text = tokenizer.timestamp_begin, tokenizer.eot
        tokens = [t for t in hypothesis.tokens if t < end_of_text or t >= begin]
        return split_at_timestamps(tokens, begin, sound.duration)

    def _words(
        self,
        timed: Sequence[Sequence[TimedTokens]],
        sounds: Sequence[Audio],
        tokenizer: Tokenizer,
        encoded: Any,
    ) -> list[list[tuple[TimedWord, ...]]]:
        """The words of each segment of each window, aligned in one forward."""
        from faster_whisper.transcribe import merge_punctuations

        tokens = [[token for part in parts for token in part.tokens] for parts in timed]
        frames = [max(1, int(sound.duration * FRAMES_PER_SECOND)) for sound in sounds]
        shared = []
        for parts, found in zip(
            timed, self._model.find_alignment(tokenizer, tokens, encoded, frames), strict=True
        ):
            merge_punctuations(found, PREPENDED, APPENDED)
            shared.append(share_out(tame([_timed_word(word) for word in found]), parts))
        return shared

    def _prompt(self, job: Transcribe, tokenizer: Tokenizer) -> list[int]:
        previous = tokenizer.encode(" " + job.prompt.strip()) if job.prompt else []
        prompt: list[int] = self._model.get_prompt(tokenizer, previous)
        return prompt

    def _tokenizer(self, language: str, translate: bool) -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(
            self._model.hf_tokenizer,
            self._multilingual,
            task="translate" if translate else "transcribe",
            language=language,
        )


def _sound(job: Transcribe) -> Audio:
    if not isinstance(job.sound, Audio) or job.sound.duration > WINDOW + TICK:
        raise InvalidInput(f"a transcriber takes at most {WINDOW:.0f} s of decoded sound")
    return resample(job.sound, RATE)


def _level(sound: Audio) -> float:
    """How loud its loud parts are: what 5 % of the samples exceed."""
    return float(np.percentile(np.abs(sound.samples), 95)) if sound.samples.size else 0.0


def _likeliest(ranking: Sequence[str], candidates: Sequence[str]) -> str:
    return next(language for language in ranking if not candidates or language in candidates)


def _hypothesis(result: Any, tokenizer: Tokenizer, temperature: float) -> Hypothesis:
    tokens = result.sequences_ids[0]
    packed = tokenizer.decode(tokens).strip().encode()
    return Hypothesis(
        tokens=tuple(tokens),
        # CTranslate2 gives the mean over the tokens; Whisper counts the end of text as one more.
        avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
        no_speech_prob=result.no_speech_prob,
        compression_ratio=len(packed) / len(zlib.compress(packed)),
        temperature=temperature,
    )


def _timed_word(found: dict[str, Any]) -> TimedWord:
    return TimedWord(
        start=float(found["start"]),
        end=float(found["end"]),
        text=found["word"],
        probability=float(found["probability"]),
        tokens=len(found["tokens"]),
    )


def _segments(
    hypothesis: Hypothesis,
    timed: Sequence[TimedTokens],
    words: Sequence[Sequence[TimedWord]],
    tokenizer: Tokenizer,
) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            start=round(said[0].start if said else part.start, 2),
            end=round(said[-1].end if said else part.end, 2),
            text=text,
            tokens=part.tokens,
            temperature=hypothesis.temperature,
            avg_logprob=hypothesis.avg_logprob,
            compression_ratio=hypothesis.compression_ratio,
            no_speech_prob=hypothesis.no_speech_prob,
            words=tuple(
                Word(round(w.start, 2), round(w.end, 2), w.text, w.probability) for w in said
            ),
        )
        for part, said in zip(timed, words, strict=True)
        if (text := tokenizer.decode(list(part.tokens))).strip()
    )
