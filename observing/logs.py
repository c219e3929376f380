"""One line for each event, in every process: JSON, or for a human reader text.

    {"time": "…", "level": "INFO", "logger": "runners.resident", "service": "kokoro", "pid": 7,
     "request_id": "req_…", "message": "loaded kokoro in 1.9 s"}

What callers send is in no line: messages of ours do not quote it, and of an exception only its type, the
way to it and, where its type is known to quote nobody, its message are told. No line can be forged:
control characters are escaped, so whatever a value holds stays within its line.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from bentoml import server_context
from opentelemetry import trace

from errors import Failed, SettingsError, TimedOut, Unavailable, WeightsError
from settings import BUNDLE, LogSettings

# Those that say how this machine or our configuration is. A RuntimeError is what libraries in C++ raise.
OUTSPOKEN = (Failed, MemoryError, RuntimeError, SettingsError, TimedOut, Unavailable, WeightsError)
LONGEST_MESSAGE = 500  # characters of an exception's own
SILENT = (
    # Every request would be told twice, once in words that name its path as it came.
    "bentoml.access",
    "uvicorn.access",
    # Tells all of BENTOML_CONFIG_OPTIONS, in which a collector's key may stand.
    "bentoml._internal.configuration.containers",
)

_asked_by: ContextVar[tuple[str, ...]] = ContextVar("asked_by", default=())


def ask_as(*request_ids: str) -> None:
    """From here on, lines of this task and of those that it starts are told on behalf of the requests."""
    _asked_by.set(request_ids)


def asked_by() -> tuple[str, ...]:
    """The ids of the requests that this task works for; a batch may have several."""
    return _asked_by.get()


@contextmanager
def on_behalf_of(*request_ids: str) -> Iterator[None]:
    """Lines of the block are told on behalf of these requests and no others."""
    token = _asked_by.set(request_ids)
    try:
        yield
    finally:
        _asked_by.reset(token)


def configure(wanted: LogSettings) -> None:
    """Tell everything that is logged in this process our way, BentoML's lines and warnings included."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Json() if wanted.format == "json" else Text())
    level = logging.getLevelName(wanted.level.upper())
    for name in list(logging.root.manager.loggerDict):
        known = logging.getLogger(name)
        known.handlers.clear()
        known.propagate, known.disabled = (
            True,
            False,
        )  # as BentoML leaves those that it does not name
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(max(level, logging.WARNING))  # libraries tell of URLs and texts below
    for name in ("bentoml", *_own_modules()):
        logging.getLogger(name).setLevel(level)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


def told(error: BaseException) -> str:
    """An exception in a line: its type, and its message if that quotes nobody."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    match error:
        case OSError() if error.strerror:  # its str() may name a file
            return f"{kind}: {error.strerror}"
        case _ if isinstance(error, OUTSPOKEN):
            return f"{kind}: {str(error)[:LONGEST_MESSAGE]}"
        case _:
            return kind


class _Lines(logging.Formatter):
    """A record as the fields of a line."""

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        own: Mapping[str, Any] = record.__dict__.get("fields", {})
        return {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "service": server_context.service_name or "bentoml",
            "pid": record.process,
            **_request(),
            **_trace(),
            "message": _message(record),
            **own,
            **({"exception": _chain(record.exc_info[1])} if record.exc_info else {}),
        }


class Json(_Lines):
    """A line of JSON in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), default=str)


class Text(_Lines):
    """A line for a human reader; an exception follows it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        fields = self.fields(record)
        when, level, service = (fields.pop(name) for name in ("time", "level", "service"))
        message, exception = fields.pop("message"), fields.pop("exception", None)
        del fields["logger"], fields["pid"]
        rest = "".join(f" {name}={value}" for name, value in fields.items())
        lines = [f"{when[11:23]} {level:<7} {service}: {message}{rest}"]
        for error in exception or ():
            lines += [f"    {error['error']}", *(f"        {place}" for place in error["at"])]
        return "\n".join(map(_on_one_line, lines))


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    # asyncio goes on with the task, and with what it raised in full.
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _request() -> dict[str, Any]:
    match asked_by():
        case ():
            return {}
        case (only,):
            return {"request_id": only}
        case several:
            return {"request_ids": several}


def _trace() -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}"} if context.trace_flags.sampled else {}


def _chain(error: BaseException | None) -> list[dict[str, Any]]:
    """An exception and what it came of, the last first, without the values that frames hold."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"error": told(error), "at": places})
        waiting += error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        waiting.append(
            error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        )
    return chain


def _on_one_line(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _own_modules() -> set[str]:
    """The names of the bundle's loggers: those of its modules and packages."""
    packages = {found.parent.name for found in BUNDLE.glob("*/__init__.py")}
    return packages | {found.stem for found in BUNDLE.glob("*.py")}
