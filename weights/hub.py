"""The Hugging Face hub: one snapshot of a repository, pinned to the commit it resolved to.

The hub's own cache keeps the files, so that an interrupted download resumes and other revisions
share what they have in common. Every file is compared with the hash that the hub announced for
it: the cache names each blob by it (sha256 for large files, git's sha1 for small ones).
"""

from __future__ import annotations

import glob
import hashlib
from pathlib import Path

from weights.progress import Progress
from weights.sources import Hub, Unserved

FOLDER = ".hub"


def snapshot(
    source: Hub,
    allow: tuple[str, ...] | None,
    *,
    cache: Path,
    commit: str | None,
    offline: bool,
    progress: Progress,
) -> Path:
    """The folder of the repository's snapshot, with the wanted files in it."""
    # A second to import, and wanted only when something is to be fetched.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    # The bases are the error of the HTTP library beneath, which differs between hub versions.
    failures: tuple[type[Exception], ...] = (OSError, ValueError, *HfHubHTTPError.__bases__)
    if not progress.interactive:
        disable_progress_bars()
    progress.say(f"  downloading {source} from the hub")
    try:
        return Path(
            snapshot_download(
                source.repo,
                revision=commit or source.revision,
                allow_patterns=_patterns(source.path, allow),
                cache_dir=cache,
                local_files_only=offline,
            )
        )
    except failures as error:
        raise Unserved(_first_lines(error)) from error


def announced(file: Path) -> str | None:
    """The hash that the hub gave for a cached file; None where the cache holds plain copies."""
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" else None


def matches(file: Path, sha256: str) -> bool:
    """Whether a cached file is what the hub announced."""
    match announced(file):
        case str(name) if len(name) == 64:
            return name == sha256
        case str(name) if len(name) == 40:
            return name == _git_sha1(file)
        case _:
            return True


def repository(source: Hub) -> str:
    """The folder of this repository in the hub's cache."""
    return "models--" + source.repo.replace("/", "--")


def _patterns(path: str, allow: tuple[str, ...] | None) -> list[str] | None:
    if not path:
        return None if allow is None else list(allow)
    exact = glob.escape(path)
    return [exact, *(f"{exact}/{pattern}" for pattern in allow or ("*",))]


def _git_sha1(file: Path) -> str:
    content = file.read_bytes()  # small: large files are stored by sha256
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _first_lines(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:300]}"
