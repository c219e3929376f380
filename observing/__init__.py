"""What an operator sees of the running service: logs, metrics, traces. Everybody uses it; it knows nobody."""

from __future__ import annotations

from typing import Any

# BentoML's own numbers and lines of each request name it by its path as it came, so a stranger could make
# series of numbers without end. Ours (api/middleware.py) name its route.
BENTOML_TELLS: dict[str, Any] = {
    "metrics": {"enabled": False},
    "logging": {"access": {"enabled": False}},
}
