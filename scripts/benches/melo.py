"""MeloTTS in its published sizes with random weights: alone and in batches, with and without BERT.

Then what reading a text takes of the time that speaking it takes, for each language: the front end has a
tenth of it. BERT's own tokenizer stands in as words and marks, as in the bench `text`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import settings
from networks.extras import ExtraMissing
from networks.melo.flow import Language, Phones
from runners.melo_languages import load_language
from runners.melo_reading import UNHEARD
from runners.melo_releases import LANGUAGES
from scripts.benches.batching import Forward, samples_in, shares, told
from scripts.benches.machine import PARAGRAPH, Bench, median_seconds, seconds, verdict
from scripts.benches.text import FRENCH, JAPANESE, KOREAN, MIXED, SPANISH, TOKEN
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

POSITIONS = 144  # phones and blanks of some five seconds
POSITIONS_PER_TOKEN = 7
FRAMES = 3  # of a position, in ordinary speech
TEXTS = {
    "EN": PARAGRAPH, "ZH": MIXED, "JP": JAPANESE, "KR": KOREAN, "ES": SPANISH, "FR": FRENCH,
}  # fmt: skip


def run(bench: Bench) -> None:
    import torch

    before = torch.get_num_threads()
    print(f"  {POSITIONS} positions; seconds of sound per second")
    speak = {"without BERT": forward(with_bert=False), "with BERT": forward(with_bert=True)}
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        for name, spoken in speak.items():
            print(f"  {name}, {threads} thread{'s'[: threads - 1]}: {told(spoken)}", flush=True)
    torch.set_num_threads(1)
    _reading(median_seconds(3, speak["with BERT"], 1) / POSITIONS)
    torch.set_num_threads(before)


def forward(*, with_bert: bool) -> Forward:
    from networks.melo.synthesizer import Utterance, spread_over
    from networks.vits.synthesizer import Manner
    from tests import bert, melo

    network = melo.a_synthesizer(melo.full_size())
    listener = bert.a_bert(bert.FULL_SIZE, bert.FULL_SIZE["num_hidden_layers"] - UNHEARD)
    config = network.config

    def spoken(count: int) -> float:
        lengths = [round(POSITIONS * share) for share in shares(count)]
        features: list[Tensor | None] = [None] * count
        if with_bert:
            texts = [[*range(9, 9 + length // POSITIONS_PER_TOKEN)] for length in lengths]
            vectors = listener.read(texts, 2, 3)
            features = [
                spread_over(found, _dealt(length, len(found)))
                for found, length in zip(vectors, lengths, strict=True)
            ]
        sounds = network.speak(
            [
                Utterance(
                    [n % 40 for n in range(length)], [7] * length, [2] * length, 0, told_of,
                    manner=Manner(sdp_ratio=0.0, noise_scale=0.6, noise_scale_w=0.8, seed=row),
                )
                for row, (length, told_of) in enumerate(zip(lengths, features, strict=True))
            ]
        )  # fmt: skip
        return samples_in(sounds) / config.sound.rate

    return spoken


def _reading(per_position: float) -> None:
    store = Store(settings.weights_root())
    for spoken in LANGUAGES:
        text = TEXTS[spoken.name]
        try:
            language = load_language(spoken.code, store)
        except ExtraMissing as missing:
            print(f"  {spoken.name}: {missing}")
            continue
        first = seconds(_read, language, text)  # no word is remembered yet
        positions = 2 * sum(len(phones.phones) + 1 for phones in _read(language, text))
        speaking = positions * per_position
        later = median_seconds(5, _read, language, text)
        share = verdict(first / speaking, 0.1, at_most=True)
        print(
            f"  {spoken.name}, {positions} positions: read in {later * 1000:.1f} ms ({first * 1000:.1f} at "
            f"first), spoken in {speaking:.2f} s: {share}"
        )


def _read(language: Language, text: str) -> list[Phones]:
    return [
        language.speak(language.normalize(piece), TOKEN.findall) for piece in language.pieces(text)
    ]


def _dealt(length: int, tokens: int) -> list[int]:
    each, rest = divmod(length, tokens)
    return [each + (place < rest) for place in range(tokens)]
