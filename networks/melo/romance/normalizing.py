"""The last step before the tokenizer, as the original takes it: marks to the few that its networks know."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Typographic marks and what stands for them; a language adds its quotation marks.
LATIN_MARKS: Mapping[str, str] = {
    **dict.fromkeys("：；，·、", ","),
    **dict.fromkeys("。\n…$", "."),
    "...": ".",
    **dict.fromkeys("～~", "-"),
    "！": "!",
    "？": "?",
}
_ENDS = tuple(".,!?-…")


def replaced(text: str, marks: Mapping[str, str]) -> str:
    """Text with every mark replaced by what stands for it."""
    longest_first = sorted(marks, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: marks[found[0]], text)


def finished(text: str) -> str:
    """Without marks at the start and with one at the end, and single spaces."""
    text = re.sub(r"^[,.!?\s]+", "", re.sub(r"\s+", " ", text)).strip()
    return text if not text or text.endswith(_ENDS) else f"{text}."
