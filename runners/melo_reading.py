"""Texts as MeloTTS' network takes them: read in one language, and understood by that language's BERT.

text ─► pieces ─► tokens ─► phones, tones ─► ids of every position
                     └────► BERT, a batch at a time ─► features of every position
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from errors import WeightsError
from networks.melo.breaths import breaths
from networks.melo.config import MeloConfig
from networks.melo.flow import CODES, Ids, Language, Table
from networks.unreadable import UnreadableText
from runners.melo_languages import load_language
from runners.melo_releases import (
    CONFIG,
    PICKLED,
    SAFE,
    TOKENIZER,
    VOCABULARY,
    Bert,
    Spoken,
    first_of,
)
from runners.pytorch import fitting, read_config, read_text, read_weights
from weights import Store

if TYPE_CHECKING:
    from torch import Tensor

    from networks.bert.encoder import Bert as Encoder
    from networks.bert.tokens import Tokens

UNHEARD = 2  # layers of a BERT behind the one that the network was trained to hear
EDGES = 2  # positions that belong to no token of the text: the first and the last


@attrs.frozen
class Reading:
    """A piece of text: the positions, and the tokens that BERT understands them by."""

    ids: Ids
    tokens: tuple[int, ...]


class Reader:
    """One language, its BERT, and the numbers that one checkpoint has for its phones."""

    def __init__(
        self, spoken: Spoken, bert: str, config: MeloConfig, store: Store, device: str
    ) -> None:
        """`bert` is the source of the BERT; ExtraMissing where the language's packages are not installed."""
        code = CODES[spoken.code]
        if code.language >= config.languages:
            raise WeightsError(
                f"num_languages is {config.languages}; {spoken.name} is number {code.language}"
            )
        self._language: Language = load_language(spoken.code, store)
        self._table = Table(config.symbols, code, add_blank=config.add_blank)
        files = store.fetch(bert, allow=patterns_of(spoken.bert, bert))
        self._tokens, self._bert = _understanding(files, bert, config, device)

    def read(self, text: str, longest: int) -> list[Reading]:
        """What a text says, in parts of at most so many phones; UnreadableText for what cannot be said."""
        # Nobody can say half of a character, and no tokenizer takes it.
        whole = text.encode(errors="ignore").decode()
        return [
            reading
            for piece in self._language.pieces(whole)
            for reading in self._piece(piece, longest)
        ]

    def understand(self, readings: Sequence[Reading]) -> list[Tensor | None]:
        """Features `[768, positions]` of each reading; None from a release that reads without BERT."""
        if self._bert is None:
            return [None] * len(readings)
        from networks.melo.synthesizer import spread_over

        vectors = self._bert.read(
            [reading.tokens for reading in readings], self._tokens.begin, self._tokens.end
        )
        return [
            spread_over(found, reading.ids.word2ph)
            for found, reading in zip(vectors, readings, strict=True)
        ]

    def _piece(self, piece: str, longest: int) -> Iterator[Reading]:
        norm = self._language.normalize(piece)
        if not any(map(str.isalnum, norm)):
            return
        tokens = self._tokens.tokenize(norm)
        spoken = self._language.speak(norm, self._tokens.tokenize)
        if len(spoken.phones) <= EDGES:
            return
        if len(spoken.word2ph) != len(tokens) + EDGES:
            raise UnreadableText("BERT and the pronunciation part this text in different ways")
        for part, own in breaths(spoken, tokens, longest):
            yield Reading(self._table.ids(part), tuple(self._tokens.ids(own)))


def patterns_of(bert: Bert, source: str) -> tuple[str, ...]:
    """The files of a BERT; of one that is not the published one, whichever weights there are."""
    weights = (bert.weights,) if source == bert.source else (SAFE, PICKLED)
    return (CONFIG, TOKENIZER, VOCABULARY, *weights)


def _understanding(
    folder: Path, source: str, config: MeloConfig, device: str
) -> tuple[Tokens, Encoder | None]:
    """The tokenizer, without which nothing is read, and the network where the release wants it."""
    from networks.bert.encoder import BertConfig, load
    from networks.bert.tokens import load as load_tokens
    from networks.melo.synthesizer import FEATURES

    with fitting(source):
        sizes = BertConfig.parsed(read_config(folder / CONFIG))
        if sizes.hidden != FEATURES:
            raise WeightsError(
                f"{source}: hidden_size is {sizes.hidden}; MeloTTS listens to {FEATURES}"
            )
        told = read_config(folder / TOKENIZER) if (folder / TOKENIZER).is_file() else {}
        tokens = load_tokens(read_text(folder / VOCABULARY), told, sizes.words)
        if not config.reads_bert:
            return tokens, None
        weights = read_weights(first_of(folder, (SAFE, PICKLED), source))
        layers = max(sizes.layers - UNHEARD, 1)
        return tokens, load(sizes, weights, layers=layers, device=device)
