"""How much each caller may ask: requests per minute, and requests at the same time.

Requests per minute are a bucket that holds a minute's worth and fills up evenly, so a caller may
spend its minute at once, and then goes on at the pace of its rate.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping

import attrs
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.access import METRICS, Caller
from callers import Rates
from errors import TooMany

# Callers without a key are told apart by address. Addresses are many, so each falls into one of these
# drawers, and two that fall into the same one share its rates: the table has an end, whoever asks.
DRAWERS = 1 << 16
BUSY_SECONDS = 1.0  # advice to a caller whose own requests are in its way: nobody knows how long


@attrs.define
class Account:
    """What one caller has asked of late. Times are those of the clock that is handed in."""

    spent: float = 0.0  # requests, of which the bucket has recovered some by `seen`
    seen: float = 0.0
    under_way: int = 0

    def recover(self, rates: Rates, now: float) -> None:
        pace = (rates.requests_per_minute or 0) / 60
        self.spent = max(0.0, self.spent - (now - self.seen) * pace)
        self.seen = now

    def refusal(self, rates: Rates) -> TooMany | None:
        """Why not one request more, if so."""
        most, at_once = rates.requests_per_minute, rates.concurrent_requests
        if at_once and self.under_way >= at_once:
            return TooMany(
                f"You have {self.under_way} requests under way; concurrent_requests is {at_once}.",
                retry_after=BUSY_SECONDS,
            )
        if most and self.spent + 1 > most:
            return TooMany(
                f"You have asked too often; requests_per_minute is {most}.",
                retry_after=(self.spent + 1 - most) * 60 / most,
            )
        return None

    def headers(self, rates: Rates) -> Mapping[str, str]:
        """In OpenAI's names; nothing where nothing is limited."""
        most = rates.requests_per_minute
        if not most:
            return {}
        return {
            "x-ratelimit-limit-requests": str(most),
            "x-ratelimit-remaining-requests": str(int(most - self.spent)),
            "x-ratelimit-reset-requests": _duration(self.spent * 60 / most),
        }


class Rated:
    """Refuses who asks more than its rates; a place is kept until the last byte, or the client, left."""

    def __init__(
        self,
        app: ASGIApp,
        clock: Callable[[], float] = time.monotonic,
        drawers: int = DRAWERS,
    ) -> None:
        self._app = app
        self._clock = clock
        self._drawers = drawers
        self._accounts: dict[str | int, Account] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller | None = scope.get("state", {}).get("caller")
        unlimited = caller is None or caller.rates == Rates()
        if caller is None or unlimited or scope["path"] == METRICS:
            return await self._app(scope, receive, send)
        account = self._accounts.setdefault(self._holder(caller, scope), Account())
        account.recover(caller.rates, self._clock())
        refusal = account.refusal(caller.rates)
        if refusal is None:
            account.spent += 1
        told = account.headers(caller.rates)

        async def send_with_rates(message: Message) -> None:
            if message["type"] in ("http.response.start", errors.DENIAL + ".start"):
                MutableHeaders(scope=message).update(told)
            await send(message)

        if refusal is not None:
            return await errors.refuse(refusal, scope, receive, send_with_rates)
        account.under_way += 1
        try:
            await self._app(scope, receive, send_with_rates)
        finally:
            account.under_way -= 1

    def _holder(self, caller: Caller, scope: Scope) -> str | int:
        """The key of an account: a name, or the drawer of an address."""
        if caller.name is not None:
            return caller.name
        host, _ = scope.get("client") or ("", 0)
        # `hash` is salted anew in every process: nobody chooses whom to share a drawer with.
        return hash(_network(host)) % self._drawers


def _network(host: str) -> str:
    """An address, of IPv6 the half that a provider gives out: the rest is the client's to choose."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _duration(seconds: float) -> str:
    """As OpenAI writes it: 120ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.3g}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s"
