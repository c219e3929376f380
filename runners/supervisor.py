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
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from bentoml._internal.utils import circus
from circus.exc import ConflictError  # type: ignore[import-untyped]

CHECK_SECONDS = 2.0  # between looks for dead processes; BentoML's ten are most of an outage
# The public process has stopped to accept by then: until that it would meet errors on a closed port.
PORT_CLOSES_AFTER = 1.0
STOP_AGAIN_AFTER = 0.1  # for a SIGTERM in the middle of a look
TOGETHER_SECONDS = (
    1.0  # signals as near as this are one; some senders tell a process and then its group
)
PUBLIC_PORT, PUBLIC_PROCESS = "_bento_api_server", "service"  # as BentoML names them

_Arbiter = circus.Arbiter


class Supervisor(_Arbiter):
    """Restarts whoever dies, in containers too; on SIGTERM keeps the runners reachable to the end.

    A second SIGTERM or Ctrl-C breaks off what is still being answered.
    """

    _asked_at = 0.0

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
        if self._stopping:
            return self._break_off()
        try:
            # Past BentoML's own, which removes the sockets first.
            stopped = super(_Arbiter, self).stop()
        except ConflictError:  # circus is in the middle of a look, and would just forget the signal
            self.loop.call_later(STOP_AGAIN_AFTER, self.stop)
            return None
        self._asked_at = time.monotonic()
        self.loop.call_later(PORT_CLOSES_AFTER, self._close_public_port)
        return stopped

    def _break_off(self) -> None:
        # The runners follow by themselves. It keeps nothing on disk that would want to be closed.
        if time.monotonic() - self._asked_at > TOGETHER_SECONDS:
            for process in self.get_watcher(PUBLIC_PROCESS).processes.values():
                process.send_signal(signal.SIGKILL)

    def _close_public_port(self) -> None:
        # Every child holds the port too; a shutdown closes it for all, and refuses who waits there.
        with contextlib.suppress(OSError):
            self.sockets[PUBLIC_PORT].shutdown(socket.SHUT_RDWR)


def install() -> None:
    """Have BentoML start this supervisor instead of its own."""
    circus.Arbiter = Supervisor  # type: ignore[misc]
