"""Filters that need no weights: small, each by the book, for sounds that arrive in pieces.

    filter = HighPass(80.0)        what is wanted: a frozen value
    run = filter.start(48_000)     the filter at work on one sound, with the state that it keeps
    run.push(piece)                what is ready after this piece
    run.finish()                   the rest
    run.close()                    also midway

HighPass, Resample, Fade, Speed and the beginning of Trim answer while the sound still comes, and hold no more
than a moment of it. Loudness and RemoveDC must know the whole sound before its first sample can leave: they
keep it on a Reel, which is in memory for most of a minute and on disk from there on.
"""

from audio.filters.base import Filter, Run, filtered
from audio.filters.fade import Fade
from audio.filters.highpass import HighPass
from audio.filters.loudness import Loudness, Meter
from audio.filters.offset import RemoveDC
from audio.filters.resampling import Resample
from audio.filters.speed import Speed
from audio.filters.trim import Trim

__all__ = [
    "Fade",
    "Filter",
    "HighPass",
    "Loudness",
    "Meter",
    "RemoveDC",
    "Resample",
    "Run",
    "Speed",
    "Trim",
    "filtered",
]
