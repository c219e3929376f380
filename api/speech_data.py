"""Where a recording speaks, as a request says it: what to find speech with, or what was found before.

`input_vad_data` is what POST /v1/audio/vad answered, ours or Harmony Speech Engine's, as JSON or as a string
of it; or only its list of timestamps. It may as well be anything else, of any size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, TypeGuard

from pydantic import PlainValidator, WithJsonSchema

from catalog import FINDINGS
from tasks import Finding, Span

MOST_SPANS = 10_000
OVERLAP = 0.1  # seconds that a span may begin before the end of the one before; rounding, and Whisper's habit
LATEST = 7 * 86400.0
SAMPLES_PER_SECOND = 16_000  # what a detector counts in, where its answer does not say
UNITS = ("seconds", "samples")
EXPECTED = "what /v1/audio/vad answers, or its list of {start, end}"


def finding_of(value: Any) -> Finding | None:
    """What `input_vad_mode` means; nothing, and an empty string, are the default."""
    if value is None or value == "":
        return None
    word = value.strip().lower().replace("_", "-") if isinstance(value, str) else ""
    if word not in FINDINGS:
        raise ValueError(f"it takes {', '.join(FINDINGS)}")
    return FINDINGS[word]


def spans_of(value: Any) -> tuple[Span, ...] | None:
    """The spans in `input_vad_data`; nothing, and an empty string, are none."""
    if value is None or value == "":
        return None
    told = _parsed(value) if isinstance(value, str) else value
    unit = 1.0
    if isinstance(told, dict):
        unit, told = _unit(told), told.get("timestamps")
        if told is None:
            raise ValueError("it has no 'timestamps'; ask /v1/audio/vad with get_timestamps")
    if not isinstance(told, list):
        raise ValueError(f"it should be {EXPECTED}")
    if not 0 < len(told) <= MOST_SPANS:
        raise ValueError(f"it has {len(told)} spans of speech; 1 to {MOST_SPANS} are taken")
    return tuple(_in_order(told, unit))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"it is no JSON; it should be {EXPECTED}") from None


def _unit(told: dict[str, Any]) -> float:
    """Seconds in what the times are counted in."""
    unit = told.get("unit", UNITS[0])
    if unit not in UNITS:
        raise ValueError(f"its 'unit' should be {' or '.join(UNITS)}")
    if unit == UNITS[0]:
        return 1.0
    rate = told.get("sample_rate", SAMPLES_PER_SECOND)
    if not _is_number(rate) or not 1 <= rate <= 768_000:
        raise ValueError("its 'sample_rate' should be 1 to 768000")
    return float(1 / rate)


def _in_order(told: list[Any], unit: float) -> Iterator[Span]:
    end = 0.0
    for number, item in enumerate(told, start=1):
        start, stop = (
            item.get(key) if isinstance(item, dict) else None for key in ("start", "end")
        )
        if not (_is_number(start) and _is_number(stop)):
            raise ValueError(f"its span {number} should have numbers as 'start' and 'end'")
        if not 0 <= start < stop <= LATEST / unit:
            raise ValueError(
                f"its span {number} should start at 0 or later, and end after that; times are "
                "seconds, unless its 'unit' says samples"
            )
        begins, ends = start * unit, stop * unit
        if begins < end - OVERLAP or ends <= end:
            raise ValueError(f"its span {number} begins before the one ahead of it has ended")
        yield Span(max(begins, end), ends)
        end = ends


def _is_number(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


SpeechFinding = Annotated[
    Finding | None,
    PlainValidator(finding_of),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": list(FINDINGS)}, {"type": "null"}]}),
]
_SPANS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["start", "end"],
        "properties": {"start": {"type": "number"}, "end": {"type": "number"}},
    },
}
SpeechData = Annotated[
    tuple[Span, ...] | None,
    PlainValidator(spans_of),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                _SPANS,
                {"type": "object", "properties": {"timestamps": _SPANS}},
                {"type": "null"},
            ]
        }
    ),
]
