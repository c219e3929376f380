"""espeak-ng as a phonemizer, for languages that our own front ends do not cover.

espeak-ng is GPL-3, so it is an optional extra (`requirements/espeak.txt`: the `piper-tts` package, which
carries the library) and nothing in the default installation imports it. The library keeps its state in
globals: one lock serves all callers of a process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_LOCK = threading.Lock()


class EspeakMissing(Exception):
    """The optional extra is not installed."""


def load_espeak(voice: str) -> Callable[[str], str]:
    """A function from text to IPA in the espeak voice (`en-us`, `fr`): NFD, punctuation kept."""
    try:
        from piper.phonemize_espeak import EspeakPhonemizer
    except ImportError as error:
        raise EspeakMissing(
            f"the espeak voice {voice} needs the optional extra: "
            "pip install -r requirements/espeak.txt (GPL-3, see docs/licences.md)"
        ) from error
    phonemizer = EspeakPhonemizer()

    def phonemize(text: str) -> str:
        with _LOCK:
            sentences = phonemizer.phonemize(voice, text)
        return " ".join("".join(sentence) for sentence in sentences)

    return phonemize
