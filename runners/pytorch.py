"""PyTorch networks: where they run and what they are read from, the same for all that come as checkpoints.

A checkpoint comes from strangers. `.pth` files are pickles, of which nothing but tensors and plain
containers is let through; whether the tensors are the network's is the network's to say. Torch is
imported when a model is loaded and not before: no other process shall carry it.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import attrs

from errors import SettingsError, WeightsError
from runners import memory
from settings import RunnerSettings

if TYPE_CHECKING:
    import torch

# `auto` never rounds: whoever wants a smaller format knows what it does to the sound.
FORMATS = {
    "auto": "float32", "float": "float32", "float32": "float32",
    "half": "float16", "float16": "float16", "bfloat16": "bfloat16",
}  # fmt: skip
LONGEST_CONFIG = 1 << 22  # bytes; published ones have some thousands
PACKED = ("model",)  # the entry that holds the weights, beside what training wants to remember


@attrs.frozen
class Place:
    """Where a network runs, as torch calls it, and the format that it computes in."""

    device: str
    dtype: torch.dtype


def place_of(settings: RunnerSettings) -> Place:
    """The configured device and format; from now on torch uses the configured number of threads."""
    torch = _torch(settings)
    torch.set_num_threads(settings.threads)
    device = _device(torch, settings)
    if settings.dtype not in FORMATS:
        raise SettingsError(
            f"{settings.name}: dtype {settings.dtype} is not for this family; "
            f"it computes in {', '.join(sorted(set(FORMATS.values())))}"
        )
    name = FORMATS[settings.dtype]
    if (device, name) == ("cpu", "float16"):
        raise SettingsError(
            f"{settings.name}: dtype float16 is for GPUs; on a processor take float32, or bfloat16"
        )
    return Place(device, getattr(torch, name))


def read_config(file: Path) -> Any:
    """The values of a config.json."""
    with _from_strangers(file):
        return json.loads(_text(file))


def read_text(file: Path) -> str:
    """What stands in a file as small as a config."""
    with _from_strangers(file):
        return _text(file)


def read_weights(file: Path, packed: Sequence[str] = PACKED) -> Mapping[str, torch.Tensor]:
    """The named tensors of a `.safetensors`, or of a pickle, which may keep them under keys of its own."""
    with _from_strangers(file):
        if file.suffix == ".safetensors":
            return _mapped(file)
        found = _unpickled(file)
        for key in packed:
            found = found.get(key, found) if isinstance(found, Mapping) else found
        if not isinstance(found, Mapping):
            raise ValueError(f"it holds a {type(found).__name__} where named tensors should be")
        return found


def read_tensor(file: Path) -> torch.Tensor:
    """The one tensor of finite numbers that a `.pth` holds."""
    import torch

    with _from_strangers(file):
        found = _unpickled(file)
        if not isinstance(found, torch.Tensor) or not found.is_floating_point():
            raise ValueError(
                f"it holds a {type(found).__name__} where a tensor of numbers should be"
            )
        if not found.isfinite().all():
            raise ValueError("it holds numbers that are not finite")
        return found.detach().float()


@contextmanager
def fitting(what: str) -> Iterator[None]:
    """A config or weights that a network refuses are told as weights that cannot be used."""
    from networks.vits.checkpoint import UnfitWeights
    from networks.vits.config import UnfitConfig

    try:
        yield
    except (UnfitConfig, UnfitWeights) as error:
        raise WeightsError(f"{what}: {error}") from error


def _torch(settings: RunnerSettings) -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise SettingsError(
            f"{settings.name}: its family needs PyTorch: scripts/setup --torch cpu (or cuda, rocm)"
        ) from error
    return torch


def _device(torch: Any, settings: RunnerSettings) -> str:
    kind, _, index = settings.device.partition(":")
    seen = "rocm" if torch.version.hip else "cuda"  # torch calls both cuda
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cpu" or (kind == "auto" and not count):
        return "cpu"
    if kind not in ("auto", seen) or int(index or 0) >= count:
        raise SettingsError(
            f"{settings.name}: there is no device {settings.device}; PyTorch {torch.__version__} "
            f"sees {count} for {seen}"
        )
    return f"cuda:{index or 0}"


def _text(file: Path) -> str:
    if file.stat().st_size > LONGEST_CONFIG:
        raise ValueError(f"it is longer than {LONGEST_CONFIG} bytes")
    return file.read_text(encoding="utf-8")


def _unpickled(file: Path) -> Any:
    import torch

    if zipfile.is_zipfile(file):
        # Torch stores what it saves as it is; packed entries could fill any memory.
        with zipfile.ZipFile(file) as archive:
            if sum(item.file_size for item in archive.infolist()) > file.stat().st_size:
                raise ValueError("it unpacks to more than its own size")
    return torch.load(file, map_location="cpu", weights_only=True)


def _mapped(file: Path) -> dict[str, torch.Tensor]:
    """Eight bytes of length, as much JSON that says what lies where, and the numbers."""
    import torch

    numbers = {
        "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    }  # fmt: skip
    found = {}
    with file.open("rb") as stored:
        begin, size, told = _header(stored)
        _check(told, size, numbers)
        for name, about in told.items():
            first, last = about["data_offsets"]
            part = torch.frombuffer(
                _piece(stored, begin + first, last - first), dtype=numbers[about["dtype"]]
            )
            found[name] = part.reshape(about["shape"])
    return found


def _header(stored: BufferedReader) -> tuple[int, int, dict[str, Any]]:
    """Where the numbers begin, how many bytes of them there are, and what is told of each tensor."""
    size = stored.seek(0, os.SEEK_END)
    stored.seek(0)
    begin = 8 + int.from_bytes(stored.read(8), "little")
    if not 8 < begin <= size:
        raise ValueError("it ends before its own header does")
    told = json.loads(stored.read(begin - 8))
    told.pop("__metadata__", None)
    return begin, size - begin, told


def _check(told: Mapping[str, Any], size: int, kinds: Container[str]) -> None:
    total = 0
    for name, about in told.items():
        first, last = about["data_offsets"]
        if not 0 <= first < last <= size or about["dtype"] not in kinds:
            raise ValueError(f"its header tells no tensor of numbers for {name}")
        total += last - first
    # Each tensor has memory of its own: such as share their bytes could fill any.
    if total > size:
        raise ValueError("it unpacks to more than its own size")


def _piece(stored: BufferedReader, first: int, count: int) -> bytearray:
    """So many bytes, in memory that nobody else has."""
    piece = bytearray(count)
    stored.seek(first)
    if stored.readinto(piece) != count:
        raise ValueError("it ended while it was read")
    return piece


@contextmanager
def _from_strangers(file: Path) -> Iterator[None]:
    """Whatever a file does to its reader is told as a file that cannot be used, by its name alone."""
    if not file.is_file():
        raise WeightsError(f"there is no {file.name} among the weights")
    try:
        yield
    # Unpicklers meet hostile bytes with any exception there is.
    except Exception as error:
        if memory.ran_out(error):
            raise
        first = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise WeightsError(f"{file.name} cannot be used: {first}") from error
