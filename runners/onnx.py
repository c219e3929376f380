"""ONNX Runtime sessions, opened the same way for every family that runs on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from errors import SettingsError
from settings import RunnerSettings

if TYPE_CHECKING:
    import onnxruntime

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}


def open_session(file: Path, settings: RunnerSettings) -> onnxruntime.InferenceSession:
    """A session on the configured device, with `threads` for each of the `workers` that share it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    # The arena keeps the largest request's memory for good, and with inputs of every length it only
    # grows; without it a burst is given back.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that spin between operators would take the processor from the other runners.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        os.fspath(file), sess_options=options, providers=_providers(settings)
    )


def _providers(settings: RunnerSettings) -> list[str | tuple[str, dict[str, str]]]:
    import onnxruntime

    available = onnxruntime.get_available_providers()
    kind, _, index = settings.device.partition(":")
    if kind == "auto":
        kind = next((k for k in ("cuda", "rocm") if PROVIDERS[k] in available), "cpu")
    if PROVIDERS[kind] not in available:
        raise SettingsError(
            f"{settings.name}: device {settings.device} needs an onnxruntime with {PROVIDERS[kind]}; "
            f"this one has {', '.join(available)}"
        )
    if kind == "cpu":
        return [PROVIDERS["cpu"]]
    return [(PROVIDERS[kind], {"device_id": index or "0"}), PROVIDERS["cpu"]]
