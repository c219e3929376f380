"""Entries of a configuration that need no process of their own: another one's weights contain theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settings import RunnerSettings


def lodgings(entries: Iterable[RunnerSettings], part_of: Mapping[str, str]) -> Mapping[str, str]:
    """Entries that have no runner of their own, and the entry whose runner serves them.

    Both name the same weights, on the same device and in the same format, so one copy will do. `part_of`
    says of model types whose weights contain theirs.
    """
    entries = tuple(entries)
    return {
        guest.name: host.name
        for guest in entries
        for host in reversed(entries)  # of several, the first one stays in the mapping
        if part_of.get(guest.model_type) == host.model_type and _same_weights(guest, host)
    }


def _same_weights(one: RunnerSettings, other: RunnerSettings) -> bool:
    formats = {one.dtype, other.dtype} - {"auto"}
    return (one.source, one.device) == (other.source, other.device) and len(formats) < 2
