"""Live sound → when somebody starts and stops speaking, while the sound still goes on.

Detectors judge whole sounds. So each new piece is judged together with the seconds before it, which give
the detector its bearings; only speech that reaches into the new piece counts.

    looked at before ──────────┤ new
             ├──── CONTEXT ────┼────┤     one call of the detector each HOP
                          ▂▇▇▇▇▇▇▅▂
                       └ start: speech, less the prefix       stop: speech, plus the silence ┘
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import attrs

from audio import Tape
from runners.base import Detector
from tasks import Call, Detect, Span

# Seconds of new sound in one look. A look costs about 8 ms of processor time, three quarters of it on the
# way to the detector and back; a draft of the text, while somebody speaks, a hundred times as much.
HOP, QUIET_HOP = 0.2, 0.3
# Against all of the past, Silero's probabilities differ by 0.004 on average; of 344 frames of clean speech
# none changed sides at 0.5, of the same in loud noise four did.
CONTEXT = 1.5
LONGEST_LOOK = 30.0  # seconds of new sound in one call, when much comes at once
SHORTEST_PAUSE = 0.1  # what the detector takes for a pause; longer ones are counted here


@attrs.frozen
class TurnRule:
    """When a turn begins and ends; durations in seconds."""

    threshold: float = 0.5
    prefix: float = 0.3  # heard before the speech
    silence: float = 0.5  # ends the turn, and is heard as its end
    idle: float | None = None  # without a turn, after which to say so


@attrs.frozen
class Began:
    at: float


@attrs.frozen
class Ended:
    at: float


@attrs.frozen
class Idled:
    since: float
    at: float


Sign = Began | Ended | Idled


class Turns:
    """Follows a tape. Nothing before `since` can belong to a turn that it finds."""

    def __init__(self, detector: Detector, rule: TurnRule, since: float) -> None:
        self.rule = rule
        self._detector = detector
        self._judged = since  # how far the sound has been looked at
        self._floor = since  # the end of the turn before
        self._quiet_since = since
        self._last: float | None = None  # the end of the latest speech of the open turn

    @property
    def needed(self) -> float:
        """What lies before this time will not be asked for again, unless a turn is open."""
        behind = max(CONTEXT, self.rule.prefix + SHORTEST_PAUSE, self.rule.idle or 0.0)
        return self._judged - behind - QUIET_HOP

    async def follow(self, tape: Tape, call: Call) -> AsyncGenerator[Sign, None]:
        """What became clear since the last look, oldest first; a look waits for a whole hop."""
        while tape.end - self._judged >= (QUIET_HOP if self._last is None else HOP):
            start = max(self._judged - CONTEXT, tape.start)
            until = min(tape.end, self._judged + LONGEST_LOOK)
            asked = Detect(
                tape.cut(start, until),
                threshold=self.rule.threshold,
                min_silence=SHORTEST_PAUSE,
                padding_before=0.0,
                padding_after=0.0,
            )
            found = (await self._detector.detect(asked, call)).spans
            spans = [Span(span.start + start, span.end + start) for span in found]
            signs = self._signs([span for span in spans if span.end > self._judged], until)
            self._judged = until
            for sign in signs:
                yield sign

    def restart(self, at: float) -> None:
        """Forget the open turn: whatever is spoken from here on is another one."""
        self._last = None
        self._floor = self._quiet_since = at
        self._judged = max(self._judged, at)

    def _signs(self, spans: list[Span], now: float) -> list[Sign]:
        signs: list[Sign] = []
        for span in spans:
            signs += self._silence(span.start)
            if self._last is None:
                signs.append(Began(max(span.start - self.rule.prefix, self._floor)))
            self._last = max(span.end, self._last or 0.0)
        return signs + self._silence(now)

    def _silence(self, until: float) -> list[Sign]:
        """What the silence up to a time means: the end of the turn, or that nobody speaks at all."""
        signs: list[Sign] = []
        if self._last is not None and until - self._last >= self.rule.silence:
            ended = self._last + self.rule.silence
            self.restart(ended)
            signs.append(Ended(ended))
        while self._last is None and self.rule.idle and until - self._quiet_since >= self.rule.idle:
            since, self._quiet_since = self._quiet_since, self._quiet_since + self.rule.idle
            self._floor = self._quiet_since
            signs.append(Idled(since, self._quiet_since))
        return signs
