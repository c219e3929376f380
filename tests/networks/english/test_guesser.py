"""The guesser's networks, and its phonemes in both dialects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from networks.english.alphabet import Dialect
from networks.english.arpabet import to_lexicon_alphabet
from networks.english.guesser import LONGEST, Guesser
from tests.conftest import EnglishFiles


def _write_tiny_weights(path: Path, size: int = 4) -> Path:
    """Random weights of the checkpoint's layout with a state of four numbers."""
    random = np.random.default_rng(7)
    shapes = {
        **{
            f"{side}_w_{kind}": (3 * size, size) for side in ("enc", "dec") for kind in ("ih", "hh")
        },
        **{f"{side}_b_{kind}": (3 * size,) for side in ("enc", "dec") for kind in ("ih", "hh")},
        "enc_emb": (29, size),
        "dec_emb": (74, size),
        "fc_w": (74, size),
        "fc_b": (74,),
    }
    arrays: dict[str, Any] = {name: random.normal(size=shape) for name, shape in shapes.items()}
    np.savez(path, **arrays)
    return path


def test_a_tiny_network_reads_any_word_the_same_way_each_time(tmp_path: Path) -> None:
    guesser = Guesser.load(_write_tiny_weights(tmp_path / "tiny.npz"))
    assert guesser.guess("Snorzle") == guesser.guess("snorzle") == guesser.guess("snorzle")
    assert all(not phoneme.startswith("<") for phoneme in guesser.guess("snorzle"))


def test_a_long_word_is_read_in_pieces(tmp_path: Path) -> None:
    guesser = Guesser.load(_write_tiny_weights(tmp_path / "tiny.npz"))
    piece = "b" * LONGEST
    assert guesser.guess(piece * 3) == guesser.guess(piece) * 3


@pytest.mark.parametrize(
    ("word", "arpabet"),
    [
        ("snorzle", "S N AO1 R Z AH0 L"),
        ("google", "G UW1 G AH0 L"),
        ("activationist", "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"),
    ],
)
def test_the_real_network_speaks_english(
    english_files: EnglishFiles, word: str, arpabet: str
) -> None:
    assert Guesser.load(english_files.guesser).guess(word) == tuple(arpabet.split())


@pytest.mark.parametrize(
    ("arpabet", "dialect", "phonemes"),
    [
        ("HH AH0 L OW1", "us", "həlˈO"),
        ("HH AH0 L OW1", "gb", "həlˈQ"),
        ("S IH1 T IY0", "us", "sˈɪɾi"),
        ("S IH1 T IY0", "gb", "sˈɪti"),
        ("K AA1 R", "us", "kˈɑɹ"),
        ("K AA1 R", "gb", "kˈɑː"),
        ("HH AH1 R IY0", "gb", "hˈʌɹi"),
        ("W AO1 T ER0", "us", "wˈɔɾəɹ"),
        ("W AO1 T ER0", "gb", "wˈɔːtə"),
        ("B ER1 D", "us", "bˈɜɹd"),
        ("B ER1 D", "gb", "bˈɜːd"),
        ("L IH1 T AH0 L", "us", "lˈɪɾᵊl"),
    ],
)
def test_arpabet_becomes_the_dialects_phonemes(
    arpabet: str, dialect: Dialect, phonemes: str
) -> None:
    assert to_lexicon_alphabet(arpabet.split(), dialect) == phonemes
