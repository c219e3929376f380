"""What the Hugging Face hub is asked over HTTP: which commit, which files, and their bytes.

The hub's library knows addresses, tokens (HF_TOKEN) and mirrors (HF_ENDPOINT). Its own downloads
start over when a process died, and its listings wait for ever on a hub that hangs: so both are asked
here, with its parts. A token is sent to the hub alone and stands in no message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import attrs

from errors import WeightsError
from weights.sources import Unserved, safe

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@attrs.frozen
class Blob:
    """A file as the hub announces it; the hash is sha256 for large files, git's sha1 for small ones."""

    size: int
    hash: str


class Remote:
    """One repository on the hub."""

    def __init__(self, repo: str) -> None:
        # A second to import, and wanted only when something is to be fetched.
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
        self._repo = repo
        self._endpoint: str = constants.ENDPOINT
        self._patience: float = constants.HF_HUB_ETAG_TIMEOUT
        # Not the library's own headers, which tell the hub what is installed here. A packed answer
        # would have another length than the one announced.
        self._headers = {"user-agent": "harmony-speech", "accept-encoding": "identity"}
        if (token := get_token()) and not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
            self._headers["authorization"] = f"Bearer {token}"

    def commit(self, revision: str) -> str:
        """The commit that a branch, a tag or a short hash means now."""
        (answer,) = self._pages(f"revision/{quote(revision, safe='')}", revision)
        match answer:
            case {"sha": str(commit)} if _COMMIT.fullmatch(commit):
                return commit
        raise Unserved(f"{self._host} answers like no hub: it names no commit for {revision}")

    def listing(self, commit: str) -> dict[str, Blob]:
        """Every file of a commit."""
        pages = self._pages(f"tree/{commit}?recursive=true", commit)
        try:
            return {
                safe(item["path"]): _blob(item)
                for page in pages
                for item in page
                if item["type"] == "file"
            }
        except (KeyError, TypeError, ValueError, WeightsError) as error:
            raise Unserved(f"{self._host} answers like no hub: {error!r}") from error

    def read(self, commit: str, path: str, blob: Blob, into: BinaryIO, have: int) -> None:
        """Append the bytes of a file from `have` on; goes on by itself while the hub sends any."""
        from huggingface_hub.file_download import http_get

        with self._told(commit):
            http_get(
                f"{self._endpoint}/{self._repo}/resolve/{commit}/{quote(path)}",
                into,
                resume_size=have,
                headers=self._headers,
                expected_size=blob.size,
                displayed_filename=path,  # or it would name the address, which may be a signed one
            )

    @property
    def _host(self) -> str:
        return urlsplit(self._endpoint).netloc.rpartition("@")[2]

    def _pages(self, path: str, revision: str) -> Iterator[Any]:
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            get_session,
            hf_raise_for_status,
        )

        address: str | None = f"{self._endpoint}/api/models/{self._repo}/{path}"
        while address:
            with self._told(revision):
                answer = get_session().get(address, headers=self._headers, timeout=self._patience)
                hf_raise_for_status(answer)
                page = answer.json()
            yield page
            address = self._at_home(answer.links.get("next", {}).get("url"))

    def _at_home(self, address: str | None) -> str | None:
        if address and urlsplit(address).netloc != urlsplit(self._endpoint).netloc:
            # A mirror that does not rewrite its links; elsewhere the token must not go.
            link = urlsplit(address)
            return f"{self._endpoint}{link.path}?{link.query}"
        return address

    @contextmanager
    def _told(self, revision: str) -> Iterator[None]:
        """What the hub refuses, in words that say what to do; the most specific error first."""
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        # The base is the error of the HTTP library beneath, which differs between hub versions.
        broken: type[Exception] = HfHubHTTPError.__mro__[1]
        try:
            yield
        except GatedRepoError as error:
            raise Unserved(
                f"{self._repo} is gated: accept its terms on {self._host}, and set HF_TOKEN to a "
                "token of the account that did"
            ) from error
        except RepositoryNotFoundError as error:
            raise Unserved(
                f"{self._host} shows no repository {self._repo}: the name is wrong, or it is "
                "private and HF_TOKEN holds no token of an account that may see it"
            ) from error
        except RevisionNotFoundError as error:
            raise Unserved(f"{self._repo} has no revision {revision}") from error
        except HfHubHTTPError as error:
            status = error.response.status_code
            hint = "; is HF_TOKEN right?" if status in (401, 403) else ""
            raise Unserved(f"{self._host} answers {status}{hint}") from error
        except (broken, ValueError, ConnectionError) as error:
            raise Unserved(
                f"{self._host} is out of reach or breaks off: {type(error).__name__}"
            ) from error
        except OSError as error:
            if error.errno is not None:
                raise  # of our own disk
            raise Unserved(f"{self._host} breaks off before the end of a file") from error


def _blob(item: Mapping[str, Any]) -> Blob:
    lfs = item.get("lfs") or {}
    found = Blob(int(lfs.get("size", item["size"])), str(lfs.get("oid", item["oid"])))
    if not _HASH.fullmatch(found.hash) or found.size < 0:
        raise ValueError(f"{found} is no file")
    return found
