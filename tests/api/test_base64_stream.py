"""Base64 in pieces: all of it or a refusal, never a guess."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.base64_stream import Base64Decoder


def decoded(*pieces: str) -> bytes:
    decoder = Base64Decoder()
    return b"".join(decoder.feed(piece) for piece in pieces) + decoder.finish()


@given(
    st.binary(max_size=200), st.lists(st.integers(0, 300)), st.sampled_from(["", "\n", " \r\n\t"])
)
def test_any_bytes_in_any_pieces_come_back(given: bytes, cuts: list[int], space: str) -> None:
    text = space.join(base64.b64encode(given).decode())
    edges = [0, *sorted(cuts), len(text)]
    assert decoded(*(text[a:b] for a, b in pairwise(edges))) == given


@given(st.binary(max_size=40), st.integers(0, 60))
def test_a_data_url_is_taken_apart_wherever_it_is_cut(given: bytes, cut: int) -> None:
    url = "Data:audio/wav;codecs=1;base64," + base64.b64encode(given).decode()
    assert decoded(url[:cut], url[cut:]) == given


@pytest.mark.parametrize("text", ["data", "dat=", "data" * 100, "da" + "ta"])
def test_data_that_begins_like_a_data_url_is_data(text: str) -> None:
    assert decoded(*text) == base64.b64decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "A", "AA", "AAA", "AA=", "=", "====", "A===", "AA==AA==", "AA==A", "AAA=AAAA", "AAAA=",
        "AA*A", "AA-_", "é", "AAé=", "data:,AAAA", "data:audio/wav,AAAA", "data:" + "x" * 300,
        "data:base64,AAAA", "data:;base64,data:;base64,AAAA",
    ],
)  # fmt: skip
@pytest.mark.parametrize("together", [True, False])
def test_anything_else_is_refused(text: str, together: bool) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decoded(*([text] if together else text))
