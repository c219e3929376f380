"""What is counted, for Prometheus; docs/monitoring.md says what each number means.

Every label takes few values: routes are templates, runners and models are those of the configuration.

Processes share their numbers through files. `prometheus_client` decides on import whether it does that,
by a variable that BentoML sets only when a service starts: so it must not be imported with this module.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import psutil  # type: ignore[import-untyped]

from settings import metrics_folder

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

PREFIX = "harmony_speech_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
REQUEST_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 100, 300)
FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SIZES = (1, 2, 4, 8, 16, 32, 64)
# What a gauge of a process says while it lives, by the name of its file.
LIVE_FILE = re.compile(r"gauge_live\w*_(\d+)\.db")


@attrs.frozen
class Requests:
    """Of the public service: what its clients asked."""

    seconds: Histogram
    first_byte: Histogram
    in_flight: Gauge
    realtime_sessions: Gauge


@attrs.frozen
class Forwards:
    """Of a runner's process: its queue and what its model did."""

    batch_size: Histogram
    queued: Histogram
    ran: Histogram
    queue_length: Gauge
    rejected: Counter


@attrs.frozen
class Models:
    """Of a runner's process: how fast its model is, and how often it came and went."""

    factor: Histogram
    audio: Counter
    loads: Counter
    unloads: Counter


@attrs.frozen
class Runners:
    """Of the public service: how its runners stand, as far as it can see."""

    up: Gauge
    loaded: Gauge
    memory: Gauge
    circuit_open: Gauge
    retries: Counter
    fallbacks: Counter


@attrs.frozen
class Voices:
    """Of the public service: the voices of recordings."""

    heard: Counter


@functools.cache
def requests() -> Requests:
    from prometheus_client import Gauge, Histogram

    return Requests(
        seconds=Histogram(
            f"{PREFIX}request_seconds",
            "From the head of a request to the last byte of its answer",
            ["route", "method", "status"],
            buckets=REQUEST_SECONDS,
        ),
        first_byte=Histogram(
            f"{PREFIX}first_byte_seconds",
            "From the head of a request to the first byte of a good answer's body",
            ["route"],
            buckets=REQUEST_SECONDS,
        ),
        in_flight=Gauge(
            f"{PREFIX}requests_in_flight",
            "Requests that are not answered to the end",
            multiprocess_mode="livesum",
        ),
        realtime_sessions=Gauge(
            f"{PREFIX}realtime_sessions",
            "Open realtime sessions",
            multiprocess_mode="livesum",
        ),
    )


@functools.cache
def forwards() -> Forwards:
    from prometheus_client import Counter, Gauge, Histogram

    named = ["runner"]
    return Forwards(
        Histogram(f"{PREFIX}batch_size", "Items in one forward", named, buckets=SIZES),
        Histogram(f"{PREFIX}queue_seconds", "Wait for the first forward", named, buckets=SECONDS),
        Histogram(f"{PREFIX}run_seconds", "Duration of one forward", named, buckets=SECONDS),
        Gauge(f"{PREFIX}queue_length", "Waiting items", named, multiprocess_mode="livesum"),
        Counter(f"{PREFIX}rejected", "Items never run, by reason", [*named, "reason"]),
    )


@functools.cache
def models() -> Models:
    from prometheus_client import Counter, Histogram

    done = ["runner", "capability"]
    return Models(
        factor=Histogram(
            f"{PREFIX}real_time_factor",
            "Seconds of a forward for each second of sound that it heard or made",
            done,
            buckets=FACTORS,
        ),
        audio=Counter(f"{PREFIX}audio_seconds", "Sound heard or made", done),
        loads=Counter(f"{PREFIX}loads", "Attempts to load the model", ["runner", "outcome"]),
        unloads=Counter(f"{PREFIX}unloads", "Times the model left memory", ["runner"]),
    )


@functools.cache
def runners() -> Runners:
    from prometheus_client import Counter, Gauge

    named = ["runner"]
    gauge = functools.partial(Gauge, labelnames=named, multiprocess_mode="livemostrecent")
    return Runners(
        up=gauge(f"{PREFIX}runner_up", "1: the runner answers"),
        loaded=gauge(f"{PREFIX}model_loaded", "1: the model is in memory"),
        memory=gauge(f"{PREFIX}model_memory_bytes", "What unloading the model would free"),
        circuit_open=gauge(
            f"{PREFIX}circuit_open", "1: the runner keeps failing and is left alone"
        ),
        retries=Counter(f"{PREFIX}retries", "Calls that were sent once more", named),
        fallbacks=Counter(
            f"{PREFIX}fallbacks", "Requests that the model's fallback served", ["model"]
        ),
    )


@functools.cache
def voices() -> Voices:
    from prometheus_client import Counter

    return Voices(
        heard=Counter(
            f"{PREFIX}reference_voices",
            "Voices that were asked of recordings: embedded, or remembered from before",
            ["source"],
        )
    )


def exposition() -> bytes:
    """The numbers of all processes of this service, in the text that Prometheus reads."""
    from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    folder = metrics_folder()
    if folder is None:
        return generate_latest(REGISTRY)
    _forget_the_dead(Path(folder))
    shared = CollectorRegistry()
    MultiProcessCollector(shared, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(shared)


def _forget_the_dead(folder: Path) -> None:
    """What a killed process had to say of the present, it cannot take back itself."""
    for file in folder.glob("gauge_live*.db"):
        found = LIVE_FILE.fullmatch(file.name)
        if found and not psutil.pid_exists(int(found[1])):
            file.unlink(missing_ok=True)
