"""Pronunciations for words that no lexicon has: the GRU pair of g2p_en 2.1.0 (Apache-2.0).

One GRU reads the letters, its last state starts a second one that emits ARPAbet phonemes with
stress digits, the likeliest at each step. It was trained on the CMU dictionary, so it guesses
American English; `arpabet.py` maps what it says to either dialect.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from networks.english.tables import words

Floats = NDArray[np.float32]

# The order of the embedding rows in the checkpoint.
_LETTERS = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
_VOWELS = words("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
_CONSONANTS = words("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
_PHONEMES = (
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    *sorted([*_CONSONANTS, "UW", *(f"{vowel}{stress}" for vowel in _VOWELS for stress in "012")]),
)
_START, _END = _PHONEMES.index("<s>"), _PHONEMES.index("</s>")
_LETTER_ROWS = {letter: row for row, letter in enumerate(_LETTERS)}

LONGEST = 16  # letters; one state vector does not hold longer words, so they are read in pieces
_MOST_PHONEMES = 20  # the limit the network was trained with
_REMEMBERED = 8192  # words, a few hundred bytes each


class Guesser:
    """Reads a word of letters a-z aloud; one instance serves all threads."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._reader = _Cell(weights, "enc")
        self._speaker = _Cell(weights, "dec")
        self._out, self._out_bias = weights["fc_w"], weights["fc_b"]
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._infer)

    @classmethod
    def load(cls, path: Path) -> Guesser:
        """Reads the npz checkpoint."""
        with np.load(path, allow_pickle=False) as stored:
            return cls({name: stored[name].astype(np.float32) for name in stored.files})

    def guess(self, word: str) -> tuple[str, ...]:
        """ARPAbet phonemes of a word, such as ("HH", "AH0", "L", "OW1")."""
        word = word.lower()
        pieces = [word[start : start + LONGEST] for start in range(0, len(word), LONGEST)]
        return tuple(phoneme for piece in pieces for phoneme in self._remembered(piece))

    def _infer(self, word: str) -> tuple[str, ...]:
        state = np.zeros(self._out.shape[1], dtype=np.float32)
        for letter in (*word, "</s>"):
            state = self._reader.step(_LETTER_ROWS.get(letter, _LETTER_ROWS["<unk>"]), state)
        spoken: list[str] = []
        row = _START
        while len(spoken) < _MOST_PHONEMES:
            state = self._speaker.step(row, state)
            row = int(np.argmax(self._out @ state + self._out_bias))
            if row == _END:
                break
            spoken.append(_PHONEMES[row])
        return tuple(phoneme for phoneme in spoken if not phoneme.startswith("<"))


class _Cell:
    """A GRU cell over a small alphabet: the input products of all symbols are computed once."""

    def __init__(self, weights: dict[str, Floats], side: str) -> None:
        embedded = weights[f"{side}_emb"] @ weights[f"{side}_w_ih"].T
        self._inputs: Floats = embedded + weights[f"{side}_b_ih"]  # [symbols, 3 * state]
        self._recurrent = weights[f"{side}_w_hh"]  # [3 * state, state]
        self._bias = weights[f"{side}_b_hh"]

    def step(self, symbol: int, state: Floats) -> Floats:
        """The state after one symbol; gates lie in the order reset, update, candidate."""
        size = len(state)
        given = self._inputs[symbol]
        recalled = self._recurrent @ state + self._bias
        # The logistic function written with tanh, which cannot overflow.
        gates = 0.5 + 0.5 * np.tanh(0.5 * (given[: 2 * size] + recalled[: 2 * size]))
        reset, update = gates[:size], gates[size:]
        candidate = np.tanh(given[2 * size :] + reset * recalled[2 * size :])
        following: Floats = (1 - update) * candidate + update * state
        return following
