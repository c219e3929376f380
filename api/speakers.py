"""Known speakers of a transcription: names, and clips of their voices as data URLs."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Protocol

from audio import Audio, DecodeLimits, EncodedSound, join
from errors import InvalidInput
from pipelines.diarization import RATE, Reference
from pipelines.flow import in_thread
from settings import Limits

MOST = 4  # speakers, as at OpenAI
LEAST_SECONDS, MOST_SECONDS = 2.0, 10.0  # of a reference, as there
ROUNDING = 0.05  # seconds: what an encoder adds at the ends of ten seconds of sound
LONGEST_NAME = 64
NAMES, CLIPS = "known_speaker_names", "known_speaker_references"
# `codecs=` and other parameters may stand between the type and `base64`; the decoder finds the format.
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII)


class Asked(Protocol):
    """The fields of a request that name speakers."""

    known_speaker_names: list[str]
    known_speaker_references: list[str]


async def references(asked: Asked, limits: Limits) -> list[Reference]:
    """The known speakers, their clips decoded."""
    names, clips = asked.known_speaker_names, asked.known_speaker_references
    if len(names) != len(clips):
        raise InvalidInput(
            f"{len(names)} '{NAMES}' were given with {len(clips)} '{CLIPS}': each name needs one.",
            param=CLIPS,
        )
    _check_names(names)
    return [
        Reference(name, await in_thread("decode", _clip, name, clip, limits))
        for name, clip in zip(names, clips, strict=True)
    ]


def _check_names(names: list[str]) -> None:
    if len(names) > MOST:
        raise InvalidInput(f"At most {MOST} '{NAMES}' are taken, not {len(names)}.", param=NAMES)
    for name in names:
        if not name.strip() or len(name) > LONGEST_NAME:
            raise InvalidInput(
                f"'{NAMES}' takes names of 1 to {LONGEST_NAME} characters, not '{name[:80]}'.",
                param=NAMES,
            )
    if len(set(names)) < len(names):
        raise InvalidInput(f"'{NAMES}' holds a name twice.", param=NAMES)


def _clip(name: str, url: str, limits: Limits) -> Audio:
    found = _DATA_URL.match(url)
    if not found:
        raise InvalidInput(
            f"The reference of '{name}' is no data URL: data:audio/wav;base64,…", param=CLIPS
        )
    try:
        encoded = base64.b64decode(url[found.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            f"The reference of '{name}' is no base64: {error}", param=CLIPS
        ) from error
    sound = EncodedSound(
        encoded, limits=DecodeLimits(limits.max_audio_seconds, limits.max_upload_bytes), param=CLIPS
    )
    parts, seconds = [], 0.0
    for block in sound.blocks(RATE, 1.0):
        parts.append(block)
        seconds += block.duration
        if seconds > MOST_SECONDS + ROUNDING:
            break  # it may go on for hours
    if not LEAST_SECONDS - ROUNDING <= seconds <= MOST_SECONDS + ROUNDING:
        how = f"more than {MOST_SECONDS:.0f}" if seconds > MOST_SECONDS else f"{seconds:.1f}"
        raise InvalidInput(
            f"The reference of '{name}' has {how} seconds of sound; "
            f"{LEAST_SECONDS:.0f} to {MOST_SECONDS:.0f} are needed.",
            param=CLIPS,
        )
    return join(parts, RATE)
