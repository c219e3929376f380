"""English to phonemes with the real lexicon and the real guesser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.english import EnglishFrontEnd, to_espeak_ipa
from networks.english.alphabet import SYMBOLS
from tests.conftest import EnglishFiles
from tests.networks.english.test_espeak_ipa import PIPER_SYMBOLS

# What misaki 0.9.4 says, on whose output Kokoro was trained.
AMERICAN: dict[str, str] = {
    "A spokesman for the company refused to comment on the record.": (
        "ɐ spˈOksmən fɔɹ ðə kˈʌmpᵊni ɹəfjˈuzd tə kˈɑmˌɛnt ˌɔn ðə ɹˈɛkəɹd."
    ),
    "I read the newspaper yesterday, and I will read it again tomorrow.": (
        "ˌI ɹˈɛd ðə nˈuzpˌApəɹ jˈɛstəɹdˌA, ænd ˌI wɪl ɹˈid ɪt əɡˈɛn təmˈɑɹO."
    ),
    "Close the window, please, it is too close to the street.": (
        "klˈOz ðə wˈɪndO, plˈiz, ɪt ɪz tˈu klˈOs tə ðə stɹˈit."
    ),
    "Wind the clock before the wind blows it off the wall.": (
        "wˈInd ðə klˈɑk bəfˈɔɹ ðə wˈɪnd blˈOz ɪt ˈɔf ðə wˈɔl."
    ),
    "She is an advocate of reform, and she will advocate it.": (
        "ʃˌi ɪz ɐn ˈædvəkət ʌv ɹəfˈɔɹm, ænd ʃi wɪl ˈædvəkˌAt ɪt."
    ),
    "The museum has been forced to close its doors because of a lack of funding.": (
        "ðə mjuzˈiəm hæz bɪn fˈɔɹst tə klˈOz ɪts dˈɔɹz bəkˈʌz ʌv ɐ lˈæk ʌv fˈʌndɪŋ."
    ),
    "NASA launched the rocket from Florida.": ("nˈæsə lˈɔnʧt ðə ɹˈɑkət fɹʌm flˈɔɹədə."),
    "The BBC broadcast the interview on TV.": ("ðə bˌibˌisˈi bɹˈɔdkˌæst ði ˈɪntəɹvjˌu ˌɔn tˌivˈi."),
    "She is a twenty-year-old student with a part-time job.": (
        "ʃˌi ɪz ɐ twˈɛntijˌɪɹˈOld stˈudᵊnt wɪð ɐ pˌɑɹttˈIm ʤˈɑb."
    ),
    "Go through the door and turn left.": ("ɡˌO θɹu ðə dˈɔɹ ænd tˈɜɹn lˈɛft."),
    "She paid $25 for the ticket and $3.50 for the coffee.": (
        "ʃˌi pˈAd twˈɛnti fˈIv dˈɑləɹz fɔɹ ðə tˈɪkət ænd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts fɔɹ ðə kˈɔfi."
    ),
    "To be or not to be, that is the question.": ("tə bi ɔɹ nˌɑt tə bˈi, ðˈæt ɪz ðə kwˈɛsʧᵊn."),
    "That is the house that Jack built.": ("ðˈæt ɪz ðə hˈWs ðæt ʤˈæk bˈɪlt."),
    "There were 1,250,000 visitors last year.": (
        "ðˌɛɹ wɜɹ wˈʌn mˈɪljᵊn tˈu hˈʌndɹəd fˈɪfti θˈWzᵊnd vˈɪzəTəɹz lˈæst jˈɪɹ."
    ),
    "We used to live in a small house by the river.": (
        "wˌi jˈust tə lˈɪv ɪn ɐ smˈɔl hˈWs bI ðə ɹˈɪvəɹ."
    ),
    "A hammer is used to drive nails into wood.": ("ɐ hˈæməɹ ɪz jˈuzd tə dɹˈIv nˈAlz ˈɪntu wˈʊd."),
    "Dr. Watson met Mr. Holmes and Mrs. Hudson on Baker Street.": (
        "dˈɑktəɹ wˈɑtsən mˈɛt mˈɪstəɹ hˈOmz ænd mˈɪsɪz hˈʌdsən ˌɔn bˈAkəɹ stɹˈit."
    ),
}
BRITISH: dict[str, str] = {
    "The minister denied reports that she intended to resign.": (
        "ðə mˈɪnɪstə dˈɛniːd ɹɪpˈɔːts ðat ʃiː ɪntˈɛndɪd tə ɹɪzˈIn."
    ),
    "Keep out of reach of children.": ("kˈiːp ˈWt ɒv ɹˈiːʧ ɒv ʧˈɪldɹᵊn."),
    "The neighbours complained about the noise.": ("ðə nˈAbəz kəmplˈAnd əbˈWt ðə nˈYz."),
    "Officials said the storm could produce heavy rain across the northern counties by Friday evening.": (
        "əfˈɪʃlz sˈɛd ðə stˈɔːm kʊd pɹədjˈuːs hˈɛvi ɹˈAn əkɹˈɒs ðə nˈɔːðn kˈWntiz bI fɹˈIdA ˈiːvnɪŋ."
    ),
    "It was well-known that the old-fashioned machine was out of date.": (
        "ˌɪt wɒz wˌɛlnˈQn ðat ði ˌQldfˈaʃᵊnd məʃˈiːn wɒz ˈWt ɒv dˈAt."
    ),
    "The dog barked at the postman and then ran away.": (
        "ðə dˈɒɡ bˈɑːkt at ðə pˈQstmən and ðˈɛn ɹˈan əwˈA."
    ),
    "He took a deep breath, opened the door and went in.": (
        "hˌiː tˈʊk ɐ dˈiːp bɹˈɛθ, ˈQpᵊnd ðə dˈɔː and wˈɛnt ˈɪn."
    ),
}
KOKORO_SYMBOLS = frozenset(
    ';:,.!?—…"()“” ̃ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβ'
    "ɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)


@pytest.fixture(scope="module")
def american(english_files: EnglishFiles) -> EnglishFrontEnd:
    return EnglishFrontEnd.load(english_files.lexicon, english_files.guesser, "us")


@pytest.fixture(scope="module")
def british(english_files: EnglishFiles) -> EnglishFrontEnd:
    return EnglishFrontEnd.load(english_files.lexicon, english_files.guesser, "gb")


@pytest.mark.parametrize(("text", "phonemes"), AMERICAN.items())
def test_american_agrees_with_the_training_data(
    american: EnglishFrontEnd, text: str, phonemes: str
) -> None:
    assert american.phonemize(text) == phonemes


@pytest.mark.parametrize(("text", "phonemes"), BRITISH.items())
def test_british_agrees_with_the_training_data(
    british: EnglishFrontEnd, text: str, phonemes: str
) -> None:
    assert british.phonemize(text) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("snorzle", "snˈɔɹzᵊl"),
        ("crashloop", "kɹˈæʃlˌup"),
        ("npm", "ˌɛnpˌiˈɛm"),
        ("Kubernetes's", "kəbˈɜɹnətsᵻz"),
        ("I'd've", "ˌIdəv"),
        ("the U.S.", "ðə jˌuˈɛs"),
        ("NOT now", "nˈɑt nˈW"),
    ],
)
def test_a_word_outside_the_lexicon_is_still_read(
    american: EnglishFrontEnd, text: str, phonemes: str
) -> None:
    assert american.phonemize(text) == phonemes


@pytest.mark.parametrize("text", ["", "  ", "🎉", "你好", "...", "'", "- — -", "\x00", "“”"])
def test_a_text_without_a_word_gives_nothing(american: EnglishFrontEnd, text: str) -> None:
    assert american.phonemize(text) == ""


@settings(deadline=None)
@given(st.text() | st.text("aZ09 .,-/$%£€'\"’“”—–:;!?()[]#@&+*^°½²é你🎉\u200b\u202e\n"))
def test_any_text_gives_only_symbols_the_voices_know(
    american: EnglishFrontEnd, british: EnglishFrontEnd, text: str
) -> None:
    for front_end in (american, british):
        phonemes = front_end.phonemize(text)
        assert set(phonemes) <= SYMBOLS
        assert set(to_espeak_ipa(phonemes)) <= PIPER_SYMBOLS


def test_our_alphabet_is_part_of_kokoros() -> None:
    assert SYMBOLS <= KOKORO_SYMBOLS


def test_threads_do_not_disturb_each_other(american: EnglishFrontEnd) -> None:
    texts = [*AMERICAN, "Snorzle vlindersk 12345", "Xylqorv, $3.50 and 7/9"] * 4
    alone = [american.phonemize(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(american.phonemize, texts)) == alone


@pytest.mark.parametrize("piece", ["very ", "record ", "a-", "AbC", "A ", "the end, "])
def test_a_long_text_is_read_to_its_end(american: EnglishFrontEnd, piece: str) -> None:
    long, short = piece * (60_000 // len(piece)), piece * (600 // len(piece))
    assert len(american.phonemize(long)) > 50 * len(american.phonemize(short))
