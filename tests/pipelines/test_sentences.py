"""Text in pieces: at sentences, at clauses when a sentence is too long, and nothing lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from pipelines.sentences import LONGEST, LONGEST_START, SHORTEST_START, SYLLABLES, split

repeatable = profile(derandomize=True, deadline=None)
LANGUAGES = ("en", "en-US", "de", "fr", "ja", "zh", "hi", "ar", "xx", "")
CLAUSES = "We went out, as we always do; it rained—badly, to be fair: so we came home again. "


def pieces(text: str, language: str = "en") -> list[str]:
    return list(split(text, language))


def length(piece: str) -> int:
    """In Latin letters, of which a syllable's sign is worth three."""
    return len(piece) + 2 * len(SYLLABLES.findall(piece))


def bare(text: str) -> str:
    return "".join(text.split())


# Text as people write it: words, digits, all kinds of punctuation and space, some of it absurdly long.
writing = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [". ", "! ", "? ", ", ", "; ", " – ", "—", "…", "。", "、", "\n", "\u2028"]
        ),
        st.sampled_from(["Dr.", "e.g.", "3.14", "12,500", "“Yes.”", "你好", "नमस्ते।", "a" * 400]),
        st.text("ab ", min_size=100, max_size=400),
    ),
    max_size=30,
).map("".join)


@repeatable
@given(text=writing, language=st.sampled_from(LANGUAGES))
@example(text="\ufeff\x00\x1c\x85a\u200b", language="en")
def test_nothing_is_lost_but_white_space_and_nothing_is_too_long(text: str, language: str) -> None:
    found = pieces(text, language)
    assert bare("".join(found)) == bare(text)
    assert all(piece and piece == piece.strip() and length(piece) <= LONGEST for piece in found)


@repeatable
@given(words=st.lists(st.text("ab,", min_size=1, max_size=LONGEST), max_size=40))
def test_no_word_is_torn_that_fits(words: list[str]) -> None:
    assert [word for piece in pieces(" ".join(words)) for word in piece.split()] == words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. Smith met Mrs. Jones at 5 p.m. on Main St. today. They spoke.",
            ["Dr. Smith met Mrs. Jones at 5 p.m. on Main St. today.", "They spoke."],
        ),
        ("Pi is 3.14159. It costs $2.50.", ["Pi is 3.14159.", "It costs $2.50."]),
        ("It is e.g. this, i.e. that. Done.", ["It is e.g. this, i.e. that.", "Done."]),
        ('"Stop!" he said. "Why?"', ['"Stop!" he said.', '"Why?"']),
        ("See v1.2.3 of a.b.c now. Go.", ["See v1.2.3 of a.b.c now.", "Go."]),
        ("One line\nanother line", ["One line", "another line"]),
        ("One.\r\n\r\n  Two.\u2028Three.", ["One.", "Two.", "Three."]),
        ("   ", []),
        ("", []),
        ("...", ["..."]),
    ],
)
def test_english_is_cut_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert pieces(text) == sentences


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("zh", "你好。今天天气很好！你呢？", ["你好。", "今天天气很好！", "你呢？"]),
        ("ja", "こんにちは。元気ですか？", ["こんにちは。", "元気ですか？"]),
        ("hi", "नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("de", "Das ist z.B. gut. Ja.", ["Das ist z.B. gut.", "Ja."]),
        ("es", "¿Qué tal? ¡Bien!", ["¿Qué tal?", "¡Bien!"]),
        ("EN-us", "Mr. Jones came. Good.", ["Mr. Jones came.", "Good."]),
        (
            "zh",
            "价格是3.5元，共1,200个。他走了……真的！",
            ["价格是3.5元，共1,200个。", "他走了……", "真的！"],
        ),
        ("ja", "今日はA.I.の話をした。3.5点です！", ["今日はA.I.の話をした。", "3.5点です！"]),
        ("ko", "안녕하세요. 3.5퍼센트입니다! 네?", ["안녕하세요.", "3.5퍼센트입니다!", "네?"]),
        (
            "es",
            "El Sr. Pérez llegó a EE. UU. ayer. ¡Bien!",
            ["El Sr. Pérez llegó a EE. UU. ayer.", "¡Bien!"],
        ),
        ("fr", "M. Hugo vint. C’est vrai ? Oui !", ["M. Hugo vint.", "C’est vrai ?", "Oui !"]),
        ("fr", "En 50 av. J.-C., c.-à-d. avant. Fin.", ["En 50 av. J.-C., c.-à-d. avant.", "Fin."]),
    ],
)
def test_other_languages_are_cut_by_their_own_rules(
    language: str, text: str, sentences: list[str]
) -> None:
    assert pieces(text, language) == sentences


