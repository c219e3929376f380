"""Makes an API key, shows it once, and says what to paste into the configuration.

    scripts/keys new NAME [--role user|admin]

Nothing is written anywhere. The configuration holds the key's sha256, from which nobody finds a key of
256 random bits.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import ValidationError

from callers import KeySettings, Role, hash_of

RANDOM_BYTES = 32
SHOWN = """\
The key of {name}, which is shown this once:

  {key}

In the configuration, beside the keys that are there already:

api:
  auth:
    keys:
      - name: {name}
        role: {role}
        sha256: {sha256}

Or, for a container, in the environment: HARMONY_API_KEYS={name}:{role}:{key}"""


def main(arguments: list[str]) -> int:
    """Make one key; 2 if its name will not do."""
    options = _parser().parse_args(arguments)
    key = "hs-" + secrets.token_urlsafe(RANDOM_BYTES)
    try:
        entry = KeySettings(name=options.name, role=options.role, sha256=hash_of(key))
    except ValidationError as error:
        print(f"NAME: {error.errors()[0]['msg']}", file=sys.stderr)
        return 2
    print(SHOWN.format(name=entry.name, role=entry.role, sha256=entry.sha256, key=key))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/keys",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new = parser.add_subparsers(dest="command", required=True).add_parser("new")
    new.add_argument("name", metavar="NAME", help="who will use it: stands in logs and rates")
    new.add_argument("--role", choices=get_args(Role), default="user")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
