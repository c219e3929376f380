"""JSON bodies that carry sound: its base64 is decoded to a file as it arrives, the rest is parsed.

    {"model": "m", "input_audio": "UklGRi…"}   →   {"model": "m", "input_audio": "<a token>"} and a file

A sound may be as large as an upload. Parsed as one string it would stand in memory three times over, and
hold up everybody else for as long as that takes; so it leaves the text on its way in, piece by piece.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, TypeVar, cast

import attrs
from fastapi import Depends, Request
from pydantic import BaseModel, PlainValidator, ValidationError, ValidationInfo, WithJsonSchema
from starlette.datastructures import UploadFile

from api.base64_stream import Base64Decoder
from api.errors import from_validation
from errors import InvalidInput, TooLarge
from settings import Settings

Body = TypeVar("Body", bound=BaseModel)

SOUNDS = (b"input_audio", b"source_audio", b"target_audio", b"first_audio", b"second_audio")
OPENS_SOUND = re.compile(rb'"(' + b"|".join(SOUNDS) + rb')"[ \t\r\n]*:[ \t\r\n]*\Z')
KEY_LENGTH = 128  # bytes before a string in which its key is looked for
# What a string holds as far as it is whole: an escape may be cut in two where a piece ends.
WHOLE = re.compile(rb'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+', re.DOTALL)
LONGEST_ESCAPE = 6  # \u00e9
BYTES_PER_CHARACTER = 12  # at most: a pair of such escapes
OTHER_FIELDS = 1 << 20  # bytes beside the text to be spoken
IN_MEMORY = 1 << 20  # bytes of a sound; a longer one goes to disk, as the file of a form does
MOST_SOUNDS = 8  # in one body, as files in a form


@attrs.frozen
class JsonBody:
    """A parsed body; where it had sounds, `tree` holds tokens that name them in `sounds`."""

    tree: Any
    sounds: Mapping[str, UploadFile]

    def parse(self, schema: type[Body]) -> Body:
        try:
            return schema.model_validate(self.tree, context=self.sounds)
        except ValidationError as error:
            raise from_validation(error.errors()) from error

    def has(self, *fields: str) -> bool:
        return isinstance(self.tree, dict) and any(field in self.tree for field in fields)


def _found(value: Any, info: ValidationInfo) -> UploadFile | None:
    if value in (
        None,
        "",
    ):  # an empty string stands for none, also where no reader made a sound of it
        return None
    sound = info.context.get(value) if info.context and isinstance(value, str) else None
    if sound is None:
        raise ValueError("Input should be a sound in base64")
    return sound if sound.size else None


EncodedFile = Annotated[
    UploadFile | None,
    PlainValidator(_found),
    WithJsonSchema({"anyOf": [{"type": "string", "contentEncoding": "base64"}, {"type": "null"}]}),
]


@asynccontextmanager
async def read_json(request: Request) -> AsyncIterator[JsonBody]:
    """The body, its sounds spooled to disk until the answer has been sent."""
    settings: Settings = request.app.state.settings
    most = BYTES_PER_CHARACTER * settings.api.limits.max_text_characters + OTHER_FIELDS
    skimmer = Skimmer()
    try:
        async for piece in request.stream():
            for file, sound in skimmer.feed(piece):
                await file.write(sound)
            if len(skimmer.text) > most:
                raise TooLarge(
                    f"The body has more than {most} bytes beside its sounds, "
                    "which no text within max_text_characters needs.",
                    code="body_too_large",
                )
        tree = _parsed(skimmer)
        for file in skimmer.sounds.values():
            await file.seek(0)
        yield JsonBody(tree, skimmer.sounds)
    finally:
        for file in skimmer.sounds.values():
            await file.close()


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _only_json(request: Request) -> AsyncIterator[JsonBody]:
    if (kind := media_type(request)) != "application/json":
        raise InvalidInput(
            f"Expected a body of application/json, not {kind or 'one without a type'}."
        )
    async with read_json(request) as body:
        yield body


UsingJson = Annotated[JsonBody, Depends(_only_json)]


class Skimmer:
    """Takes JSON text in pieces and splits it: `text` without its sounds, and the sounds."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.sounds: dict[str, UploadFile] = {}
        self._prefix = secrets.token_hex(16)  # nobody outside can name a sound by writing its token
        self._rest = b""  # the beginning of an escape
        self._in_string = False
        self._sound: _Sound | None = None

    def feed(self, piece: bytes) -> Iterator[tuple[UploadFile, bytes]]:
        """Each sound's bytes that this piece brings."""
        piece, at = self._rest + piece, 0
        self._rest = b""
        while at < len(piece):
            if not self._in_string:
                at = self._outside(piece, at)
                continue
            end = WHOLE.match(piece, at).end()  # type: ignore[union-attr]
            if self._sound is None:
                self.text += piece[at:end]
            elif end > at:
                yield self._sound.file, self._sound.decoded(piece[at:end])
            at = end
            if piece[at : at + 1] == b'"':
                if self._sound is not None:
                    yield self._sound.file, self._sound.finish()
                self.text += b'"'
                self._in_string, self._sound, at = False, None, at + 1
            elif at < len(piece):
                if len(piece) - at >= LONGEST_ESCAPE:
                    raise InvalidInput("The body is not valid JSON.")
                self._rest, at = piece[at:], len(piece)

    def _outside(self, piece: bytes, at: int) -> int:
        """Keep all up to the next string, and see whether that one is a sound."""
        quote = piece.find(b'"', at)
        if quote < 0:
            self.text += piece[at:]
            return len(piece)
        self.text += piece[at:quote]
        key = OPENS_SOUND.search(self.text[-KEY_LENGTH:])
        self.text += b'"'
        self._in_string = True
        if key:
            if len(self.sounds) == MOST_SOUNDS:
                raise InvalidInput(f"The body has more than {MOST_SOUNDS} sounds.")
            token = f"{self._prefix}{len(self.sounds)}"
            self._sound = _Sound(key[1].decode())
            self.sounds[token] = self._sound.file
            self.text += token.encode()
        return quote + 1


class _Sound:
    """One string of base64 on its way into a file."""

    def __init__(self, field: str) -> None:
        spool = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self.file = UploadFile(cast(BinaryIO, spool), size=0)
        self._field = field
        self._decoder = Base64Decoder()

    def decoded(self, escaped: bytes) -> bytes:
        try:
            text = json.loads(b'"%b"' % escaped)
        except ValueError as error:
            raise InvalidInput("The body is not valid JSON.") from error
        try:
            return self._decoder.feed(text)
        except ValueError as error:
            raise self._refusal(error) from error

    def finish(self) -> bytes:
        try:
            return self._decoder.finish()
        except ValueError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: ValueError) -> InvalidInput:
        return InvalidInput(
            f"Invalid '{self._field}': it is not base64: {error}.", param=self._field
        )


def _parsed(skimmer: Skimmer) -> Any:
    if not skimmer.text:
        raise InvalidInput("The body is missing.")
    try:
        return json.loads(skimmer.text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON.") from error
