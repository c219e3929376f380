"""Published weights into a network: name for name and shape for shape, or a refusal that names the tensor.

A network is built without memory (`described`) and then takes the checkpoint's own tensors, so neither a
config with huge sizes nor a wrong file costs more than the file itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from networks.vits.weight_norm import fold

Network = TypeVar("Network", bound=nn.Module)
SHOWN = 3  # names in one message


class UnfitWeights(ValueError):
    """Tensors that are not those of the network; the message names one of them."""


def described(build: Callable[[], Network]) -> Network:
    """A network with names and shapes but no numbers."""
    with torch.device("meta"):
        return build()


def fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a described network its weights, float32, on the CPU, normalisation folded."""
    wanted = network.state_dict()
    _compare(wanted, weights)
    found = {name: weights[name].detach().to(one.dtype) for name, one in wanted.items()}
    network.load_state_dict(found, strict=True, assign=True)
    fold(network)
    network.requires_grad_(False).eval()
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise UnfitWeights(f"{name} holds numbers that are not finite")


def _compare(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    if missing := wanted.keys() - weights.keys():
        raise UnfitWeights(f"the checkpoint lacks {_few(missing)}")
    if foreign := weights.keys() - wanted.keys():
        raise UnfitWeights(f"the checkpoint has {_few(foreign)}, which the network does not know")
    for name, known in wanted.items():
        tensor, is_real = weights[name], known.is_floating_point()
        if not isinstance(tensor, Tensor) or tensor.is_floating_point() != is_real:
            kind = "floating point" if is_real else "whole"
            raise UnfitWeights(f"{name} is no tensor of {kind} numbers")
        if tensor.shape != known.shape:
            raise UnfitWeights(
                f"{name} has the shape {tuple(tensor.shape)}; the network wants {tuple(known.shape)}"
            )


def _few(names: set[str]) -> str:
    first = ", ".join(sorted(map(str, names))[:SHOWN])
    return first + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
