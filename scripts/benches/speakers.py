"""How alike the voices of one speaker and of two are to the configured encoder, and what follows from that.

Every voice of the configured synthesizers says other sentences in each clip, and every clip is heard in
its own way: as it is, by telephone, in a room, in noise. For each length of speech the bench prints how
often the best threshold errs, and the curve of `Card.likeness` that these pairs are drawn from: the
threshold and the steepness of a logistic regression in which both kinds of pairs weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

import settings
from audio import Audio, join, resample, trim
from catalog import model_class
from runners.base import Model
from scripts.benches.machine import PARAGRAPH, Bench
from tasks import Capability, Embed, Embedding, Speak
from weights import Store

RATE = 16000
LENGTHS = (1.5, 3.0, 5.0, 10.0)  # seconds of speech
CLIPS = 6  # of each voice and length
SEED = 4
KEPT = 0.05  # seconds of silence around a sentence
TELEPHONE = (300.0, 3400.0)  # Hz
REVERBERATION = 0.3  # seconds until a room is 60 dB quieter
NOISE = (10.0, 25.0)  # dB below the speech
ROUNDS = 50  # of Newton's method, which needs about ten

Samples = NDArray[np.float32]
Numbers = NDArray[np.float64]


def run(bench: Bench) -> None:
    entries = settings.load().model_configs
    store = Store(settings.weights_root(), offline=True)
    models = {entry.name: (entry, model_class(entry)) for entry in entries}
    encoder = next(
        kind(entry, store)
        for entry, kind in models.values()
        if Capability.EMBED in kind.capabilities
    )
    speakers = [
        kind(entry, store)
        for entry, kind in models.values()
        if Capability.SPEAK in kind.capabilities
    ]
    said = dict(chain.from_iterable(map(_said, speakers)))
    print(f"  {len(said)} voices, {CLIPS} clips of each, {len(PARAGRAPH.split('. '))} sentences")
    for seconds in LENGTHS:
        points, voices = _embedded(encoder, said, seconds)
        same, other = _pairs(points, voices)
        threshold, steepness = _logistic(same, other)
        missed, mixed = float((same < threshold).mean()), float((other >= threshold).mean())
        print(
            f"  {seconds:4} s: {len(same)} pairs of one voice, {len(other)} of two; "
            f"cosines {_range(same)} and {_range(other)}; "
            f"Likeness({seconds}, {threshold:.3f}, {steepness:.1f}) "
            f"parts {missed:.1%} of one voice, joins {mixed:.1%} of two",
            flush=True,
        )


def _said(model: Model) -> Iterator[tuple[str, list[Samples]]]:
    """What each voice of a model says, sentence by sentence, without the silence around it."""
    speaking: Any = model
    for voice in model.card.voices:
        jobs = [Speak(f"{text.rstrip('.')}.", voice.name) for text in PARAGRAPH.split(". ")]
        heard = [resample(made.audio, RATE) for job in jobs for made in speaking.synthesize([job])]
        yield voice.name, [trim(sound, KEPT).samples for sound in heard]


def _embedded(
    encoder: Model, said: Mapping[str, Sequence[Samples]], seconds: float
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Voices of clips [N, D], and whose each is."""
    chance = np.random.default_rng(SEED)
    clips, voices = [], []
    for number, sentences in enumerate(said.values()):
        for _ in range(CLIPS):
            clips.append(_heard(_clip(sentences, seconds, chance), chance))
            voices.append(number)
    listening: Any = encoder
    found = [listening.embed([Embed(clip)])[0] for clip in clips]
    assert all(isinstance(one, Embedding) for one in found)
    return np.stack([one.vector for one in found]), np.array(voices)


def _clip(sentences: Sequence[Samples], seconds: float, chance: np.random.Generator) -> Samples:
    """So much of what a voice says, in another order each time and from another place on."""
    order = chance.permutation(len(sentences))
    whole = join([Audio(sentences[i], RATE) for i in order], RATE).samples
    length = round(seconds * RATE)
    start = chance.integers(0, len(sentences[order[0]]))
    return np.roll(whole, -start)[:length]


def _heard(clip: Samples, chance: np.random.Generator) -> Audio:
    """A clip in one of four ways."""
    heard: NDArray[np.floating[Any]]
    match chance.integers(0, 4):
        case 0:
            heard = clip
        case 1:
            bands = np.fft.rfft(clip)
            pitches = np.fft.rfftfreq(len(clip), 1 / RATE)
            bands[(pitches < TELEPHONE[0]) | (pitches > TELEPHONE[1])] = 0
            heard = np.fft.irfft(bands, len(clip))
        case 2:
            times = np.arange(round(REVERBERATION * RATE)) / RATE
            echo = chance.standard_normal(len(times)) * 10 ** (-3 * times / REVERBERATION)
            echo[0] = np.sqrt(np.square(echo).sum())  # as loud as all that follows
            size = len(clip) + len(echo)
            heard = np.fft.irfft(np.fft.rfft(clip, size) * np.fft.rfft(echo, size), size)
            heard = heard[: len(clip)] / max(np.abs(heard).max(), 1.0)
        case _:
            level = np.std(clip) * 10 ** (-chance.uniform(*NOISE) / 20)
            heard = clip + level * chance.standard_normal(len(clip))
    return Audio(np.asarray(heard, dtype=np.float32), RATE)


def _pairs(points: NDArray[np.float32], voices: NDArray[np.intp]) -> tuple[Numbers, Numbers]:
    """Cosines between clips of one voice, and between clips of two."""
    alike = (points @ points.T).astype(np.float64)
    above = np.triu(np.ones_like(alike, dtype=bool), 1)
    same = voices[:, None] == voices
    return alike[above & same], alike[above & ~same]


def _logistic(same: Numbers, other: Numbers) -> tuple[float, float]:
    """Where both kinds are as likely, and how fast the logarithm of the odds grows from there."""
    scores = np.concatenate([same, other])
    truth = np.concatenate([np.ones_like(same), np.zeros_like(other)])
    weight = np.concatenate(
        [np.full_like(same, 0.5 / len(same)), np.full_like(other, 0.5 / len(other))]
    )
    known = np.stack([scores, np.ones_like(scores)], axis=1)
    found = np.array([10.0, -10.0 * float(np.median(scores))])
    for _ in range(ROUNDS):
        told = 1 / (1 + np.exp(-known @ found))
        slope = known.T @ (weight * (truth - told))
        bend = (known * (weight * told * (1 - told))[:, None]).T @ known
        found = found + np.linalg.solve(bend, slope)
    return float(-found[1] / found[0]), float(found[0])


def _range(cosines: Numbers) -> str:
    low, middle, high = np.percentile(cosines, [5, 50, 95])
    return f"{low:.2f} {middle:.2f} {high:.2f}"
