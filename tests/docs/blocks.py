"""Code blocks of our Markdown pages, so that tests can run what a reader would copy."""

from __future__ import annotations

import re
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent.parent.parent
PAGES = (BUNDLE / "README.md", *sorted((BUNDLE / "docs").glob("*.md")))

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The contents of every block of a language, in their order."""
    found = _FENCED.findall(page.read_text(encoding="utf-8"))
    return [content for written_in, content in found if written_in == language]
