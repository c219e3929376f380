"""The process above all others: BentoML's supervisor, taught when to restart and in what order to leave.

    SIGTERM ──▶ public process: takes nothing new, finishes what it accepted, leaves
            └─▶ runners: serve on until it has left (runners/draining.py), then leave
            └─▶ supervisor: leaves last, and only then removes the runners' sockets

BentoML's own removes the sockets at once, so that no step of an accepted request can open a connection
any more; it keeps the public port open, so that new clients wait for an answer that nobody will give; and
in a container it ends the server when one runner dies. This module is imported where the server starts.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from bentoml._internal.utils import circus
from circus.exc import ConflictError  # type: ignore[import-untyped]

CHECK_SECONDS = 2.0  # between looks for dead processes; BentoML's ten are most of an outage
# The public process has stopped to accept by then: until that it would meet errors on a closed port.
PORT_CLOSES_AFTER = 1.0
STOP_AGAIN_AFTER = 0.1  # for a SIGTERM in the middle of a look
PUBLIC_PORT = "_bento_api_server"

_Arbiter = circus.Arbiter


class Supervisor(_Arbiter):
    """Restarts whoever dies, in containers too; on SIGTERM keeps the runners reachable to the end."""

    def start(self, cb: Callable[[Any], Any] | None = None) -> None:
        for watcher in self.watchers:
            watcher.respawn = True

        def started(result: Any) -> None:
            # Not sooner: a look while processes are being started is an error to circus.
            self.ctrl.caller.callback_time = CHECK_SECONDS * 1000
            if cb:
                cb(result)

        try:
            super().start(started)
        finally:
            self.exit_stack.close()

    def stop(self) -> Any:
        try:
            # Past BentoML's own, which removes the sockets first.
            stopped = super(_Arbiter, self).stop()
        except ConflictError:
            # circus is busy, with a look or with stopping; it would just forget the signal.
            if not self._stopping:
                self.loop.call_later(STOP_AGAIN_AFTER, self.stop)
            return None
        self.loop.call_later(PORT_CLOSES_AFTER, self._close_public_port)
        return stopped

    def _close_public_port(self) -> None:
        # Every child holds the port too; a shutdown closes it for all, and refuses who waits there.
        with contextlib.suppress(OSError):
            self.sockets[PUBLIC_PORT].shutdown(socket.SHUT_RDWR)


def install() -> None:
    """Have BentoML start this supervisor instead of its own."""
    circus.Arbiter = Supervisor  # type: ignore[misc]
