"""Word lists and tables written as text, which stays readable where literals would fill pages."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    return tuple(text.split())


def pairs(text: str) -> dict[str, str]:
    """Entries between commas: the first word of each stands for the rest of it."""
    entries = (entry.strip().partition(" ") for entry in text.split(", "))
    return {key: value for key, _, value in entries}
