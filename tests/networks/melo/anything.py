"""Texts of any kind for any front end, and the tokenizers that they meet."""

from __future__ import annotations

import re
import time

from hypothesis import strategies as st

from networks.melo.flow import FrontEnd
from networks.unreadable import UnreadableText

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_HOSTILE = (
    "東京は日本の首都です。",
    "오늘 3개와 1,234원 ㅋㅋㅋ",
    "¿Cuánto cuesta? 15,50 € el 3/4/2021 a las 7:05",
    "L’été, 80 % à 7h05 ; cent un, XXIe",
    "Hello https://a.org/b?c=d me@x.org U.S.A. iPhone",
    "Привет שלום مرحبا 你好 ไทย",
    "🎉😊👩‍👩‍👧❤️",
    "\u200f\u202e\u200b\ufeff\x00\x07\x1b[31m",
    "...!?¿¡…,;:-—~#@%&*()[]<>«»“”‘’",
    "9" * 40,
    "0" * 41,
    "1.2.3.4,5,6-7/8:9",
    "$" * 20,
    "々ゝゞーーっッ゛",
    "ㅏㅋㅠㅠ가힣",
    "e\u0301n\u0303",
    "\ud83d",
    "\n\n\t \u3000",
)
ANYTHING = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(_HOSTILE), max_size=6).map("".join),
    st.lists(st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=12)), max_size=6).map(" ".join),
)


def whole_words(text: str) -> list[str]:
    """Every word and every mark a token."""
    return _WORD.findall(text)


def word_pieces(text: str) -> list[str]:
    """Words in pieces of two characters, some of them unknown."""
    tokens: list[str] = []
    for word in whole_words(text):
        if len(word) == 7:
            tokens.append("[UNK]")
            continue
        parts = [word[start : start + 2] for start in range(0, len(word), 2)]
        tokens += [part if place == 0 else f"##{part}" for place, part in enumerate(parts)]
    return tokens


def read_all(front_end: FrontEnd, text: str) -> int:
    """Reads every piece as a runner does: sound, or a refusal. How many phones there were."""
    phones = 0
    for piece in front_end.pieces(text):
        assert piece.strip() == piece != ""
        try:
            reading = front_end.read(piece)
        except UnreadableText:
            continue
        assert sum(reading.ids.word2ph) == len(reading.ids.phones)
        assert len(reading.phones.word2ph) == len(front_end.tokenize(reading.norm)) + 2
        phones += len(reading.phones.phones)
    return phones


def seconds(front_end: FrontEnd, text: str) -> float:
    """Processor time to read a text."""
    start = time.process_time()
    read_all(front_end, text)
    return time.process_time() - start
