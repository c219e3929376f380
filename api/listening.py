"""Where this process listens: BentoML's supervisor binds the address, a worker inherits the socket."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence


def reachable_from_outside(arguments: Sequence[str]) -> bool:
    """Whether the socket that a worker's command line hands it is bound to more than loopback.

    A process without such a socket, as that of an in-process test, is reached by nobody.
    """
    if "--fd" not in arguments[:-1]:
        return False
    inherited = int(arguments[arguments.index("--fd") + 1])
    with socket.socket(fileno=os.dup(inherited)) as listening:
        name = listening.getsockname()
    return isinstance(name, tuple) and not is_loopback(name[0])  # a unix socket's name is a path


def arrived_from_outside(server: tuple[str, int | None] | None) -> bool:
    """Whether a connection reached us at an address that other machines have a way to."""
    return server is not None and server[1] is not None and not is_loopback(server[0])


def is_loopback(host: str) -> bool:
    """Names count as loopback: only tests have them, a socket tells numbers."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
