"""Which part of speech a word has in its sentence, as far as its pronunciation depends on it.

Rules over the neighbours decide, not a model: the lexicon asks only about heteronyms ("to record a
record") and a few function words, and for those the words on either side nearly always tell. Where
they do not, the answer is DEFAULT, the reading that the lexicon holds for the usual one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from networks.english.function_words import (
    ADVERBS,
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    HAVE,
    LINKS,
    MODALS,
    NUMBER_WORDS,
    OPENS_OBJECT,
    PREPOSITIONS,
    SUBJECTS,
)
from networks.english.tables import words

# Families as the lexicon names them, and these of the Penn treebank: past and perfect forms,
# determiner, preposition and particle, proper noun, pronoun, number.
Tag = Literal[
    "DEFAULT", "NOUN", "VERB", "ADJ", "ADV", "VBD", "VBN", "DT", "IN", "RP", "NNP", "PRP", "CD"
]  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))


# Heteronyms that are adjectives before a noun and after "is"; the others are nouns there.
_ADJECTIVES = _words(
    "close closer invalid upset nearby overhead content inside animate deliberate elaborate "
    "diffuse arsenic cleanly converse incarnate overweight perfect present separate moderate live "
    "appropriate approximate alternate intimate absent overall underground"
)
_TINY = _words("amount amounts detail details quantity quantities particles fraction traces")
_PLURALS = _words("police people men women children")
_SCHOLARS = _words("man men woman women scholar scholars society judge friend colleague counsel")
_MUSIC = _words("guitar guitars player players line lines drum drums clef voice solo note notes")
_MOVES = _words("come comes came coming go goes going went gone get gets got let join joined move")
_SHOWS = _words("perform performs performed performing broadcast go goes going went aired")
_MOST_ADVERBS = 4  # in a row; keeps a text of nothing but "very" linear
_NEVER_NAMES = FUNCTION_WORDS - _words("it us who")  # which are also IT, US and WHO
_ADJECTIVE_ENDINGS = ("al", "ive", "ous", "ic", "ful", "less", "able", "ible", "ary")
# What "that" follows when it opens a clause, besides nouns.
_CLAIMS = _words(
    "say says said saying think thinks thought know knows knew known believe believes believed "
    "show shows showed shown note means mean meant ensure ensures assume assumes suggest suggests "
    "indicate indicates sure find found hope feel felt hear heard see saw told tell argue"
)
_ANTECEDENTS = _words("those something anything everything nothing one all things so such")
_NOUNS_AFTER_THAT = _words(
    "way kind sort time day night case point moment one thing man woman year morning evening week "
    "place point reason respect sense person number direction stuff house book"
)


class Sentence:
    """Words and punctuation marks in their order; tells the tag of the word at a place."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._words = [token.lower() for token in tokens]

    def tag(self, place: int) -> Tag:
        """The part of speech of one word, DEFAULT where the context leaves it open."""
        word = self._words[place]
        if rule := _RULES.get(word):
            return rule(self.at(place - 1), self.at(place + 1), self.before(place))
        if self._is_name(place):
            return "NNP"
        tag = self._by_neighbours(place)
        # The lexicon spells out a noun in capitals: IS, ME, OR.
        return "DEFAULT" if tag == "NOUN" and self._tokens[place].isupper() else tag

    def at(self, place: int) -> str:
        """The small form of the word at a place; empty for punctuation and past either end."""
        word = self._words[place] if 0 <= place < len(self._words) else ""
        return word if word[:1].isalpha() else ""

    def before(self, place: int) -> str:
        """The nearest word to the left that is no adverb."""
        for earlier in range(place - 1, place - 1 - _MOST_ADVERBS, -1):
            word = self.at(earlier)
            if word not in ADVERBS and not (word.endswith("ly") and len(word) > 4):
                return word
        return ""

    def _is_name(self, place: int) -> bool:
        token = self._tokens[place]
        if self._words[place] in _NEVER_NAMES:
            return False
        if token.isupper() and len(token) > 1:
            return not self._is_shouted(place)
        return token[0].isupper() and bool(self.at(place - 1))

    def _is_shouted(self, place: int) -> bool:
        """Capitals among capitals are emphasis; alone they are an initialism."""
        around = self._tokens[max(0, place - 2) : place + 3]
        return sum(token.isupper() for token in around) > 2

    def _by_neighbours(self, place: int) -> Tag:
        word, left, right = self._words[place], self.before(place), self.at(place + 1)
        if left in HAVE:
            return "NOUN" if word.endswith("s") else "VBN"
        if left in BE:
            return _after_be(word)
        if left in MODALS:
            return "NOUN" if left == "to" and (right == "of" or word.endswith("s")) else "VERB"
        if left in SUBJECTS and (left != "it" or word.endswith("s")):
            return "VERB"
        if left in DETERMINERS or left in NUMBER_WORDS or left.endswith(("'s", "s'")):
            return _after_determiner(word, left, right)
        if left in PREPOSITIONS:
            return "ADJ" if word in _ADJECTIVES and _is_open(right) else "NOUN"
        if right in OPENS_OBJECT or (right == "that" and left in _PLURALS):
            return "VERB"
        if not left or left in FUNCTION_WORDS:
            return "NOUN" if right in BE or right == "of" else "DEFAULT"
        return self._after_open_word(place, word, left, right)

    def _after_open_word(self, place: int, word: str, left: str, right: str) -> Tag:
        agrees = _is_plural(left) != word.endswith("s")
        if left.endswith(_ADJECTIVE_ENDINGS):
            return "NOUN"
        if agrees and _is_open(right) and not right.endswith(("ed", "ing")):
            return "VERB"
        if agrees and not word.endswith("s") and right in ("to", "in"):
            return "VERB"
        return "NOUN" if self._is_in_noun_phrase(place) else "DEFAULT"

    def _is_in_noun_phrase(self, place: int) -> bool:
        """Whether only open words lie between here and a determiner or preposition."""
        for earlier in range(place - 1, max(-1, place - 5), -1):
            word = self.at(earlier)
            if word in DETERMINERS or word in PREPOSITIONS or word in NUMBER_WORDS:
                return True
            if not _is_open(word):
                return False
        return False


