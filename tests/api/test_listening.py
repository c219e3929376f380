"""Whether the socket that a worker inherits is reached from other machines."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from api.listening import arrived_from_outside, reachable_from_outside

WORKER = ["worker/service.py", ".", "--service-name", "harmony-speech"]


@pytest.mark.parametrize(
    ("family", "address", "public"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET, "127.0.0.9", False),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET6, "::", True),
    ],
)
def test_the_socket_tells_where_it_is_bound(
    family: socket.AddressFamily, address: str, public: bool
) -> None:
    with socket.socket(family) as bound:  # bound, never listening
        bound.bind((address, 0))
        arguments = [*WORKER, "--fd", str(bound.fileno()), "--worker-id", "1"]
        assert reachable_from_outside(arguments) is public
        assert bound.getsockname()  # it is left as it was


def test_a_unix_socket_is_reached_by_this_machine_only(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert not reachable_from_outside([*WORKER, "--fd", str(bound.fileno())])


@pytest.mark.parametrize("arguments", [[], WORKER, ["pytest"], ["bentoml", "serve", "--fd"]])
def test_a_process_without_a_socket_is_reached_by_nobody(arguments: list[str]) -> None:
    assert not reachable_from_outside(arguments)


@pytest.mark.parametrize(
    ("server", "outside"),
    [
        (("192.0.2.1", 3000), True),
        (("2001:db8::1", 3000), True),
        (("::ffff:192.0.2.1", 3000), True),
        (("127.0.0.1", 3000), False),
        (("::ffff:127.0.0.1", 3000), False),
        (("::1", 3000), False),
        (("/run/a.sock", None), False),
        (("house", 80), False),
        (None, False),
    ],
)
def test_a_connection_tells_where_it_arrived(
    server: tuple[str, int | None] | None, outside: bool
) -> None:
    assert arrived_from_outside(server) is outside
