"""The store: a folder of weights whose hashes are known, filled on demand, safe to share.

    root/silero-vad/silero_vad.onnx          an entry of the manifest, under its own name
    root/silero-vad/.weights.json            its record (see weights/record.py)
    root/pypi--voice-1.0--data-1a2b3c4d/     a source that no manifest knows
    root/.hub/  .locks/  .partial/           the hub's cache, one lock a source, work in progress

A file that is not what was pinned, or not what its first use recorded, is never loaded and never
silently replaced: somebody has to remove it. Files may also be put in place by hand, as on a site
without network; they are hashed and taken when they are the pinned ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from errors import WeightsError
from weights import hub
from weights.delivery import Delivery
from weights.manifest import Entry, File, Manifest
from weights.packages import PackageSource, Registries
from weights.progress import Console, Progress, megabytes
from weights.record import NAME, Finding, Record, Seen, inspect, look
from weights.room import check_room
from weights.sources import Hub, Known, Local, Package, Unserved, allowed, parse, slug

State = Literal["ready", "partial", "missing", "damaged"]
Patterns = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Status:
    """How one source stands in the store; `size` is what is pinned or recorded, in bytes.

    partial: what is there is sound, but some of it was never fetched, or an older release pinned
    it. damaged: a file changed or vanished after it was fetched.
    """

    source: str
    state: State
    size: int
    place: Path
    problems: tuple[str, ...] = ()


class Store:
    """Turns sources into local files that were checked; any number of processes may share it."""

    def __init__(
        self,
        root: Path,
        *,
        manifest: Manifest | None = None,
        offline: bool = False,
        progress: Progress | None = None,
        packages: PackageSource | None = None,
    ) -> None:
        self.root = root.expanduser().absolute()
        self.manifest = manifest if manifest is not None else Manifest.load()
        self._offline = offline
        self._progress = progress if progress is not None else Console()
        self._packages = packages if packages is not None else Registries(self._progress)

    def fetch(self, source: str, *, allow: Sequence[str] | None = None) -> Path:
        """The local folder of a source (a file, if the source names one), every file verified.

        `allow` limits it to files that match one of these patterns, as on the hub. Blocks while
        it downloads, and while another process downloads the same.
        """
        patterns = tuple(allow) if allow is not None else None
        if entry := self.manifest.find(source):
            return self._fetch_pinned(entry, patterns)
        match parse(source):
            case Known(name):
                raise self._unknown(name)
            case Local(path):
                return _local(Path(path), patterns)
            case origin:
                return self._fetch_open(origin, patterns)

    def verify(self, source: str) -> Status:
        """Hash every file of a source again and compare."""
        return self.status(source, rehash=True)

    def status(self, source: str, *, rehash: bool = False) -> Status:
        """How a source stands, without fetching anything."""
        if entry := self.manifest.find(source):
            return self._compare(entry.name, self.root / entry.name, entry, rehash=rehash)
        match parse(source):
            case Known(name):
                raise self._unknown(name)
            case Local(path):
                state: State = "ready" if Path(path).exists() else "missing"
                return Status(source, state, _size(Path(path)), Path(path))
            case origin:
                return self._compare(source, self.root / slug(origin), None, rehash=rehash)

    def remove(self, source: str) -> None:
        """Delete the files and the record of a source; a folder of the user's own is refused."""
        entry = self.manifest.find(source)
        origin = Known(entry.name) if entry else parse(source)
        if isinstance(origin, Local):
            raise WeightsError(f"{source} is your own, not the store's: remove it there")
        home = self.root / slug(origin)
        begun = (
            isinstance(origin, Hub) and (self.root / hub.FOLDER / hub.repository(origin)).exists()
        )
        if not (home.exists() or begun):
            raise WeightsError(f"there is nothing of {source} below {self.root}")
        with self._workshop(home.name) as shop:
            # Out of sight in one step, so that nobody meets half a folder.
            with suppress(FileNotFoundError):
                home.rename(shop / "removed")
            if isinstance(origin, Hub):
                self._remove_cached(origin)

    def list(self, sources: Iterable[str] = ()) -> tuple[Status, ...]:
        """The manifest's entries of use here, whatever else lies in the store, and the given sources."""
        pinned = [name for name, entry in self.manifest.entries.items() if entry.fits]
        names = dict.fromkeys([*pinned, *sources])
        known = {self._home(name) for name in names}
        others = [home for home in self._homes() if home not in known]
        return (*map(self.status, names), *map(self._found, others))

    # -- pinned entries ------------------------------------------------------------------------

    def _fetch_pinned(self, entry: Entry, allow: Patterns) -> Path:
        home = self.root / entry.name
        files = {file.path: file for file in entry.wanted(allow)}
        pins = {path: file.sha256 for path, file in files.items()}
        if not self._survey(home, Record(entry.name, home.name), pins).missing:
            return home
        with self._workshop(home.name) as shop:
            record = Record.read(home) or Record(entry.name, home.name)
            # Another process may have brought them while this one waited for the lock.
            finding = inspect(home, pins, record.files)
            record.files.update(finding.sound)
            self._bring([files[path] for path in finding.missing], home, record, shop)
        return home

    def _bring(self, files: Sequence[File], home: Path, record: Record, shop: Path) -> None:
        if files:
            size = sum(file.size for file in files)
            check_room(shop, size, record.source)
            self._progress.say(f"{record.source}: fetching {len(files)} files, {megabytes(size)}")
        delivery = Delivery(shop, self._packages, self._progress, offline=self._offline)
        unserved: list[File] = []
        tried: dict[str, list[str]] = {}
        for file in files:
            for option in file.options:
                try:
                    record.files[file.path] = delivery.pinned(file, option, home / file.path)
                    break
                except Unserved as reason:
                    tried.setdefault(str(reason), []).append(" + ".join(map(str, option)))
            else:
                unserved.append(file)
            record.write(home)
        if unserved:
            named = [f"{file.path} ({megabytes(file.size)})" for file in unserved]
            raise self._refusal(record.source, named, tried)

    # -- sources that no manifest pins: what the first use saw is the pin ----------------------

    def _fetch_open(self, origin: Hub | Package, allow: Patterns) -> Path:
        home = self.root / slug(origin)
        if answer := self._kept(home, allow):
            return answer
        with self._workshop(home.name) as shop:
            if answer := self._kept(home, allow, locked=True):
                return answer
            record = Record.read(home) or Record(str(origin), home.name)
            try:
                match origin:
                    case Hub():
                        self._bring_snapshot(origin, allow, record)
                    case package:
                        self._bring_package(package, allow, record, shop)
            except Unserved as reason:
                raise self._refusal(str(origin), [], {str(reason): [str(origin)]}) from reason
            if not record.covers(allow):
                record.fetched.append(list(allow) if allow is not None else None)
            record.write(home)
        return self.root / record.folder / record.inside

    def _kept(self, home: Path, allow: Patterns, *, locked: bool = False) -> Path | None:
        record = Record.read(home)
        if record is None or not record.covers(allow):
            return None
        pins = {p: seen.sha256 for p, seen in record.files.items() if record.wants(p, allow)}
        if self._survey(home, record, pins, locked=locked).missing:
            return None
        return self.root / record.folder / record.inside

    def _bring_package(self, package: Package, allow: Patterns, record: Record, shop: Path) -> None:
        self._progress.say(f"{package}: fetching")
        delivery = Delivery(shop, self._packages, self._progress, offline=self._offline)
        home = self.root / record.folder
        record.inside, names = delivery.listing(package, allow)
        for name in names:
            pin = record.files[name].sha256 if name in record.files else None
            record.files[name] = delivery.first(package, name, home / name, pin)

    def _bring_snapshot(self, origin: Hub, allow: Patterns, record: Record) -> None:
        # Sources that differ in revision or path share what the repository has in common.
        with self._lock(hub.repository(origin)):
            folder = hub.snapshot(
                origin, allow, cache=self.root / hub.FOLDER, commit=record.commit,
                offline=self._offline, progress=self._progress,
            )  # fmt: skip
        record.folder = folder.relative_to(self.root.resolve()).as_posix()
        record.commit, record.inside = folder.name, origin.path
        paths = [
            file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
        ]
        wanted = [path for path in paths if record.wants(path, allow)]
        if not wanted:
            raise Unserved(f"commit {record.commit} holds no file {origin.path or allow or ''}")
        for path in wanted:
            before = record.files.get(path)
            now = look(folder / path, before)
            if now is None or not hub.matches(folder / path, now.sha256):
                raise Unserved(f"{path} is not what the hub announced; remove it and pull again")
            if before is not None and before.sha256 != now.sha256:
                raise Unserved(f"{path} has sha256 {now.sha256}, first use saw {before.sha256}")
            record.files[path] = now

    # -- what lies in the store ----------------------------------------------------------------

    def _survey(
        self, home: Path, blank: Record, pins: dict[str, str], *, locked: bool = False
    ) -> Finding:
        """Compare with the pins; refuse what changed; note what had to be hashed anew."""
        record = Record.read(home) or blank
        finding = inspect(self.root / record.folder, pins, record.files)
        if finding.changed:
            raise WeightsError(self._changed(record.source, finding, pins))
        if finding.news(record):
            # A read-only store (an image with the weights in it) is hashed at each start instead.
            with suppress(OSError):
                self._note(home, blank, finding.sound, locked=locked)
        return finding

    def _note(self, home: Path, blank: Record, sound: dict[str, Seen], *, locked: bool) -> None:
        with nullcontext() if locked else self._lock(home.name):
            record = Record.read(home) or blank
            record.files.update(sound)
            record.write(home)

    def _compare(self, source: str, home: Path, entry: Entry | None, *, rehash: bool) -> Status:
        size = entry.size if entry else 0
        try:
            record = Record.read(home)
            if record is None and entry is None:
                return Status(source, "missing", 0, home)
            record = record or Record(source, home.name)
            pins = {path: seen.sha256 for path, seen in record.files.items()}
            if entry is not None:
                pins = {file.path: file.sha256 for file in entry.files}
            base = self.root / record.folder
            finding = inspect(base, pins, record.files, rehash=rehash)
        except WeightsError as error:
            return Status(source, "damaged", size, home, (str(error),))
        lost = [p for p in finding.missing if p in record.files and not (base / p).exists()]
        problems = [f"{path} has sha256 {now}" for path, now in finding.changed.items()]
        problems += [f"{path} is missing" for path in finding.missing]
        state: State = "ready"
        if finding.changed or lost:
            state = "damaged"
        elif finding.missing:
            state = "partial" if finding.sound else "missing"
        size = size or sum(seen.size for seen in record.files.values())
        return Status(source, state, size, base / record.inside, tuple(problems))

    def _homes(self) -> Iterator[Path]:
        return (record.parent for record in sorted(self.root.glob(f"[!.]*/{NAME}")))

    def _home(self, source: str) -> Path:
        entry = self.manifest.find(source)
        return self.root / (entry.name if entry else slug(parse(source)))

    def _found(self, home: Path) -> Status:
        with suppress(WeightsError):
            if record := Record.read(home):
                return self._compare(record.source, home, None, rehash=False)
        return self._compare(home.name, home, None, rehash=False)

    def _remove_cached(self, origin: Hub) -> None:
        """Drop the hub's cache of a repository unless another record still points into it."""
        cache = self.root / hub.FOLDER / hub.repository(origin)
        records = (Record.read(home) for home in self._homes())
        if not any(r and cache in (self.root / r.folder).parents for r in records):
            shutil.rmtree(cache, ignore_errors=True)

    # -- locks and refusals --------------------------------------------------------------------

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        from filelock import FileLock, Timeout  # 40 ms to import, and mostly not needed

        (self.root / ".locks").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".locks" / name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._progress.say(f"{name}: waiting for another process that is at it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _workshop(self, name: str) -> Iterator[Path]:
        """An empty folder to work in, alone; what a killed process left there is cleared away."""
        shop = self.root / ".partial" / name
        try:
            with self._lock(name):
                shutil.rmtree(shop, ignore_errors=True)
                shop.mkdir(parents=True)
                try:
                    yield shop
                finally:
                    shutil.rmtree(shop, ignore_errors=True)
        except OSError as error:
            raise WeightsError(
                f"cannot write {name} below {self.root}: {error.strerror or error}; free space "
                "there, or choose another folder for weights"
            ) from error

    def _unknown(self, name: str) -> WeightsError:
        known = ", ".join(self.manifest.entries)
        return WeightsError(
            f"there are no default weights {name!r}; there are {known}. A repository of the hub "
            "is written org/name, a local folder ./name"
        )

    def _changed(self, source: str, finding: Finding, pins: dict[str, str]) -> str:
        lines = [
            f"  {path}: sha256 {now}, expected {pins[path]}"
            for path, now in finding.changed.items()
        ]
        return "\n".join([
            f"the weights {source} below {self.root} are not the ones that were pinned:", *lines,
            f"  if you do not know why, be suspicious; `scripts/models remove {source}` and "
            f"`scripts/models pull {source}` bring them back",
        ])  # fmt: skip

    def _refusal(
        self, source: str, missing: Sequence[str], tried: Mapping[str, Sequence[str]]
    ) -> WeightsError:
        lines = [f"the weights {source} cannot be fetched"]
        if missing:
            lines.append(f"  missing: {_shortened(missing)}")
        lines += [f"  tried {_shortened(where)}: {reason}" for reason, where in tried.items()]
        lines.append(
            f"  to do: mend what is named above, or run `scripts/models pull {source}` on a "
            f"machine that reaches it and copy its weights folder to {self.root}"
        )
        return WeightsError("\n".join(lines))


def _shortened(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def _local(path: Path, allow: Patterns) -> Path:
    if not path.exists():
        raise WeightsError(f"there is nothing at {path} (seen from {Path.cwd()})")
    if path.is_dir() and allow is not None:
        names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        if not any(allowed(name, allow) for name in names):
            raise WeightsError(f"the folder {path} holds no file like {', '.join(allow)}")
    return path.absolute()


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
