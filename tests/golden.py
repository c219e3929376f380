"""The oracle: what the original networks made of given inputs, in a folder beside the repository.

A clone has none, so tests that ask for it are skipped there. It is looked for in HARMONY_GOLDEN, then in
`shared/golden` above the repository, or above the one that a git worktree belongs to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import BUNDLE

_KINDS = {
    "F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip

Array = np.ndarray[Any, Any]


def golden(name: str) -> Path:
    """A folder of the golden data; the test is skipped where there is none."""
    for root in _roots():
        if (root / name).is_dir():
            return root / name
    pytest.skip(f"golden data {name!r} is neither in HARMONY_GOLDEN nor in ../shared/golden")


def read_json(folder: Path, file: str) -> Any:
    return json.loads((folder / file).read_text(encoding="utf-8"))


def golden_rows(name: str) -> list[dict[str, Any]]:
    """The reference texts of one front end, one object a row."""
    lines = (golden("text") / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_tensors(folder: Path, file: str) -> dict[str, Array]:
    """Of a safetensors file: eight bytes of length, a JSON header, and the numbers."""
    raw = (folder / file).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(raw[start:][slice(*told["data_offsets"])], _KINDS[told["dtype"]])
        .reshape(told["shape"])
        .copy()
        for name, told in header.items()
    }


def _roots() -> Iterator[Path]:
    if named := os.environ.get("HARMONY_GOLDEN"):
        yield Path(named)
    for place in (BUNDLE, _repository()):
        yield from (parent / "shared" / "golden" for parent in (place, *place.parents))


def _repository() -> Path:
    """Where a worktree's history lies; the bundle itself where it is no worktree."""
    marker = BUNDLE / ".git"
    if marker.is_file():
        return Path(marker.read_text(encoding="utf-8").partition("gitdir:")[2].strip())
    return BUNDLE
