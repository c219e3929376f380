"""Cases of the golden data as tensors: what goes into a network, what is known on the way, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import torch
from torch import Tensor, nn

from networks.vits.checkpoint import described, fill
from tests.golden import read_tensors

Tensors = Mapping[str, Tensor]


@attrs.frozen
class Case:
    given: Tensors
    mid: Tensors
    out: Tensors


def tensors(folder: Path, file: str) -> dict[str, Tensor]:
    return {name: torch.from_numpy(one) for name, one in read_tensors(folder, file).items()}


def cases(folder: Path, file: str) -> dict[str, Case]:
    stored = tensors(folder, file)
    return {
        case: Case(*(_below(f"{case}/{part}/", stored) for part in ("in", "mid", "out")))
        for case in {name.partition("/")[0] for name in stored}
    }


def part_of(weights: Tensors, prefix: str, build: Callable[[], nn.Module]) -> nn.Module:
    """A network of its own with the weights that a checkpoint has for a part of it."""
    network = described(build)
    fill(network, _below(prefix, weights))
    return network


def same(made: Tensor, known: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(made, known, atol=tolerance, rtol=0.0)


def _below(prefix: str, stored: Tensors) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
