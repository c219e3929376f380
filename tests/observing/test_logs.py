"""Lines of the log: one for each event, with the request's id and without what it brought."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from errors import Failed, InvalidInput, SettingsError, WeightsError
from observing import logs
from settings import LogSettings, log_settings


def record(message: str = "something happened", *values: Any, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("runners.x", logging.INFO, __file__, 1, message, values, None)
    made.__dict__.update(more)
    return made


def raised(error: BaseException) -> logging.LogRecord:
    try:
        raise error
    except BaseException:  # noqa: BLE001
        return record(exc_info=sys.exc_info())


def line(told: logging.LogRecord) -> dict[str, Any]:
    text = logs.Json().format(told)
    assert "\n" not in text and text.isascii()
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_has_its_fields_and_those_of_its_own() -> None:
    told = line(record("%s is loaded", "kokoro", fields={"seconds": 1.5}))
    assert told["message"] == "kokoro is loaded"
    assert told["seconds"] == 1.5
    assert (told["level"], told["logger"], told["service"]) == ("INFO", "runners.x", "bentoml")
    assert told["time"].endswith("+00:00")
    assert not {"request_id", "request_ids", "exception"} & told.keys()


def test_a_line_is_told_on_behalf_of_a_request_or_of_a_batch() -> None:
    with logs.on_behalf_of("one"):
        assert line(record())["request_id"] == "one"
        with logs.on_behalf_of("one", "two"):
            told = line(record())
        assert told["request_ids"] == ["one", "two"]
        assert "request_id" not in told
    assert "request_id" not in line(record())


def test_tasks_side_by_side_keep_their_ids_apart() -> None:
    async def ask(name: str) -> str:
        logs.ask_as(name)
        await asyncio.sleep(0)
        found: str = line(record())["request_id"]
        return found

    async def both() -> list[str]:
        return list(await asyncio.gather(ask("one"), ask("two")))

    assert asyncio.run(both()) == ["one", "two"]


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x1b[31m", "\u2028", "\u0085", "\ud800"])
@pytest.mark.parametrize("formatter", [logs.Json(), logs.Text()])
def test_a_value_stays_in_its_line(formatter: logging.Formatter, sign: str) -> None:
    for told in (record("it said %s", f"a{sign}b"), record(fields={"caller": f"a{sign}b"})):
        text = formatter.format(told)
        assert sign not in text
        assert len(text.splitlines()) == 1
        text.encode()


@pytest.mark.parametrize("formatter", [logs.Json(), logs.Text()])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("a secret"),
        InvalidInput("no voice 'a secret'"),
        FileNotFoundError(2, "No such file", "a secret"),
        KeyError("a secret"),
    ],
)
def test_what_an_exception_quotes_is_not_told(
    formatter: logging.Formatter, error: Exception
) -> None:
    text = formatter.format(raised(error))
    assert "secret" not in text
    assert type(error).__name__ in text
    assert "test_logs.py" in text


@pytest.mark.parametrize(
    "error", [Failed("why"), WeightsError("why"), SettingsError("why"), RuntimeError("why")]
)
def test_what_an_exception_says_of_the_machine_is_told(error: Exception) -> None:
    (told,) = line(raised(error))["exception"]
    assert told["error"].endswith(f"{type(error).__name__}: why")


def test_what_a_task_raised_that_nobody_awaited_is_not_told() -> None:
    told = record("Task exception was never retrieved\nfuture: <Task exception=KeyError('secret')>")
    told.name = "asyncio"
    assert line(told)["message"] == "Task exception was never retrieved"


def test_an_error_of_the_system_is_told_without_its_file() -> None:
    (told,) = line(raised(FileNotFoundError(2, "No such file", "anna.wav")))["exception"]
    assert told["error"] == "FileNotFoundError: No such file"


def test_what_an_exception_came_of_is_told_too_and_a_circle_ends() -> None:
    outer, inner = Failed("why"), ValueError("a secret")
    outer.__cause__, inner.__cause__ = inner, outer
    told = line(raised(outer))["exception"]
    assert [each["error"].rpartition(".")[2] for each in told] == ["Failed: why", "ValueError"]


def test_the_members_of_a_group_are_told() -> None:
    told = line(raised(ExceptionGroup("a secret", [Failed("why"), ValueError("a secret")])))
    names = [each["error"] for each in told["exception"]]
    assert names == ["ExceptionGroup", "errors.Failed: why", "ValueError"]


def test_a_line_for_human_readers() -> None:
    with logs.on_behalf_of("req_1"):
        text = logs.Text().format(record("%s is loaded", "kokoro", fields={"seconds": 1.5}))
    assert text[12:] == " INFO    bentoml: kokoro is loaded request_id=req_1 seconds=1.5"
    many = logs.Text().format(raised(Failed("why"))).splitlines()
    assert many[1] == "    errors.Failed: why"
    assert all(told.startswith("        ") for told in many[2:])


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """All that `configure` changes, as it was."""
    names = [None, *logging.root.manager.loggerDict]
    loggers = [logging.getLogger(name) for name in names]
    before = [
        (each, each.handlers[:], each.level, each.propagate, each.disabled) for each in loggers
    ]
    yield
    logging.captureWarnings(False)
    for each in map(logging.getLogger, logging.root.manager.loggerDict):
        each.setLevel(logging.NOTSET)
    for each, handlers, level, propagate, disabled in before:
        each.handlers[:], each.propagate, each.disabled = handlers, propagate, disabled
        each.setLevel(level)


def test_one_handler_tells_ours_and_others(
    logging_restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bentoml", "uvicorn.error"):
        logging.getLogger(name).addHandler(logging.StreamHandler(sys.stdout))
    logs.configure(LogSettings())
    logging.getLogger("runners.resident").info("ours")
    logging.getLogger("runners.resident").debug("ours, in detail")
    logging.getLogger("httpx").info("GET http://a-secret")
    logging.getLogger("httpx").warning("careful")
    logging.getLogger("bentoml.access").info("GET /a-secret")
    logging.getLogger("bentoml.serve").info("started")
    logging.getLogger("uvicorn.error").warning("odd")
    told = [json.loads(each)["message"] for each in capsys.readouterr().out.splitlines()]
    assert told == ["ours", "careful", "started", "odd"]


def test_the_environment_names_format_and_level(
    logging_restored: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_settings() == LogSettings(format="json", level="info")
    monkeypatch.setenv("HARMONY_LOG_FORMAT", "TEXT")
    monkeypatch.setenv("HARMONY_LOG_LEVEL", "debug")
    logs.configure(log_settings())
    logging.getLogger("api").debug("in detail")
    assert capsys.readouterr().out.endswith("bentoml: in detail\n")
    monkeypatch.setenv("HARMONY_LOG_LEVEL", "loud")
    with pytest.raises(
        SettingsError, match=r"HARMONY_LOG_LEVEL.*'debug', 'info', 'warning' or 'error'"
    ):
        log_settings()
