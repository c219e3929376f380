"""A voice as a file in base64: the safetensors layout, holding one vector and what it is.

    8 bytes   length of the header, little-endian
    header    {"__metadata__": {"space": "…", "model": "…", "version": "…"},
               "embedding": {"dtype": "F32", "shape": [256], "data_offsets": [0, 1024]}}
    numbers   float32, little-endian

A file from outside is read with suspicion: it says how long it is, what it holds and where, and any of it
may be a lie. A pickle is never opened: that would run what is in it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator, WithJsonSchema

from tasks import Embedding
from version import VERSION

LENGTH = 8  # bytes that tell the header's length, to a multiple of which it is padded
TENSOR, METADATA = "embedding", "__metadata__"
LONGEST_HEADER = 4096  # bytes
MOST_NUMBERS = 4096
LONGEST_SPACE = 200  # characters
LARGEST = 1e6  # of a number; encoders make some ten, and of more a network makes noise at best
LONGEST_TEXT = 4 * (LENGTH + LONGEST_HEADER + 4 * MOST_NUMBERS) // 3 + 4
# How pickles begin, and the archives that PyTorch puts them into.
PICKLES = (b"\x80", b"PK")
ASK_US = "POST /v1/audio/embeddings makes such files"


def in_base64(voice: Embedding, model: str) -> str:
    """The file, to be sent back as `input_embedding` or `target_embedding`."""
    return base64.b64encode(file_of(voice, model)).decode()


def file_of(voice: Embedding, model: str) -> bytes:
    numbers = voice.vector.astype("<f4").tobytes()
    header = {
        METADATA: {"space": voice.space, "model": model, "version": VERSION},
        TENSOR: {
            "dtype": "F32",
            "shape": [len(voice.vector)],
            "data_offsets": [0, len(numbers)],
        },
    }
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % LENGTH)
    return len(told).to_bytes(LENGTH, "little") + told + numbers


def from_base64(text: Any) -> Embedding | None:
    """The voice in a field of a request; nothing, and an empty string, are none."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise ValueError("Input should be a safetensors file in base64")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"it has {len(text)} characters; no voice has more than {LONGEST_TEXT}")
    try:
        file = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"it is no base64; {ASK_US}") from None
    return voice_of(file)


def voice_of(file: bytes) -> Embedding:
    """The voice in a file, if it is one that we would have written."""
    header, numbers = _parts(file)
    space = _space(header.get(METADATA))
    entry = header.get(TENSOR)
    if set(header) != {METADATA, TENSOR} or not isinstance(entry, dict):
        raise ValueError(f"it should hold one tensor, '{TENSOR}', and nothing else; {ASK_US}")
    return Embedding(_vector(entry, numbers), space)


def _parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(file[:LENGTH], "little")
    if len(file) < LENGTH or not 0 < length <= min(LONGEST_HEADER, len(file) - LENGTH):
        if file.startswith(PICKLES):
            raise ValueError(f"it looks like a pickle, which is never opened here; {ASK_US}")
        raise ValueError(f"it is no safetensors file of a voice; {ASK_US}")
    try:
        header = json.loads(file[LENGTH : LENGTH + length])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ValueError(f"its header cannot be read; {ASK_US}")
    return header, file[LENGTH + length :]


def _space(metadata: Any) -> str:
    space = metadata.get("space") if isinstance(metadata, dict) else None
    if not isinstance(space, str) or not 0 < len(space) <= LONGEST_SPACE:
        raise ValueError(f"it does not say of which family it is ('space'); {ASK_US}")
    return space


def _vector(entry: dict[str, Any], numbers: bytes) -> NDArray[np.float32]:
    count = len(numbers) // 4
    expected = {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}
    if len(numbers) % 4 or not 0 < count <= MOST_NUMBERS or not _same(entry, expected):
        raise ValueError(f"'{TENSOR}' should be 1 to {MOST_NUMBERS} numbers of type F32, in a row")
    vector = np.frombuffer(numbers, dtype="<f4").astype(np.float32)
    if not np.isfinite(vector).all() or np.abs(vector).max() > LARGEST:
        raise ValueError(f"not all its numbers are finite, and within ±{LARGEST:g}")
    if not vector.any():
        raise ValueError("all its numbers are zero: that is nobody's voice")
    return vector


def _same(entry: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Equal as JSON is: to Python, true and 1.0 are 1 as well."""
    return json.dumps(entry, sort_keys=True) == json.dumps(expected, sort_keys=True)


VoiceFile = Annotated[
    Embedding | None,
    PlainValidator(from_base64),
    WithJsonSchema({"anyOf": [{"type": "string", "contentEncoding": "base64"}, {"type": "null"}]}),
]
