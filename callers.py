"""Who may call and how much, as the configuration says it: keys, roles, rates.

Keys are kept as their sha256. A slow hash, as passwords need, would gain nothing: a key of
`scripts/keys` is 256 random bits, which nobody finds by trying; and every request would pay for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from errors import SettingsError

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
SHORTEST_KEY = 16  # characters; a shorter one could be guessed from its hash, or even without

Role = Literal["user", "admin"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rates(_Strict):
    """How much one caller may ask; None: as much as it likes."""

    requests_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    concurrent_requests: int | None = Field(None, ge=1)  # streams count until their last byte


class KeySettings(_Strict):
    """One API key. Only its hash stands in a file, so that a file which leaks opens nothing."""

    name: str = Field(pattern=NAME)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    role: Role = "user"
    rates: Rates = Rates()  # what it names goes before `api.rates`

    def rates_over(self, usual: Rates) -> Rates:
        return usual.model_copy(update=self.rates.model_dump(exclude_unset=True))


class AuthSettings(_Strict):
    keys: tuple[KeySettings, ...] = ()
    open: bool = False  # to callers without a key, even on a public address


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def environment_keys(written: str) -> tuple[KeySettings, ...]:
    """The keys in HARMONY_API_KEYS, hashed: NAME:KEY or NAME:admin:KEY, separated by commas."""
    parts = [part.strip() for part in written.split(",")]
    return tuple(_environment_key(part, i) for i, part in enumerate(parts, start=1) if part)


def _environment_key(part: str, position: int) -> KeySettings:
    # No message may show what stands there: it is a secret, or would be but for a typing error.
    where = f"HARMONY_API_KEYS: entry {position}"
    name, _, rest = part.partition(":")
    role, _, key = rest.rpartition(":")
    if not (key.isascii() and key.isprintable() and " " not in key and len(key) >= SHORTEST_KEY):
        raise SettingsError(
            f"{where} is not NAME:KEY or NAME:admin:KEY with a KEY of at least {SHORTEST_KEY} "
            "characters; `scripts/keys new NAME` makes one"
        )
    try:
        return KeySettings.model_validate(
            {"name": name, "role": role or "user", "sha256": hash_of(key)}
        )
    except ValidationError as error:
        wrong = ", ".join(str(detail["loc"][0]) for detail in error.errors())
        raise SettingsError(f"{where} has a wrong {wrong}; roles are user and admin") from None


def check_keys(keys: Iterable[KeySettings], where: str) -> None:
    """Refuse two keys of one name, and one key of two names."""
    names: dict[str, str] = {}
    for key in keys:
        if key.name in names.values():
            raise SettingsError(f"{where}: api.auth.keys: the name {key.name} is used twice")
        if key.sha256 in names:
            first = names[key.sha256]
            raise SettingsError(f"{where}: api.auth.keys: {first} and {key.name} are the same key")
        names[key.sha256] = key.name
