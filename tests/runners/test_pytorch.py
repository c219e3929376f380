"""Checkpoints from strangers, and where torch shall run what is in them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from errors import SettingsError, WeightsError
from runners import memory
from runners.pytorch import place_of, read_config, read_tensor, read_weights
from settings import RunnerSettings
from tests.conftest import BUNDLE

ONES = torch.ones(2, 3)


def settings_of(**changes: Any) -> RunnerSettings:
    tree = {"name": "it", "model": "m", "model_type": "none", **changes}
    return RunnerSettings.model_validate(tree)


class Bomb:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.place),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pth"


def packed(header: Any, body: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


# What is read


@pytest.mark.parametrize("found", [{"model": {"a": ONES}, "iteration": 3}, {"a": ONES}])
def test_weights_may_lie_under_model_or_alone(file: Path, found: Any) -> None:
    torch.save(found, file)
    weights = read_weights(file)
    assert list(weights) == ["a"]
    assert torch.equal(weights["a"], ONES)


def test_an_old_checkpoint_is_read_too(file: Path) -> None:
    torch.save({"model": {"a": ONES}}, file, _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(file)["a"], ONES)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16),
        ("I64", torch.int64),
    ],
)  # fmt: skip
def test_safetensors_are_read(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    file = tmp_path / "checkpoint.safetensors"
    body = ONES.to(dtype).view(torch.uint8).numpy().tobytes()
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": kind, "shape": [2, 3], "data_offsets": [0, len(body)]},
    }
    file.write_bytes(packed(header, body))
    weights = read_weights(file)
    assert list(weights) == ["a"]
    assert torch.equal(weights["a"], ONES.to(dtype))


def test_safetensors_are_read_wherever_their_tensors_lie(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    header = {
        "b": {"dtype": "I64", "shape": [], "data_offsets": [12, 20]},
        "a": {"dtype": "F32", "shape": [3, 1], "data_offsets": [0, 12]},
    }
    numbers = torch.tensor([0.5, -1.0, 2.0])
    file.write_bytes(packed(header, numbers.numpy().tobytes() + (7).to_bytes(8, "little")))
    weights = read_weights(file)
    assert int(weights["b"]) == 7
    assert torch.equal(weights["a"], numbers[:, None])


def test_safetensors_take_no_more_memory_than_their_tensors(tmp_path: Path) -> None:
    file, count = tmp_path / "checkpoint.safetensors", 1 << 18
    header = {
        str(n): {
            "dtype": "F32",
            "shape": [count],
            "data_offsets": [4 * count * n, 4 * count * (n + 1)],
        }
        for n in range(8)
    }
    file.write_bytes(packed(header, bytes(32 * count)))
    tracemalloc.start()
    try:
        weights = read_weights(file)
        held, peak = tracemalloc.get_traced_memory()
        assert peak < 1.1 * 32 * count
        kept = weights["3"]
        del weights
        assert tracemalloc.get_traced_memory()[0] < held / 4
        assert kept.shape == (count,)
    finally:
        tracemalloc.stop()


def test_a_tone_is_read_as_numbers_of_our_own(file: Path) -> None:
    torch.save(torch.nn.Parameter(ONES.to(torch.float16)), file)
    found = read_tensor(file)
    assert (found.dtype, found.requires_grad) == (torch.float32, False)


# What is refused


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, file: Path
) -> None:
    place = tmp_path / "was here"
    torch.save({"model": {"a": Bomb(place)}}, file)
    for read in (read_weights, read_tensor):
        with pytest.raises(WeightsError, match=r"^checkpoint\.pth cannot be used: "):
            read(file)
    file.write_bytes(pickle.dumps(Bomb(place)))
    with pytest.raises(WeightsError, match=r"checkpoint\.pth cannot be used"):
        read_weights(file)
    assert not place.exists()
    pickle.loads(pickle.dumps(Bomb(place)))
    assert place.exists()


@pytest.mark.parametrize("found", [3, "weights", [ONES], {"model": [ONES]}, {"model": ONES}])
def test_something_else_than_named_tensors_is_refused(file: Path, found: Any) -> None:
    torch.save(found, file)
    with pytest.raises(WeightsError, match=r"holds a \w+ where named tensors should be"):
        read_weights(file)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a": ONES}, "holds a dict where a tensor of numbers should be"),
        (torch.ones(3, dtype=torch.int64), "holds a Tensor where a tensor of numbers should be"),
        (ONES * float("nan"), "not finite"),
        (ONES / 0, "not finite"),
    ],
)
def test_something_else_than_a_finite_tensor_is_refused(
    file: Path, found: Any, message: str
) -> None:
    torch.save(found, file)
    with pytest.raises(WeightsError, match=message):
        read_tensor(file)


def test_a_checkpoint_that_unpacks_to_more_than_itself_is_refused(
    tmp_path: Path, file: Path
) -> None:
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for item in plain.infolist():
            small.writestr(item.filename, plain.read(item))
    with pytest.raises(WeightsError, match="unpacks to more than its own size"):
        read_weights(file)


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"PK\3\4" + b"\0" * 50, b"\x80\x02" + b"(" * 100, b"\0" * 4096]
)
@pytest.mark.parametrize("name", ["checkpoint.pth", "checkpoint.safetensors", "config.json"])
def test_bytes_of_no_kind_are_refused_by_the_file_s_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    read = read_config if name == "config.json" else read_weights
    with pytest.raises(WeightsError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{name} cannot be used: ")
    assert str(tmp_path) not in str(caught.value)


def test_half_a_checkpoint_is_refused(file: Path) -> None:
    torch.save({"model": {"a": torch.zeros(4096)}}, file)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(WeightsError, match="cannot be used"):
        read_weights(file)


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 0]}},
        {"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}},
        {"a": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0.0, 4.0]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
        {name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in "ab"},
        {"a": 3},
        [],
        b"{",
    ],
)
def test_safetensors_that_lie_are_refused(tmp_path: Path, header: Any) -> None:
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(packed(header, b"\0" * 8))
    with pytest.raises(WeightsError, match=r"^checkpoint\.safetensors cannot be used"):
        read_weights(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^there is no en_default_se\.pth among the weights$"):
        read_tensor(tmp_path / "en_default_se.pth")


def test_a_config_without_end_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    with file.open("wb") as out:
        out.truncate(1 << 30)
    with pytest.raises(WeightsError, match="longer than"):
        read_config(file)


# Where it runs


@pytest.mark.parametrize(
    ("dtype", "meant"),
    [
        ("auto", torch.float32),
        ("float", torch.float32),
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
    ],
)
def test_the_format_is_the_configured_one(dtype: str, meant: torch.dtype) -> None:
    place = place_of(settings_of(dtype=dtype))
    assert (place.device, place.dtype) == ("cpu", meant)


def test_the_configured_number_of_threads_computes() -> None:
    before = torch.get_num_threads()
    try:
        place_of(settings_of(threads=3))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dtype": "int8"},
            "dtype int8 is not for this family; it computes in bfloat16, float16, ",
        ),
        ({"dtype": "half"}, "dtype float16 is for GPUs"),
        ({"device_config": {"device": "cuda:97"}}, "there is no device cuda:97; PyTorch "),
        ({"device_config": {"device": "rocm:97"}}, "there is no device rocm:97; PyTorch "),
    ],
)
def test_what_this_machine_cannot_do_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=f"it: {message}"):
        place_of(settings_of(**changes))


def test_torch_s_word_for_no_memory_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.ran_out(caught.value)
    assert memory.ran_out(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))


def test_who_looks_models_up_carries_no_torch() -> None:
    asked = "import catalog, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=BUNDLE, text=True, capture_output=True, timeout=120,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
