"""Which part of speech a word has in its sentence, as far as its pronunciation depends on it.

Rules over the neighbours decide, not a model: the lexicon asks only about heteronyms ("to record a
record") and a few function words, and for those the words on either side nearly always tell. Where
they do not, the answer is None and the lexicon takes the reading it holds for the usual one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

# Families as the lexicon names them, and these of the Penn treebank: past and perfect forms,
# determiner, preposition and particle, proper noun, pronoun, number.
Tag = Literal["NOUN", "VERB", "ADJ", "ADV", "VBD", "VBN", "DT", "IN", "RP", "NNP", "PRP", "CD"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_POSSESSIVES = _words("my your his her its our their whose")
_DETERMINERS = _POSSESSIVES | _words(
    "a an the this that these those no any every each another either neither some many few several "
    "much most such what which all"
)
NUMBER_WORDS = _words(
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million billion trillion"
)
_SUBJECTS = _words("i you we they he she it who")
_OBJECTS = _words(
    "me you him them us it itself themselves himself herself myself yourself everyone anyone"
)
_BE = _words(
    "be am is are was were been being isn't aren't wasn't weren't i'm you're we're they're he's "
    "she's it's that's there's who's what's"
)
_HAVE = _words(
    "have has had having haven't hasn't hadn't i've you've we've they've who've could've would've"
)
_MODALS = _words(
    "will would can could may might must shall should do does did cannot can't couldn't won't "
    "wouldn't shouldn't mustn't don't doesn't didn't i'll you'll we'll they'll he'll she'll it'll "
    "i'd you'd we'd they'd he'd she'd let's please to"
)
_PREPOSITIONS = _words(
    "of in for with on at by from into onto about as than after before between during through "
    "under over against without within per via near toward towards across around behind among "
    "like upon out"
)
_CONJUNCTIONS = _words("and or but nor")
_ADVERBS = _words(
    "not never always often just still only then now even also already almost soon ever rather "
    "too very so quite really usually sometimes again first both rarely"
)
_LINKS = _words(
    "if when where while because how why though although until unless since whether there here"
)
_FUNCTION_WORDS = frozenset().union(
    _DETERMINERS, _SUBJECTS, _OBJECTS, _BE, _HAVE, _MODALS, _PREPOSITIONS, _CONJUNCTIONS, _ADVERBS,
    _LINKS,
)  # fmt: skip
_OPENS_OBJECT = (_DETERMINERS | _OBJECTS) - _words("that which what all such")
# Heteronyms that are adjectives before a noun and after "is"; the others are nouns there.
_ADJECTIVES = _words(
    "close closer invalid upset nearby overhead content inside animate deliberate elaborate diffuse "
    "arsenic cleanly converse incarnate overweight perfect present separate moderate live "
    "appropriate approximate alternate intimate absent overall underground"
)
_TINY = _words("amount amounts detail details quantity quantities particles fraction traces")
_PLURALS = _words("police people men women children")
_SCHOLARS = _words("man men woman women scholar scholars society judge friend colleague counsel")
_MUSIC = _words("guitar guitars player players line lines drum drums clef voice solo note notes")
_MOVES = _words("come comes came coming go goes going went gone get gets got let join joined move")
_SHOWS = _words("perform performs performed performing broadcast go goes going went aired")
_ALSO_INITIALISMS = _words("it us who")
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

    def tag(self, place: int) -> Tag | None:
        """The part of speech of one word, None where the context leaves it open."""
        word = self._words[place]
        if rule := _RULES.get(word):
            return rule(self.at(place - 1), self.at(place + 1), self.before(place))
        if self._is_name(place):
            return "NNP"
        tag = self._by_neighbours(place)
        # The lexicon spells out a noun in capitals: IS, ME, OR.
        return None if tag == "NOUN" and self._tokens[place].isupper() else tag

    def at(self, place: int) -> str:
        """The small form of the word at a place; empty for punctuation and past either end."""
        word = self._words[place] if 0 <= place < len(self._words) else ""
        return word if word[:1].isalpha() else ""

    def before(self, place: int) -> str:
        """The nearest word to the left that is no adverb."""
        place -= 1
        while (word := self.at(place)) in _ADVERBS or (word.endswith("ly") and len(word) > 4):
            place -= 1
        return word

    def _is_name(self, place: int) -> bool:
        token = self._tokens[place]
        if self._words[place] in _FUNCTION_WORDS - _ALSO_INITIALISMS:
            return False
        if token.isupper() and len(token) > 1:
            return not self._is_shouted(place)
        return token[0].isupper() and bool(self.at(place - 1))

    def _is_shouted(self, place: int) -> bool:
        """Capitals among capitals are emphasis; alone they are an initialism."""
        around = self._tokens[max(0, place - 2) : place + 3]
        return sum(token.isupper() for token in around) > 2

    def _by_neighbours(self, place: int) -> Tag | None:
        word, left, right = self._words[place], self.before(place), self.at(place + 1)
        if left in _HAVE:
            return "NOUN" if word.endswith("s") else "VBN"
        if left in _BE:
            return _after_be(word)
        if left in _MODALS:
            return "NOUN" if left == "to" and (right == "of" or word.endswith("s")) else "VERB"
        if left in _SUBJECTS and (left != "it" or word.endswith("s")):
            return "VERB"
        if left in _DETERMINERS or left in NUMBER_WORDS or left.endswith(("'s", "s'")):
            return _after_determiner(word, left, right)
        if left in _PREPOSITIONS:
            return "ADJ" if word in _ADJECTIVES and _is_open(right) else "NOUN"
        if right in _OPENS_OBJECT or (right == "that" and left in _PLURALS):
            return "VERB"
        if not left or left in _FUNCTION_WORDS:
            return "NOUN" if right in _BE or right == "of" else None
        return self._after_open_word(place, word, left, right)

    def _after_open_word(self, place: int, word: str, left: str, right: str) -> Tag | None:
        agrees = _is_plural(left) != word.endswith("s")
        if left.endswith(_ADJECTIVE_ENDINGS):
            return "NOUN"
        if agrees and _is_open(right) and not right.endswith(("ed", "ing")):
            return "VERB"
        if agrees and not word.endswith("s") and right in ("to", "in"):
            return "VERB"
        return "NOUN" if self._is_in_noun_phrase(place) else None

    def _is_in_noun_phrase(self, place: int) -> bool:
        """Whether only open words lie between here and a determiner or preposition."""
        for earlier in range(place - 1, max(-1, place - 5), -1):
            word = self.at(earlier)
            if word in _DETERMINERS or word in _PREPOSITIONS or word in NUMBER_WORDS:
                return True
            if not _is_open(word):
                return False
        return False


def _is_open(word: str) -> bool:
    return bool(word) and word not in _FUNCTION_WORDS and not word.endswith("ly")


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


def _tag_that(left: str, right: str, _: str) -> Tag | None:
    is_relative = _is_open(left) and left not in _CLAIMS
    if not right or right == "of":
        return "DT"
    if right in _BE or right in _MODALS or right in _HAVE:
        return None if is_relative or left in _ANTECEDENTS else "DT"
    if right in _FUNCTION_WORDS and right not in _PREPOSITIONS:
        return None
    if right in _NOUNS_AFTER_THAT or left in _PREPOSITIONS or left in _BE:
        return "DT"
    if not left or (left in _LINKS and _is_open(right)):
        return "DT"
    return None


def _tag_read(left: str, right: str, doer: str) -> Tag | None:
    if doer in _MODALS or not doer or doer in _CONJUNCTIONS:
        return "VERB"
    if doer in _HAVE or doer in _BE:
        return "VBN"
    return "NOUN" if doer in _DETERMINERS or doer in _PREPOSITIONS else "VBD"


def _tag_wound(left: str, right: str, doer: str) -> Tag | None:
    turns = right in ("around", "round", "up", "down", "through", "back", "the", "its", "it")
    return "VBD" if turns and doer not in _DETERMINERS else "NOUN"


def _tag_used(left: str, right: str, doer: str) -> Tag | None:
    is_passive = doer in _HAVE or doer in ("", "be", "is", "are", "was", "were", "been", "being")
    return "VERB" if is_passive else "VBD"


def _tag_lives(left: str, right: str, doer: str) -> Tag | None:
    is_noun = doer in _DETERMINERS or doer in _PREPOSITIONS or right == "of"
    return None if is_noun or not (right in _PREPOSITIONS or right in _LINKS) else "VERB"


def _tag_live(left: str, right: str, doer: str) -> Tag | None:
    if doer in _DETERMINERS or doer in _PREPOSITIONS or doer in _BE or doer in _SHOWS:
        return "ADJ"
    return "ADJ" if doer not in _MODALS and _is_open(right) else "VERB"


def _tag_in(left: str, right: str, _: str) -> Tag | None:
    moves = left in _MOVES and (right in _CONJUNCTIONS or right in ("to", "there", "here", "for"))
    return "RP" if moves else "IN"


def _tag_adverb(left: str, right: str, _: str) -> Tag | None:
    return None if left in _DETERMINERS or _is_open(right) else "ADV"


_RULES: dict[str, Callable[[str, str, str], Tag | None]] = {
    "that": _tag_that,
    "that's": lambda left, right, doer: None if _is_open(left) and left not in _CLAIMS else "DT",
    "a": lambda left, right, doer: "DT" if right else None,
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
    "point": lambda left, right, doer: "CD" if right in NUMBER_WORDS else None,
    "vs": lambda left, right, doer: "IN",
    "learned": lambda left, right, doer: "ADJ" if right in _SCHOLARS else "VERB",
    "minute": lambda left, right, doer: "ADJ" if right in _TINY else "NOUN",
    "bass": lambda left, right, doer: "ADJ" if right in _MUSIC else "NOUN",
}
