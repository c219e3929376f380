"""Texts as the tokens of a published BERT: cut as its tokenizer files say, by the `tokenizers` package.

Nothing in a text is ever taken for a mark of BERT's own: "[SEP]" is a bracket, a word and a bracket.
Words that published tokenizers call unknown for their length are cut, or nobody would hear them.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from networks.extras import ExtraMissing
from networks.vits.config import Section, UnfitConfig

UNKNOWN, BEGIN, END = "[UNK]", "[CLS]", "[SEP]"
LONGEST_WORD = 100  # characters; published tokenizers call a longer one unknown
JAPANESE = "BertJapaneseTokenizer"

if TYPE_CHECKING:
    from tokenizers.models import WordPiece

Tokenize = Callable[[str], list[str]]


class Tokens:
    """A tokenizer and its vocabulary."""

    def __init__(self, vocabulary: Mapping[str, int], tokenize: Tokenize) -> None:
        lacking = [token for token in (UNKNOWN, BEGIN, END) if token not in vocabulary]
        if lacking:
            raise UnfitConfig(f"vocab.txt has no {', '.join(lacking)}")
        self.tokenize = tokenize
        self.begin, self.end = vocabulary[BEGIN], vocabulary[END]
        self._vocabulary = vocabulary

    def ids(self, tokens: Sequence[str]) -> list[int]:
        unknown = self._vocabulary[UNKNOWN]
        return [self._vocabulary.get(token, unknown) for token in tokens]


def load(vocabulary: str, values: object, words: int) -> Tokens:
    """Of the text of vocab.txt and the decoded tokenizer_config.json; refused with UnfitConfig.

    `words` is how many the network knows; ExtraMissing where Japanese needs more packages.
    """
    # Not splitlines: some lines are themselves marks that would part lines.
    numbered = {
        line.rstrip("\r"): place for place, line in enumerate(vocabulary.split("\n")) if line
    }
    if max(numbered.values(), default=0) >= words:
        raise UnfitConfig(f"vocab.txt has more than the {words} words that config.json says")
    config = Section(values, "tokenizer_config.json")
    if config.word("tokenizer_class", "") == JAPANESE:
        return Tokens(numbered, _japanese(numbered, config))
    return Tokens(numbered, _plain(numbered, config))


def _plain(vocabulary: Mapping[str, int], config: Section) -> Tokenize:
    """Words end at spaces, marks and ideographs."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers

    small = config.flag("do_lower_case", default=True)
    tokenizer = Tokenizer(_pieces(vocabulary))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.flag("tokenize_chinese_chars", default=True),
        strip_accents=config.flag("strip_accents", default=small),
        lowercase=small,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.FixedLength(LONGEST_WORD)]
    )
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).tokens)


def _japanese(vocabulary: Mapping[str, int], config: Section) -> Tokenize:
    """Words are MeCab's, by the dictionary unidic-lite."""
    config.only("word_tokenizer_type", "mecab")
    config.only("subword_tokenizer_type", "wordpiece")
    config.only("do_lower_case", "False")
    if "mecab_kwargs" in config:
        config.section("mecab_kwargs").only("mecab_dic", "unidic_lite")
    words = _mecab()
    pieces = _pieces(vocabulary)

    def tokenize(text: str) -> list[str]:
        found = words(unicodedata.normalize("NFKC", text))
        return [piece.value for word in found for piece in pieces.tokenize(word)]

    return tokenize


def _pieces(vocabulary: Mapping[str, int]) -> WordPiece:
    from tokenizers.models import WordPiece

    return WordPiece(dict(vocabulary), unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD)


def _mecab() -> Tokenize:
    try:
        import fugashi
        import unidic_lite
    except ImportError as error:
        raise ExtraMissing(str(error.name), "japanese") from error
    folder = unidic_lite.DICDIR
    tagger = fugashi.GenericTagger(f'-d "{folder}" -r "{folder}/mecabrc"')
    turn = threading.Lock()  # MeCab keeps its lattice in the tagger

    def words(text: str) -> list[str]:
        with turn:
            return [word.surface for word in tagger(text)]

    return words
