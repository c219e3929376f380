"""Base64 that arrives in pieces, as clients write it: with line breaks, or as a data: URL.

All else is refused. A decoder that skips what it does not know, as Python's does by default, makes noise
of a damaged recording and says nothing.
"""

from __future__ import annotations

import binascii
import re

WHITE_SPACE = b" \t\r\n"
LONGEST_PREFIX = 256  # of a data: URL, up to its comma
PREFIX = re.compile(rb"data:[^,]*;base64,", re.IGNORECASE)


class Base64Decoder:
    """Feed it text, it answers bytes; ValueError says what is wrong with the text."""

    def __init__(self) -> None:
        self._head: bytes | None = b""  # the text until it is known whether a data: URL begins it
        self._rest = b""  # fewer than the four characters that make whole bytes
        self._padded = False

    def feed(self, text: str) -> bytes:
        """The bytes that are whole by now."""
        try:
            characters = text.encode("ascii").translate(None, WHITE_SPACE)
        except UnicodeEncodeError as error:
            raise ValueError("it holds characters that are not ASCII") from error
        return self._decoded(self._without_prefix(characters))

    def finish(self) -> bytes:
        """What a short text still held; a text that ends too early is refused."""
        last = self._decoded(self._head or b"")
        if self._rest:
            raise ValueError("it ends within a group of four characters")
        return last

    def _without_prefix(self, characters: bytes) -> bytes:
        if self._head is None:
            return characters
        head = self._head + characters
        if not head[:5].lower().startswith(b"data:"[: len(head)]):
            self._head = None
            return head
        if found := PREFIX.match(head):
            self._head = None
            return head[found.end() :]
        if b"," in head or len(head) > LONGEST_PREFIX:
            raise ValueError("its data: URL does not say ;base64, before the data")
        self._head = head
        return b""

    def _decoded(self, characters: bytes) -> bytes:
        if not characters:
            return b""
        if self._padded:
            raise ValueError("it goes on after its padding")
        characters = self._rest + characters
        whole = len(characters) - len(characters) % 4
        self._rest = characters[whole:]
        self._padded = b"=" in characters[:whole]
        try:
            return binascii.a2b_base64(characters[:whole], strict_mode=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
