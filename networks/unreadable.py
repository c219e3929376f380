"""The one way in which a text front end refuses."""

from __future__ import annotations


class UnreadableText(ValueError):
    """A text in which the front end finds nothing to speak, or nothing that its network knows."""
