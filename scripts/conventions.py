"""House rules that no linter knows: who may name a model family, and what may not be written down.

Prints every breach as file:line and fails if there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from catalog import RUNNERS  # noqa: E402

# Layers that must not know which family they serve; a runner module may of course name its own.
NEUTRAL = (
    "service.py",
    "tasks.py",
    "errors.py",
    "settings.py",
    "api/",
    "pipelines/",
    "audio/",
    "weights/",
    "runners/",
)
_MODULES = {model.__module__.removeprefix("runners.") for model in RUNNERS.values()}
# A runner's own module may name its family; all others below runners/ serve every family.
FAMILY_FILES = tuple(f"runners/{module}.py" for module in sorted(_MODULES))
FAMILIES = re.compile(
    rf"""["'](?:{"|".join([*RUNNERS, *_MODULES])})["']|model_type\s*[!=]=""", re.IGNORECASE
)
FORBIDDEN_NAMES = re.compile(r"(^|/)(utils|common|helpers)\.py$")
ENVIRONMENT = re.compile(r"os\.(environ|getenv)")
LONGEST_MODULE = 400  # lines; beyond it a module wants to be two


def main() -> int:
    """Check every tracked Python file; 1 if any rule is broken."""
    breaches = [breach for path in _tracked() for breach in _breaches(path)]
    print("\n".join(breaches) or "conventions: ok")
    return 1 if breaches else 0


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


def _neutral(path: str) -> bool:
    return path.startswith(NEUTRAL) and path not in FAMILY_FILES


def _breaches(path: str) -> list[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    found = []
    if FORBIDDEN_NAMES.search(path):
        found.append(f"{path}:1: name a module by what it holds")
    if path.startswith("tests/"):
        return found
    if len(lines) > LONGEST_MODULE:
        found.append(f"{path}:{len(lines)}: longer than {LONGEST_MODULE} lines")
    for number, line in enumerate(lines, start=1):
        if _neutral(path) and FAMILIES.search(line):
            found.append(f"{path}:{number}: only catalog.py and its runner name a model family")
        if ENVIRONMENT.search(line) and path != "settings.py" and not path.startswith("scripts/"):
            found.append(f"{path}:{number}: only settings.py reads the environment")
    return found


if __name__ == "__main__":
    sys.exit(main())
