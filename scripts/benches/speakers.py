"""How alike recordings of one speaker and of two are to the configured encoder, and what follows from that.

Every English voice of the configured synthesizers is recorded several times, by itself, in a room or in
noise, and never says a sentence of one half of its recordings in the other half; only recordings of
different halves are compared. For each length of speech the bench prints the curve that `Card.likeness`
wants, by a logistic regression in which pairs of one voice and of two weigh the same, and how often its
threshold errs: among these pairs, and where one recording comes by telephone, which the curve is not made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

import settings
from audio import Audio, join, resample, trim
from catalog import model_class
from runners.base import Model
from runners.roles import tag
from scripts.benches.machine import PARAGRAPH, Bench
from tasks import Capability, Embed, Speak
from weights import Store

RATE = 16000
LENGTHS = (1.5, 3.0, 5.0, 10.0)  # seconds of speech
CLIPS = 12  # of each voice and length, by turns of either half of the sentences
SEED = 4
KEPT = 0.05  # seconds of silence around a sentence
TELEPHONE = (300.0, 3400.0)  # Hz
REVERBERATION = 0.3  # seconds until a room is 60 dB quieter
DIRECT = 2.0  # how much louder a voice is than its echo
NOISE = (15.0, 30.0)  # dB below the speech
ROUNDS = 50  # of Newton's method, which needs about ten

Numbers = NDArray[np.floating[Any]]
Said = Mapping[str, Sequence[Numbers]]
Way = Callable[[Numbers, np.random.Generator], Numbers]


def run(bench: Bench) -> None:
    entries = settings.load().model_configs
    store = Store(settings.weights_root(), offline=True)
    kinds = [(entry, model_class(entry)) for entry in entries]
    able = {
        capability: [kind(e, store) for e, kind in kinds if capability in kind.capabilities]
        for capability in (Capability.EMBED, Capability.SPEAK)
    }
    encoder: Any = able[Capability.EMBED][0]
    said = dict(chain.from_iterable(map(_said, able[Capability.SPEAK])))
    print(f"  {len(said)} voices, {CLIPS} recordings of each")
    for seconds in LENGTHS:
        usual, phoned = (_points(encoder, said, seconds, ways) for ways in (WAYS, (_phoned,)))
        same, other = _cosines(usual, usual)
        threshold, steepness = _logistic(same, other)
        print(
            f"  {seconds} s: {len(same)} and {len(other)} pairs, cosines {_range(same)} and "
            f"{_range(other)}: Likeness({seconds}, {threshold:.3f}, {steepness:.1f}) "
            f"{_errors(same, other, threshold)}; "
            f"telephone {_errors(*_cosines(usual, phoned), threshold)}",
            flush=True,
        )


def _said(model: Model) -> Iterator[tuple[str, list[Numbers]]]:
    """What each voice of a model says, sentence by sentence, without the silence around it."""
    speaking: Any = model
    texts = [f"{text.rstrip('.')}." for text in PARAGRAPH.split(". ")]
    for voice in model.card.voices:
        if tag(voice.language) == "en":
            heard = [speaking.synthesize([Speak(text, voice.name)])[0].audio for text in texts]
            yield voice.name, [trim(resample(one, RATE), KEPT).samples for one in heard]


def _points(encoder: Any, said: Said, seconds: float, ways: Sequence[Way]) -> Numbers:
    """The voices of all recordings [V, CLIPS, D]."""
    chance = np.random.default_rng(SEED)
    found = []
    for number in range(len(said) * CLIPS):
        sentences = [*said.values()][number // CLIPS][number % 2 :: 2]
        clip = _clip(sentences, seconds, chance)
        heard = ways[int(chance.integers(len(ways)))](clip, chance).astype(np.float32)
        found.append(encoder.embed([Embed(Audio(heard, RATE))])[0].vector)
    return np.stack(found).reshape(len(said), CLIPS, -1)


def _clip(sentences: Sequence[Numbers], seconds: float, chance: np.random.Generator) -> Numbers:
    """So much of what a voice says, in another order each time and from another place on."""
    order = chance.permutation(len(sentences))
    parts = [Audio(sentences[place].astype(np.float32), RATE) for place in order]
    start = chance.integers(0, len(parts[0].samples))
    return np.roll(join(parts, RATE).samples, -start)[: round(seconds * RATE)]


def _alone(clip: Numbers, chance: np.random.Generator) -> Numbers:
    return clip


def _roomy(clip: Numbers, chance: np.random.Generator) -> Numbers:
    times = np.arange(round(REVERBERATION * RATE)) / RATE
    echo = chance.standard_normal(len(times)) * 10 ** (-3 * times / REVERBERATION)
    echo[0] = DIRECT * np.sqrt(np.square(echo[1:]).sum())
    size = len(clip) + len(echo)
    heard = np.fft.irfft(np.fft.rfft(clip, size) * np.fft.rfft(echo, size), size)[: len(clip)]
    loudest = float(np.abs(heard).max())
    return np.asarray(heard / max(loudest, 1.0))


def _noisy(clip: Numbers, chance: np.random.Generator) -> Numbers:
    level = np.std(clip) * 10 ** (-chance.uniform(*NOISE) / 20)
    return np.asarray(clip + level * chance.standard_normal(len(clip)))


def _phoned(clip: Numbers, chance: np.random.Generator) -> Numbers:
    bands = np.fft.rfft(clip)
    pitches = np.fft.rfftfreq(len(clip), 1 / RATE)
    bands[(pitches < TELEPHONE[0]) | (pitches > TELEPHONE[1])] = 0
    return np.fft.irfft(bands, len(clip))


WAYS: tuple[Way, ...] = (_alone, _roomy, _noisy)


def _cosines(one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
    """Between recordings of different halves: of one voice, and of two."""
    alike = np.einsum("acd,bed->abce", one[:, ::2], other[:, 1::2]).astype(np.float64)
    same = np.eye(len(one), dtype=bool)
    return alike[same].ravel(), alike[~same].ravel()


def _logistic(same: Numbers, other: Numbers) -> tuple[float, float]:
    """Where both kinds are as likely, and how fast the logarithm of the odds grows from there."""
    scores = np.concatenate([same, other])
    truth = np.concatenate([np.ones_like(same), np.zeros_like(other)])
    weight = np.where(truth > 0, 0.5 / len(same), 0.5 / len(other))
    known = np.stack([scores, np.ones_like(scores)], axis=1)
    found = np.array([10.0, -10.0 * float(np.median(scores))])
    for _ in range(ROUNDS):
        told = 1 / (1 + np.exp(-known @ found))
        slope = known.T @ (weight * (truth - told))
        bend = (known * (weight * told * (1 - told))[:, None]).T @ known
        found = found + np.linalg.solve(bend, slope)
    return float(-found[1] / found[0]), float(found[0])


def _errors(same: Numbers, other: Numbers, threshold: float) -> str:
    parted, joined = (same < threshold).mean(), (other >= threshold).mean()
    return f"parts {parted:.1%} of one voice and joins {joined:.1%} of two"


def _range(cosines: Numbers) -> str:
    return " ".join(f"{cosine:.2f}" for cosine in np.percentile(cosines, [5, 50, 95]))
