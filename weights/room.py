"""Whether the disk has room for what is about to be fetched, and what to say when it has none."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from errors import WeightsError
from weights.progress import megabytes

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_room(folder: Path, needed: int, source: str) -> None:
    """Refuse before the first byte what would fill the disk with its last."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise no_room(folder, needed, source, f"{megabytes(free)} are free there")


def no_room(folder: Path, needed: int, source: str, reason: str) -> WeightsError:
    """What is told of a disk that is full."""
    return WeightsError(
        f"the disk is full: {source} needs {megabytes(needed)} more below {folder}: {reason}; "
        "free space there, or choose another folder for weights, then try again"
    )