def test_a_long_sentence_is_cut_at_clauses() -> None:
    sentence = "we walked along the river, " * 40
    found = pieces(sentence)
    assert len(found) > 1
    assert all(piece.endswith("river,") for piece in found)


def test_a_long_sentence_without_clauses_is_cut_between_words() -> None:
    found = pieces("word " * 200)
    assert len(found) > 1
    assert {word for piece in found for word in piece.split()} == {"word"}


def test_a_very_long_word_is_cut_anywhere() -> None:
    found = pieces("a" * (3 * LONGEST + 1))
    assert [len(piece) for piece in found] == [LONGEST, LONGEST, LONGEST, 1]


@pytest.mark.parametrize("number", ["12,500", "1,234,567", "10:30", "1990–95"])
def test_a_number_is_never_torn(number: str) -> None:
    """Half a number would be spoken as two numbers."""
    text = " ".join([number] * 200)
    assert all(word == number for piece in pieces(text) for word in piece.split())
    early = (
        f"In this little town lived {number} people and nobody knew them all by name or by sight."
    )
    assert len(early) > LONGEST_START
    assert pieces(early) == [early]


def test_the_first_piece_of_a_long_sentence_ends_at_its_first_clause() -> None:
    sentence = (
        "When the morning came at last, we saw how far the water had risen in the night, and left."
    )
    assert pieces(sentence) == [
        "When the morning came at last,",
        "we saw how far the water had risen in the night, and left.",
    ]


def test_only_the_very_first_piece_comes_early() -> None:
    sentence = (
        "When the morning came at last, we saw how far the water had risen in the night before."
    )
    assert len(sentence) > LONGEST_START
    assert pieces(f"{sentence} {sentence}")[2:] == [sentence]


@pytest.mark.parametrize(
    ("language", "clause"),
    [
        ("zh", "我们沿着河边走了很久，"),
        ("ja", "川に沿って歩いて行きました、"),
        ("ko", "우리는 강을 따라 걸었고, "),
    ],
)
def test_signs_of_syllables_are_longer_than_letters(language: str, clause: str) -> None:
    sentence = clause * 12
    first, *rest = pieces(sentence, language)
    assert first == clause.strip()
    assert len(rest) > 1
    assert all(length(piece) <= LONGEST for piece in rest)
    assert all(piece.endswith(clause.strip()[-1]) for piece in rest)


def test_dots_without_end_are_cut_all_the_same() -> None:
    found = pieces("A. " * 5000, "fr")
    assert all(length(piece) <= LONGEST for piece in found)


def test_a_short_first_sentence_is_not_cut() -> None:
    sentence = "When the morning came at last, we saw the water."
    assert len(sentence) <= LONGEST_START
    assert pieces(sentence) == [sentence]


def test_a_clause_too_short_for_a_melody_is_no_first_piece() -> None:
    sentence = (
        "Well, " + "when the morning came at last we saw how far the water had risen by night."
    )
    assert pieces(sentence) == [sentence]


@repeatable
@given(cut=st.integers(1, 200))
def test_an_early_piece_has_a_sensible_length(cut: int) -> None:
    sentence = "x" * cut + ", " + "y" * 90
    first, *rest = pieces(sentence)
    if rest and len(sentence) <= LONGEST:
        assert SHORTEST_START <= len(first + " ") <= LONGEST_START
    assert bare(first + "".join(rest)) == bare(sentence)


def test_pieces_come_one_by_one() -> None:
    text = CLAUSES * 100
    first = next(split(text, "en"))
    assert re.sub(r"\s+", " ", text).startswith(first)
    assert len(first) <= LONGEST_START
