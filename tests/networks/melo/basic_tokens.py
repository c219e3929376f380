"""What BERT tokenizers do before their vocabulary comes in: words, marks and ideographs apart."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+|[^\w\s]|_")


def basic_tokens(text: str) -> list[str]:
    """Words in small letters, every mark and every Chinese character a token of its own."""
    return _TOKEN.findall(text.lower())
