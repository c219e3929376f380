"""The most likely words and parts of speech of characters that no dictionary joins, for jieba's tagger.

The same sums in the same order as in `jieba.posseg.viterbi`, and the same winner where sums are equal, but in
arrays: of a character that jieba's table lacks, as it lacks most traditional ones, all 256 states are tried
after all 256 of the one before, which takes a loop in Python ten milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

# The position of a character in its word, and the word's part of speech: ("B", "n").
State = tuple[str, str]

_NEVER = float("-inf")
_UNSEEN = -3.14e100


class Viterbi:
    """jieba's tables as arrays; a drop-in for its function, which is given the tables at every call."""

    def __init__(
        self,
        start: Mapping[State, float],
        following: Mapping[State, Mapping[State, float]],
    ) -> None:
        # Backwards, so that the first of equal sums is that of the last state, as in jieba.
        self._states = sorted(following, reverse=True)
        self._places = {state: place for place, state in enumerate(self._states)}
        self._start = np.array([start[state] for state in self._states])
        self._steps = np.array(
            [[following[a].get(b, _NEVER) for b in self._states] for a in self._states]
        )
        self._follows = np.array([[b in following[a] for b in self._states] for a in self._states])
        self._goes_on = np.array([bool(following[state]) for state in self._states])

    def __call__(
        self,
        text: str,
        states: Mapping[str, Sequence[State]],
        start: Mapping[State, float],
        following: Mapping[State, Mapping[State, float]],
        emission: Mapping[State, Mapping[str, float]],
    ) -> tuple[float, list[State]]:
        """The best sum, and the state of every character."""
        able = self._able(states.get(text[0]))
        sums = self._start[able] + self._emissions(text[0], able, emission)
        steps = []
        for char in text[1:]:
            open_ended = self._goes_on[able]
            able, sums = able[open_ended], sums[open_ended]
            after = self._after(able, states.get(char))
            every = sums[:, None] + self._steps[np.ix_(able, after)]
            every += self._emissions(char, after, emission)
            best = every.argmax(axis=0)
            steps.append((able, best))
            able, sums = after, every[best, np.arange(len(after))]
        last = int(sums.argmax())
        return float(sums[last]), self._way(able, last, steps)

    def _after(self, able: np.ndarray, states: Sequence[State] | None) -> np.ndarray:
        """Those of a character's states that may follow one of these, else all that may."""
        possible = np.flatnonzero(self._follows[able].any(axis=0))
        own = possible if states is None else np.intersect1d(self._able(states), possible)
        return own if len(own) else possible

    def _able(self, states: Sequence[State] | None) -> np.ndarray:
        if states is None:
            return np.arange(len(self._states))
        return np.sort([self._places[state] for state in states])

    def _emissions(
        self, char: str, able: np.ndarray, emission: Mapping[State, Mapping[str, float]]
    ) -> np.ndarray:
        return np.array([emission[self._states[place]].get(char, _UNSEEN) for place in able])

    def _way(
        self, able: np.ndarray, last: int, steps: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> list[State]:
        """Back from the last character to the first."""
        way = [self._states[able[last]]]
        for before, best in reversed(steps):
            last = int(best[last])
            way.append(self._states[before[last]])
        return way[::-1]
