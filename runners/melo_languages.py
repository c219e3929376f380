"""The languages of MeloTTS with their dictionaries; a runner loads its own and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from networks.melo.flow import Language
from runners.english import GUESSER
from weights import Store

if TYPE_CHECKING:
    from networks.melo.english import EnglishWords

LEXICON = "melotts-lexicon"
ENGLISH = (LEXICON, GUESSER)  # what reads English words takes of the manifest


@attrs.frozen
class _Way:
    """How a language is loaded, and the entries of the manifest that it takes."""

    load: Callable[[Store], Language]
    sources: tuple[str, ...] = ()


def load_language(code: str, store: Store) -> Language:
    """A language by its code in `networks.melo.flow`; ExtraMissing where its packages are not installed."""
    return WAYS[code].load(store)


def sources_of(code: str) -> dict[str, tuple[str, ...] | None]:
    """The dictionaries that a language fetches."""
    return dict.fromkeys(WAYS[code].sources)


def _english(store: Store) -> Language:
    from networks.melo.english import English

    return English(_words(store))


def _chinese(store: Store) -> Language:
    from networks.melo.chinese import Syllables
    from networks.melo.mixed import MandarinWithEnglish

    return MandarinWithEnglish(Syllables.load(store.fetch(LEXICON)), _words(store))


def _japanese(store: Store) -> Language:
    from networks.melo.japanese.front_end import Japanese

    return Japanese.load(_foreign(store))


def _korean(store: Store) -> Language:
    from networks.melo.korean.front_end import Korean

    return Korean(_foreign(store))


def _spanish(store: Store) -> Language:
    from networks.melo.romance.spanish import Spanish

    return Spanish.load()


def _french(store: Store) -> Language:
    from networks.melo.romance.french import French

    return French.load()


def _words(store: Store) -> EnglishWords:
    from networks.melo.english import EnglishWords

    return EnglishWords.load(store.fetch(LEXICON), store.fetch(GUESSER) / "checkpoint20.npz")


def _foreign(store: Store) -> Callable[[str], Sequence[str] | None]:
    """English words in texts of other languages: their sounds, where they are known."""
    lexicon = _words(store).lexicon
    return lambda word: lexicon.get(word.upper())


WAYS: Mapping[str, _Way] = {
    "EN": _Way(_english, ENGLISH),
    "ZH_MIX_EN": _Way(_chinese, ENGLISH),
    "JP": _Way(_japanese, ENGLISH),
    "KR": _Way(_korean, ENGLISH),
    "ES": _Way(_spanish),
    "FR": _Way(_french),
}
