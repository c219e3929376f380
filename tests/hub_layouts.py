"""Real weights of this machine in the layouts in which the hub has them, for a fake hub to serve.

What no test loads stands there as a few bytes, so that fetching it would be seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fake_hub import Content
from weights import Store

KOKORO = "onnx-community/Kokoro-82M-v1.0-ONNX"
VOICES = ("af_heart", "am_michael", "bf_emma", "jf_alpha")
PIPER = "rhasspy/piper-voices"
JOE = "en/en_US/joe/medium/en_US-joe-medium.onnx"
AMY = "en/en_US/amy/low/en_US-amy-low.onnx"
TINY = "Systran/faster-whisper-tiny.en"
TINY_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")

Change = Callable[[int, bytes], bytes]  # the number of a field and its content: its new content


def whisper_files(store: Store) -> dict[str, Content]:
    folder = store.fetch("faster-whisper-tiny.en")
    return {name: folder / name for name in TINY_FILES} | {"README.md": b"#"}


def piper_files(store: Store) -> dict[str, Content]:
    """One folder a voice, by language, name and quality."""
    network = store.fetch("piper-joe") / Path(JOE).name
    return {
        "voices.json": b"{}",
        JOE: network,
        f"{JOE}.json": Path(f"{network}.json"),
        f"{Path(JOE).parent}/MODEL_CARD": b"#",
        AMY: b"amy",
        f"{AMY}.json": b"{}",
    }


def kokoro_files(store: Store) -> dict[str, Content]:
    """Many networks, whose first input has a name of its own; the vocabulary is the tokenizer's."""
    network, voices = store.fetch("kokoro"), store.fetch("kokoro-voices")
    vocabulary = json.loads((network / "config.json").read_text(encoding="utf-8"))["vocab"]
    quantized = (network / "kokoro-v1.0.int8.onnx").read_bytes()
    others = ("model", "model_fp16", "model_q4", "model_q8f16", "model_uint8")
    return {
        "README.md": b"#",
        "config.json": b'{"model_type": "style_text_to_speech_2"}',
        "tokenizer.json": json.dumps({"model": {"vocab": {"$": 0, **vocabulary}}}).encode(),
        "tokenizer_config.json": b"{}",
        "onnx/model_quantized.onnx": renamed(quantized, {b"tokens": b"input_ids"}),
        **{f"onnx/{name}.onnx": name.encode() for name in others},
        **{f"voices/{name}.bin": voices / f"{name}.bin" for name in VOICES},
    }


def renamed(model: bytes, names: Mapping[bytes, bytes]) -> bytes:
    """An ONNX model with other names for its graph's inputs: the few fields of its protobuf that matter."""

    def graph(field: int, body: bytes) -> bytes:
        # 1 is a node, whose field 1 names an input; 11 an input of the graph, whose field 1 is its name.
        return rewritten(body, name) if field in (1, 11) else body

    def name(field: int, body: bytes) -> bytes:
        return names.get(body, body) if field == 1 else body

    return rewritten(model, lambda field, body: rewritten(body, graph) if field == 7 else body)


def rewritten(message: bytes, change: Change) -> bytes:
    out, at = [], 0
    while at < len(message):
        start = at
        key, at = varint(message, at)
        if key & 7 == 2:
            size, at = varint(message, at)
            body = change(key >> 3, message[at : at + size])
            at += size
            out += [as_varint(key), as_varint(len(body)), body]
        else:
            at = varint(message, at)[1] if key & 7 == 0 else at + (8 if key & 7 == 1 else 4)
            out.append(message[start:at])
    return b"".join(out)


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
