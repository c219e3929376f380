"""ONNX Runtime networks, opened and run the same way for every family that is exported to ONNX."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from errors import SettingsError
from settings import RunnerSettings

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}


class Network:
    """A network on the configured device, with `threads` for each of the `workers` that share it.

    Safe to run from several threads. Gives its memory back after each run: the arena makes Kokoro a
    third faster but would keep the largest request's memory for good, 800 MB after one long
    sentence; shrunk after each run it keeps 200 MB and is as fast.
    """

    def __init__(self, file: Path, settings: RunnerSettings) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # plans for one input length, ours all differ
        # Threads that spin between operators would take the processor from the other runners.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(settings, onnxruntime.get_available_providers())
        self._session = onnxruntime.InferenceSession(
            os.fspath(file), sess_options=options, providers=providers
        )
        self._run_options = onnxruntime.RunOptions()
        if providers == [PROVIDERS["cpu"]]:
            self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what the network wants."""
        return tuple(found.name for found in self._session.get_inputs())

    def run(self, outputs: Sequence[str] | None, feed: Mapping[str, Any]) -> list[Any]:
        """The named outputs, all if None."""
        found: list[Any] = self._session.run(outputs, feed, self._run_options)
        return found


def _providers(
    settings: RunnerSettings, available: Sequence[str]
) -> list[str | tuple[str, dict[str, str]]]:
    kind, _, index = settings.device.partition(":")
    if kind == "auto":
        kind = next((k for k in ("cuda", "rocm") if PROVIDERS[k] in available), "cpu")
    if PROVIDERS[kind] not in available:
        raise SettingsError(
            f"{settings.name}: device {settings.device} needs an onnxruntime with "
            f"{PROVIDERS[kind]}; this one has {', '.join(available)}"
        )
    if kind == "cpu":
        return [PROVIDERS["cpu"]]
    return [(PROVIDERS[kind], {"device_id": index or "0"}), PROVIDERS["cpu"]]
