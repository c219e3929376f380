"""What is measured of each process while a service runs, and whether it rises.

A series rises if both are true of its second part, after the warm-up:

- by its own noise: the least-squares slope over the means of `BLOCKS` stretches of equal length is above
  `CERTAIN` of its standard errors, which chance reaches in one of two hundred series that do not rise.
  Means, because neighbouring samples of memory are alike, and would make any drift look certain.
- by its size: over that time the line climbs more than the series' `floor`. An allocator that still settles
  gains a few megabytes a minute, and stops.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Sequence

import attrs
import httpx
import psutil  # type: ignore[import-untyped]

WARM_UP = 0.4  # share of a run that is not judged: heaps and pools grow to their size first
BLOCKS = 10
CERTAIN = 3.36  # the t distribution's 99.5 % with BLOCKS - 2 degrees of freedom
HOUR = 3600.0
TASKS = re.compile(r'^harmony_speech_tasks\{process="([^"]+)"\} ([0-9.e+]+)', re.MULTILINE)
# What each series may climb in the judged time, in its own unit.
FLOORS = {"MB": 15.0, "handles": 8.0, "threads": 4.0, "tasks": 8.0}


@attrs.define
class Series:
    """One figure of one process over time."""

    process: str
    unit: str
    times: list[float] = attrs.field(factory=list)
    values: list[float] = attrs.field(factory=list)

    def add(self, moment: float, value: float) -> None:
        self.times.append(moment)
        self.values.append(value)

    def judged(self) -> tuple[list[float], list[float]]:
        """The samples after the warm-up, as means of blocks."""
        first = int(len(self.times) * WARM_UP)
        return _means(self.times[first:]), _means(self.values[first:])

    def slope(self) -> float:
        """Units per second."""
        return _line(*self.judged())[0]

    def rises(self) -> bool:
        times, values = self.judged()
        slope, error = _line(times, values)
        return slope > CERTAIN * error and slope * (times[-1] - times[0]) > FLOORS[self.unit]


def _means(samples: Sequence[float]) -> list[float]:
    """`BLOCKS` means of neighbours, or the samples themselves if there are fewer."""
    blocks = min(BLOCKS, len(samples))
    bounds = [len(samples) * block // blocks for block in range(blocks + 1)]
    return [
        statistics.fmean(samples[start:end])
        for start, end in zip(bounds, bounds[1:], strict=False)  # noqa: RUF007
    ]


def _line(times: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """The slope of the least-squares line, and its standard error."""
    slope, start = statistics.linear_regression(times, values)
    middle = statistics.fmean(times)
    left = sum((v - start - slope * t) ** 2 for t, v in zip(times, values, strict=True))
    spread = sum((t - middle) ** 2 for t in times)
    return slope, (left / (len(times) - 2) / spread) ** 0.5


@attrs.define
class Watch:
    """Takes samples of a service and all its processes."""

    url: str
    pid: int
    series: dict[tuple[str, str], Series] = attrs.field(factory=dict)

    def sample(self) -> dict[tuple[str, str], float]:
        """Look once, and remember."""
        now, found = time.monotonic(), self.look()
        for key, value in found.items():
            self.series.setdefault(key, Series(*key)).add(now, value)
        return found

    def look(self) -> dict[tuple[str, str], float]:
        supervisor = psutil.Process(self.pid)
        found: dict[tuple[str, str], float] = {}
        for process in (supervisor, *supervisor.children(recursive=True)):
            name = _name(process.cmdline())
            with process.oneshot():
                found[name, "MB"] = process.memory_full_info().pss / 2**20
                found[name, "handles"] = process.num_fds()
                found[name, "threads"] = process.num_threads()
        return found | self._tasks()

    def _tasks(self) -> dict[tuple[str, str], float]:
        httpx.get(f"{self.url}/health", timeout=30)  # counts them
        metrics = httpx.get(f"{self.url}/metrics", timeout=30).text
        return {(process, "tasks"): float(number) for process, number in TASKS.findall(metrics)}


def _name(words: Sequence[str]) -> str:
    """A process by what it serves; the supervisor's command line names no service."""
    if "--service-name" not in words:
        return "supervisor"
    name = words[words.index("--service-name") + 1]
    return "public" if name == "harmony-speech" else name
