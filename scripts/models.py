"""Lists, pulls, verifies and removes weights.

    scripts/models list                    every default, all that is configured or was fetched
    scripts/models pull [SOURCE…] [--all]  fetch; default: what is configured; --all: every default
    scripts/models verify [SOURCE…]        hash again; default: all that is there
    scripts/models remove SOURCE

A SOURCE is a default's name or anything that may stand under `model:`. With --root the
configuration is not read. The exit status is 0 when all is well, 1 when something is missing or
damaged, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from errors import SettingsError, WeightsError
from weights import Status, Store


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is the answer."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        root, offline, configured = (options.root, False, []) if options.root else _configuration()
        store = Store(root, offline=offline or options.offline)
        match options.command:
            case "list":
                return _show(store.list(configured))
            case "verify":
                return _show(map(store.verify, options.source or _present(store)))
            case "pull":
                defaults = list(store.manifest.entries) if options.all else []
                sources = [*options.source, *defaults] or configured
                if not sources:
                    parser.error("name a SOURCE, or --all for every default")
                return _pull(store, sources)
            case _:
                store.remove(options.source)
                return 0
    except (WeightsError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1


def _pull(store: Store, sources: list[str]) -> int:
    failed = 0
    for source in sources:
        try:
            print(f"{source}: {store.fetch(source)}")
        except WeightsError as error:
            # The next source may well be had: an air-gapped site wants all it can get.
            print(error, file=sys.stderr)
            failed = 1
    return failed


def _present(store: Store) -> list[str]:
    return [status.source for status in store.list() if status.state != "missing"]


def _show(statuses: Iterable[Status]) -> int:
    bad = 0
    for status in statuses:
        size = f"{status.size / 1e6:9.1f} MB" if status.size else f"{'?':>12}"
        print(f"{status.state:8} {size}  {status.source}  {status.place}", flush=True)
        for problem in status.problems[:3]:
            print(f"{'':23}{problem}")
        if more := status.problems[3:]:
            print(f"{'':23}and {len(more)} more")
        bad |= status.state != "ready"
    return int(bad)


def _configuration() -> tuple[Path, bool, list[str]]:
    """The weights folder, whether to stay offline, and the sources of every configured model."""
    from settings import load, offline, weights_root  # half a second, of no use with --root

    return weights_root(), offline(), [model.source for model in load().model_configs]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/models",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, help="the weights folder; default: as configured")
    parser.add_argument("--offline", action="store_true", help="use no network")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("verify").add_argument("source", nargs="*")
    commands.add_parser("remove").add_argument("source")
    pull = commands.add_parser("pull")
    pull.add_argument("source", nargs="*")
    pull.add_argument("--all", action="store_true", help="every default")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
