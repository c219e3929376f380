"""Packages that only some languages need, and that are installed only where somebody wants the language."""

from __future__ import annotations


class ExtraMissing(Exception):
    """A language's optional extra is not installed; the message says how to install it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{extra.capitalize()} needs the package {package}: "
            f"pip install -r requirements/{extra}.txt (see docs/licences.md)"
        )
