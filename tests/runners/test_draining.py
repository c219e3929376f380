"""A runner's signals: it leaves after the public process, and nobody keeps it for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest

from runners.draining import PUBLIC, TOGETHER_SECONDS, LastToLeave, public_beside

PATIENCE = 20.0  # seconds until a test that hangs fails instead


class Stopped:
    """What uvicorn's handler would be: remembers the signals that got through."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.at_all = threading.Event()

    def __call__(self, number: int, frame: object) -> None:
        self.signals.append(number)
        self.at_all.set()


@pytest.fixture
def public() -> Iterator[psutil.Process]:
    """A process that looks like the public one, and lives until it is killed."""
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "--service-name", PUBLIC],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.read(1)  # for a moment after it has begun, a process has no command line
        yield psutil.Process(process.pid)
        process.kill()


def test_a_runner_without_a_public_process_stops_at_once() -> None:
    stopped = Stopped()
    LastToLeave(stopped, lambda: None)(signal.SIGTERM, None)
    assert stopped.at_all.wait(PATIENCE)
    assert stopped.signals == [signal.SIGTERM]


def test_a_runner_stops_when_the_public_process_has_left(public: psutil.Process) -> None:
    stopped, looked = Stopped(), threading.Event()

    def find() -> psutil.Process:
        looked.set()
        return public

    LastToLeave(stopped, find)(signal.SIGTERM, None)
    assert looked.wait(PATIENCE)
    assert not stopped.at_all.wait(0.5)
    public.kill()  # it is a zombie from here on, which counts as gone
    assert stopped.at_all.wait(PATIENCE)


def test_signals_of_one_stop_count_once_and_a_later_one_stops_at_once(
    public: psutil.Process,
) -> None:
    moments = iter((0.0, 1.0, TOGETHER_SECONDS + 0.1))
    stopped = Stopped()
    last = LastToLeave(stopped, lambda: public, clock=lambda: next(moments))
    last(signal.SIGTERM, None)
    last(signal.SIGINT, None)
    assert stopped.signals == []
    last(signal.SIGTERM, None)
    assert stopped.signals == [signal.SIGTERM]


def test_the_public_process_is_known_by_its_command_line(public: psutil.Process) -> None:
    assert public_beside(psutil.Process().pid) == public
    public.kill()
    public.wait(PATIENCE)
    assert public_beside(psutil.Process().pid) is None


def test_a_supervisor_that_is_gone_has_no_public_process(public: psutil.Process) -> None:
    public.kill()
    public.wait(PATIENCE)
    assert public_beside(public.pid) is None
