"""A voice as a file: what we write is what we read, and nothing else is."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from api.voice_file import LARGEST, LONGEST_TEXT, MOST_NUMBERS, file_of, from_base64, in_base64
from tasks import Embedding

vectors = arrays.arrays(
    np.float32, st.integers(1, MOST_NUMBERS), elements=st.floats(-100, 100, width=32)
).filter(lambda vector: bool(vector.any()))
VOICE = Embedding(np.arange(256, dtype=np.float32), "tone")
ENTRY = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
FOUR = np.ones(4, dtype="<f4").tobytes()


def made(header: Any, numbers: bytes = FOUR, length: int | None = None) -> str:
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(told) if length is None else length
    return base64.b64encode(size.to_bytes(8, "little") + told + numbers).decode()


def header(entry: Any = ENTRY, space: Any = "tone", **more: Any) -> dict[str, Any]:
    return {"__metadata__": {"space": space}, "embedding": entry, **more}


@given(vector=vectors, space=st.text(min_size=1, max_size=200), model=st.text(max_size=50))
def test_a_voice_comes_back_as_it_was(vector: Any, space: str, model: str) -> None:
    found = from_base64(in_base64(Embedding(vector, space), model))
    assert found is not None and found.space == space
    assert found.vector.dtype == np.float32
    assert np.array_equal(found.vector, vector)


def test_the_file_is_laid_out_as_safetensors() -> None:
    file = file_of(VOICE, "nose")
    length = int.from_bytes(file[:8], "little")
    told = json.loads(file[8 : 8 + length])
    assert told["embedding"] == {"dtype": "F32", "shape": [256], "data_offsets": [0, 1024]}
    assert (told["__metadata__"]["space"], told["__metadata__"]["model"]) == ("tone", "nose")
    assert all(isinstance(value, str) for value in told["__metadata__"].values())
    assert length % 8 == 0
    assert np.array_equal(np.frombuffer(file[8 + length :], "<f4"), VOICE.vector)


def test_the_library_of_that_name_reads_it_and_we_read_its_files() -> None:
    library = pytest.importorskip("safetensors.numpy")
    read = library.load(file_of(VOICE, "nose"))
    assert list(read) == ["embedding"] and np.array_equal(read["embedding"], VOICE.vector)
    written = library.save({"embedding": VOICE.vector}, metadata={"space": "tone"})
    found = from_base64(base64.b64encode(written).decode())
    assert found is not None and np.array_equal(found.vector, VOICE.vector)


def test_a_file_of_just_what_is_needed_is_read() -> None:
    found = from_base64(made(header()))
    assert found is not None and found.vector.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_no_voice(nothing: Any) -> None:
    assert from_base64(nothing) is None


def test_lines_may_be_broken() -> None:
    text = in_base64(VOICE, "nose")
    broken = "\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    found = from_base64(broken)
    assert found is not None and np.array_equal(found.vector, VOICE.vector)


HOSTILE: dict[str, tuple[Any, str]] = {
    "a number": (5, "safetensors file in base64"),
    "a list": ([0.1, 0.2], "safetensors file in base64"),
    "no base64": ("not base64!", "no base64"),
    "half a group": ("AAAAA", "no base64"),
    "too long": ("A" * (LONGEST_TEXT + 4), "characters"),
    "too short": (base64.b64encode(b"1234567").decode(), "no safetensors file"),
    "nothing in it": (base64.b64encode(bytes(8)).decode(), "no safetensors file"),
    "zeros": (base64.b64encode(bytes(1024)).decode(), "no safetensors file"),
    "bare numbers": (
        base64.b64encode(np.ones(256, "<f4").tobytes()).decode(),
        "no safetensors file",
    ),
    "a pickle": (base64.b64encode(pickle.dumps([1.0] * 256)).decode(), "pickle"),
    "PyTorch's archive": (base64.b64encode(b"PK\3\4" + bytes(100)).decode(), "pickle"),
    "a header beyond the file": (made(header(), length=5000), "no safetensors file"),
    "a header of 2^63 bytes": (made(header(), length=2**63), "no safetensors file"),
    "a huge header": (made({**header(), "a": "b" * 5000}), "no safetensors file"),
    "a header that is no JSON": (made(b"{" * 50), "header"),
    "a deep header": (made(b"[" * 4000), "header"),
    "a header that is a list": (made([header()]), "header"),
    "no metadata": (made({"embedding": ENTRY}), "of which family"),
    "no family": (made(header(space="")), "of which family"),
    "a family that is no text": (made(header(space=["tone"])), "of which family"),
    "a long family": (made(header(space="t" * 201)), "of which family"),
    "no tensor": (made({"__metadata__": {"space": "tone"}}), "one tensor"),
    "two tensors": (made(header(other=ENTRY)), "one tensor"),
    "a tensor that is a list": (made(header([1])), "one tensor"),
    "half precision": (made(header({**ENTRY, "dtype": "F16"})), "F32"),
    "doubles": (
        made(header({"dtype": "F64", "shape": [2], "data_offsets": [0, 16]})),
        "F32",
    ),
    "a table": (made(header({**ENTRY, "shape": [2, 2]})), "in a row"),
    "a shape that lies": (made(header({**ENTRY, "shape": [5]})), "in a row"),
    "a negative shape": (made(header({**ENTRY, "shape": [-4]})), "in a row"),
    "a shape of a truth": (
        made(header({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}), FOUR[:4]),
        "in a row",
    ),
    "offsets elsewhere": (made(header({**ENTRY, "data_offsets": [4, 20]})), "in a row"),
    "bytes left over": (made(header(), FOUR + b"x"), "in a row"),
    "more behind": (made(header(), FOUR + FOUR), "in a row"),
    "no numbers": (
        made(header({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}), b""),
        "in a row",
    ),
    "NaN": (made(header(), np.array([1, np.nan, 1, 1], "<f4").tobytes()), "finite"),
    "infinity": (made(header(), np.array([1, -np.inf, 1, 1], "<f4").tobytes()), "finite"),
    "a number of no voice": (
        made(header(), np.array([1, 2 * LARGEST, 1, 1], "<f4").tobytes()),
        "within",
    ),
    "silence": (made(header(), bytes(16)), "nobody's voice"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_voice_is_refused_with_the_reason(text: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_base64(text)


def test_a_planted_pickle_is_never_opened() -> None:
    frame = b"\x80\x04\x95" + bytes(8) + b"cos\nsystem\n"  # what a pickle that runs something holds
    with pytest.raises(ValueError, match="pickle"):
        from_base64(base64.b64encode(frame).decode())


@given(file=st.binary(max_size=400))
def test_any_bytes_are_a_voice_or_refused(file: bytes) -> None:
    try:
        found = from_base64(base64.b64encode(file).decode())
    except ValueError:
        return
    assert found is None or np.isfinite(found.vector).all()


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.integers(0, 1200))
def test_a_damaged_file_is_a_voice_or_refused(place: int, byte: int, cut: int) -> None:
    file = bytearray(file_of(VOICE, "nose"))
    file[place % len(file)] = byte
    try:
        found = from_base64(base64.b64encode(file[: len(file) - cut]).decode())
    except ValueError:
        return
    assert found is not None or cut >= len(file)
    assert found is None or (len(found.vector) == 256 and np.isfinite(found.vector).all())
