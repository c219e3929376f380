"""The memory of this process and of its device: how much is held, giving it back, running out of it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress

# What libraries say when there was no memory left; the last is torch's, on the host.
SIGNS = ("out of memory", "failed to allocate", "can't allocate memory")


def held(device: str) -> int:
    """Bytes that this process holds on a device; 0 where nobody can tell."""
    kind, _, index = device.partition(":")
    return _on_nvidia(int(index or 0)) if kind == "cuda" else _resident()


def give_back() -> None:
    """Return to the system what was freed here, and what nobody refers to any more."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    trim()


def trim() -> None:
    """Return to the system what was freed here: glibc keeps it for the next time otherwise."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def ran_out(error: BaseException | None) -> bool:
    """Whether an error means that there was no memory left, on the host or on a GPU."""
    if isinstance(error, MemoryError):
        return True
    # ONNX Runtime and CTranslate2 have no type of their own for it, and torch's is not imported here.
    return any(sign in str(error).lower() for sign in SIGNS)


def _resident() -> int:
    import psutil  # type: ignore[import-untyped]

    found: int = psutil.Process().memory_info().rss
    return found


def _on_nvidia(index: int) -> int:
    import pynvml  # type: ignore[import-untyped]

    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        return sum(
            process.usedGpuMemory or 0
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(device)
            if process.pid == os.getpid()
        )
    return 0
