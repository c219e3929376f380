"""Lists, pulls, verifies and removes weights.

    scripts/models list                    every default, all that is configured or was fetched
    scripts/models pull [SOURCE…] [--all]  fetch; default: what is configured; --all: every default
    scripts/models verify [SOURCE…]        hash again; default: all that is there
    scripts/models remove SOURCE

A SOURCE is a default's name or anything that may stand under `model:`. The exit status is 0 when all is
well, 1 when something is missing or damaged, 2 for a wrong command line or configuration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from errors import SettingsError, WeightsError
from weights import Status, Store

# Sources, each with patterns of the wanted files; models may want different files of one.
Wanted = Iterable[tuple[str, tuple[str, ...] | None]]


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is the answer."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        store = _store(options)
        match options.command:
            case "list":
                return _show(
                    store.list([] if options.root else [source for source, _ in _configured()])
                )
            case "verify":
                return _show(map(store.verify, options.source or _present(store)))
            case "pull":
                return _pull(store, _wanted(store, options))
            case _:
                store.remove(options.source)
                return 0
    except WeightsError as error:
        print(error, file=sys.stderr)
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


def _store(options: argparse.Namespace) -> Store:
    from settings import offline, weights_root

    return Store(options.root or weights_root(), offline=options.offline or offline())


def _wanted(store: Store, options: argparse.Namespace) -> Wanted:
    if options.source:
        return [(source, None) for source in options.source]
    if not options.all:
        return _configured()
    return [(name, None) for name, entry in store.manifest.entries.items() if entry.fits]


def _configured() -> Wanted:
    """What the runners of the configured models will ask for."""
    from catalog import model_class  # only here: it brings BentoML, which takes seconds
    from settings import load

    wanted = [model_class(entry).sources(entry) for entry in load().model_configs]
    return list(dict.fromkeys(item for sources in wanted for item in sources.items()))


def _pull(store: Store, wanted: Wanted) -> int:
    failed = 0
    for source, files in wanted:
        try:
            print(f"{source}: {store.fetch(source, allow=files)}")
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
    pull.add_argument("--all", action="store_true", help="every default of use here")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