def _is_open(word: str) -> bool:
    return bool(word) and word not in FUNCTION_WORDS and not word.endswith("ly")


def _is_plural(word: str) -> bool:
    return word in _PLURALS or (word.endswith("s") and not word.endswith(("ss", "us", "is")))


def _after_be(word: str) -> Tag:
    if word.endswith(("ed", "ing")):
        return "VERB"
    return "ADJ" if word in _ADJECTIVES else "NOUN"


def _after_determiner(word: str, left: str, right: str) -> Tag:
    if left in ("that", "which", "what") and (word.endswith("s") or _is_open(right)):
        return "VERB"
    return "ADJ" if word in _ADJECTIVES and _is_open(right) else "NOUN"


def _tag_that(left: str, right: str, _: str) -> Tag:
    is_relative = _is_open(left) and left not in _CLAIMS
    if not right or right == "of":
        return "DT"
    if right in BE or right in MODALS or right in HAVE:
        return "DEFAULT" if is_relative or left in _ANTECEDENTS else "DT"
    if right in FUNCTION_WORDS and right not in PREPOSITIONS:
        return "DEFAULT"
    if right in _NOUNS_AFTER_THAT or left in PREPOSITIONS or left in BE:
        return "DT"
    if not left or (left in LINKS and _is_open(right)):
        return "DT"
    return "DEFAULT"


def _tag_read(left: str, right: str, doer: str) -> Tag:
    if doer in MODALS or not doer or doer in CONJUNCTIONS:
        return "VERB"
    if doer in HAVE or doer in BE:
        return "VBN"
    return "NOUN" if doer in DETERMINERS or doer in PREPOSITIONS else "VBD"


def _tag_wound(left: str, right: str, doer: str) -> Tag:
    turns = right in ("around", "round", "up", "down", "through", "back", "the", "its", "it")
    return "VBD" if turns and doer not in DETERMINERS else "NOUN"


def _tag_used(left: str, right: str, doer: str) -> Tag:
    is_passive = doer in HAVE or doer in ("", "be", "is", "are", "was", "were", "been", "being")
    return "VERB" if is_passive else "VBD"


def _tag_lives(left: str, right: str, doer: str) -> Tag:
    is_noun = doer in DETERMINERS or doer in PREPOSITIONS or right == "of"
    return "DEFAULT" if is_noun or not (right in PREPOSITIONS or right in LINKS) else "VERB"


def _tag_live(left: str, right: str, doer: str) -> Tag:
    if doer in DETERMINERS or doer in PREPOSITIONS or doer in BE or doer in _SHOWS:
        return "ADJ"
    return "ADJ" if doer not in MODALS and _is_open(right) else "VERB"


def _tag_in(left: str, right: str, _: str) -> Tag:
    moves = left in _MOVES and (right in CONJUNCTIONS or right in ("to", "there", "here", "for"))
    return "RP" if moves else "IN"


def _tag_adverb(left: str, right: str, _: str) -> Tag:
    return "DEFAULT" if left in DETERMINERS or _is_open(right) else "ADV"


_RULES: dict[str, Callable[[str, str, str], Tag]] = {
    "that": _tag_that,
    "that's": lambda left, right, doer: (
        "DEFAULT" if _is_open(left) and left not in _CLAIMS else "DT"
    ),
    "a": lambda left, right, doer: "DT" if right else "DEFAULT",
    "i": lambda left, right, doer: "PRP",
    "in": _tag_in,
    "read": _tag_read,
    "reread": _tag_read,
    "wound": _tag_wound,
    "used": _tag_used,
    "live": _tag_live,
    "lives": _tag_lives,
    "overall": _tag_adverb,
    "underground": _tag_adverb,
    "uphill": _tag_adverb,
    "point": lambda left, right, doer: "CD" if right in NUMBER_WORDS else "DEFAULT",
    "vs": lambda left, right, doer: "IN",
    "learned": lambda left, right, doer: "ADJ" if right in _SCHOLARS else "VERB",
    "minute": lambda left, right, doer: "ADJ" if right in _TINY else "NOUN",
    "bass": lambda left, right, doer: "ADJ" if right in _MUSIC else "NOUN",
}
