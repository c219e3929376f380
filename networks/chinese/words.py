"""Words, parts of speech and pinyin of Chinese text: jieba and pypinyin behind one loader.

Both are an optional extra (`requirements/chinese.txt`). jieba keeps a cache in the system's temporary folder
and believes whatever lies there under its name; its dictionary is therefore built from its own file, which
takes about a second, and the cache is neither written nor read. The slow part of its tagger is exchanged for
one with the same results. After that nothing is changed any more, so one instance serves all threads.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from networks.chinese.viterbi import Viterbi
from networks.extras import ExtraMissing

_LOCK = threading.Lock()
_REMEMBERED = 8192  # words, none of them longer than this many characters:
_LONGEST_REMEMBERED = 16

Answer = Callable[[str], tuple[str, ...]]


class ChineseMissing(ExtraMissing):
    """What reads Chinese is not installed."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A word and its part of speech, as jieba names it."""

    word: str
    tag: str


@dataclass(frozen=True, slots=True)
class Chinese:
    """What is known about Chinese words."""

    cut: Callable[[str], list[str]]
    tag: Callable[[str], list[Tagged]]
    # A word and the shorter words inside it, as a search engine wants them.
    search: Answer
    bopomofo: Answer
    initials: Answer
    # With the tone as a digit at the end, 5 for the neutral one.
    finals: Answer


def load_chinese() -> Chinese:
    """Loads the dictionaries once a process, or says what to install."""
    with _LOCK:
        return _load()


@lru_cache(maxsize=1)
def _load() -> Chinese:
    try:
        with warnings.catch_warnings():  # jieba's own, about how it is written
            warnings.simplefilter("ignore")
            import jieba
            import jieba.posseg
        from pypinyin import Style, lazy_pinyin
    except ImportError as error:
        raise ChineseMissing(str(error.name), "chinese") from error
    _prepare(jieba.dt)
    jieba.posseg.viterbi = Viterbi(jieba.posseg.start_P, jieba.posseg.trans_P)

    def pinyin(style: Style, **options: Any) -> Answer:
        return _remembering(lambda word: tuple(lazy_pinyin(word, style=style, **options)))

    return Chinese(
        cut=lambda text: list(jieba.dt.cut(text)),
        tag=lambda text: [Tagged(pair.word, pair.flag) for pair in jieba.posseg.dt.cut(text)],
        search=_remembering(lambda word: tuple(jieba.dt.cut_for_search(word))),
        bopomofo=pinyin(Style.BOPOMOFO),
        initials=pinyin(Style.INITIALS),
        finals=pinyin(Style.FINALS_TONE3, neutral_tone_with_five=True),
    )


def _remembering(answer: Answer) -> Answer:
    """The same function, which remembers words; a text without spaces is not remembered as one."""
    remembered = lru_cache(maxsize=_REMEMBERED)(answer)

    def ask(word: str) -> tuple[str, ...]:
        return remembered(word) if len(word) <= _LONGEST_REMEMBERED else answer(word)

    return ask


def _prepare(tokenizer: Any) -> None:
    """Builds the dictionary as jieba's own `initialize` does, but past its cache."""
    if not tokenizer.initialized:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
