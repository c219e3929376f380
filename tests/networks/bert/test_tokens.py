"""Tokens: beside the transformers package, with the settings of a tokenizer_config.json, on hostile texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.bert import tokens
from networks.vits.config import UnfitConfig
from tests import bert

WORDS = (
    "the", "play", "##ing", "compa", "##nera", "compañera", "##ñ", "The", "你", "好", "日本", "語", "##語",
    "です", "、", "한국어", "##는",
)  # fmt: skip
VOCABULARY = bert.vocabulary(WORDS)
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"do_lower_case": True},
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": True, "strip_accents": None},
    {"do_lower_case": False},
    {"do_lower_case": False, "strip_accents": True},
    {"tokenize_chinese_chars": False},
)
TEXTS = (
    "The playing compañera, 你好!",
    "café 2024-02-29 … don't #1 ##ing",
    "  \t\n",
    "한국어는 日本語です、ok",
    "\u200fright \x00to\x07 left \U0001f600",
    "x" * 100,
)
JAPANESE = {
    "tokenizer_class": "BertJapaneseTokenizer",
    "do_lower_case": False,
    "word_tokenizer_type": "mecab",
    "subword_tokenizer_type": "wordpiece",
    "mecab_kwargs": {"mecab_dic": "unidic_lite"},
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_tokens_are_those_of_the_transformers_package(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "vocab.txt").write_text(VOCABULARY, encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps(bert.CONFIG))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    ours = tokens.load(VOCABULARY, settings, 400)
    for text in TEXTS:
        assert ours.tokenize(text) == theirs.tokenize(text), text
        cut = ours.tokenize(text)
        assert ours.ids(cut) == theirs.convert_tokens_to_ids(cut)
    assert (ours.begin, ours.end) == (theirs.cls_token_id, theirs.sep_token_id)


def test_japanese_tokens_are_those_of_the_transformers_package(tmp_path: Path) -> None:
    pytest.importorskip("fugashi")
    transformers = pytest.importorskip("transformers.models.bert_japanese")
    (tmp_path / "vocab.txt").write_text(VOCABULARY, encoding="utf-8")
    theirs = transformers.BertJapaneseTokenizer(
        str(tmp_path / "vocab.txt"),
        do_lower_case=False,
        word_tokenizer_type="mecab",
        subword_tokenizer_type="wordpiece",
        mecab_kwargs={"mecab_dic": "unidic_lite"},
    )
    ours = tokens.load(VOCABULARY, JAPANESE, 400)
    for text in ("日本語です、日本", "ﾊﾝｶｸ　日本 ok the", "", "日本\n語"):
        assert ours.tokenize(text) == theirs.tokenize(text), text


@pytest.mark.parametrize("char", ["x", "9", "한"])
def test_a_word_too_long_for_a_tokenizer_is_cut_instead_of_unknown(char: str) -> None:
    spelling = bert.vocabulary((char, f"##{char}"))
    cut = tokens.load(spelling, {"strip_accents": False}, 400).tokenize(char * 250)
    assert [token.removeprefix("##") for token in cut] == [char] * 250
    assert [place for place, token in enumerate(cut) if token == char] == [0, 100, 200]


def test_a_long_japanese_word_is_cut_too() -> None:
    pytest.importorskip("fugashi")
    spelling = bert.vocabulary(("ヌ", "##ヌ"))
    cut = tokens.load(spelling, JAPANESE, 400).tokenize("ヌ" * 101)
    assert [token.removeprefix("##") for token in cut] == ["ヌ"] * 101


def test_accents_are_kept_or_stripped_as_the_settings_say() -> None:
    stripping = tokens.load(VOCABULARY, {"do_lower_case": True}, 400)
    keeping = tokens.load(VOCABULARY, {"do_lower_case": True, "strip_accents": False}, 400)
    assert stripping.tokenize("Compañera") == ["compa", "##nera"]
    assert keeping.tokenize("Compañera") == ["compañera"]


def test_marks_of_bert_in_a_text_are_only_text() -> None:
    plain = tokens.load(VOCABULARY, {"do_lower_case": False}, 400)
    cut = plain.tokenize("[SEP] [CLS][MASK] [PAD]")
    assert not set(cut) & {"[SEP]", "[CLS]", "[MASK]", "[PAD]"}


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    plain = tokens.load(VOCABULARY, {}, 400)
    assert all(0 <= number < 400 for number in plain.ids(plain.tokenize(text)))


@pytest.mark.parametrize(
    ("vocabulary", "settings", "said"),
    [
        ("[UNK]\n[CLS]\n", {}, "vocab.txt has no [SEP]"),
        ("", {}, "vocab.txt has no [UNK], [CLS], [SEP]"),
        (VOCABULARY + "x\n" * 400, {}, "more than the 400 words that config.json says"),
        (VOCABULARY, {"do_lower_case": "yes"}, "tokenizer_config.json: do_lower_case is 'yes'"),
        (VOCABULARY, {**JAPANESE, "word_tokenizer_type": "sudachi"}, "'mecab' is expected"),
        (VOCABULARY, {**JAPANESE, "mecab_kwargs": {"mecab_dic": "ipadic"}}, "'unidic_lite'"),
        (VOCABULARY, [], "an object is expected"),
    ],
)
def test_files_that_are_no_tokenizer_are_refused(
    vocabulary: str, settings: object, said: str
) -> None:
    with pytest.raises(UnfitConfig) as caught:
        tokens.load(vocabulary, settings, 400)
    assert said in str(caught.value)
