"""Where weights come from: a source, as written under `model:`, becomes verified local files.

    Store(root).fetch("silero-vad")                       a default, pinned in manifest.json
    Store(root).fetch("org/name@revision", allow=["*.onnx"])   the hub
    Store(root).fetch("pypi:package==1.0/package/data")   a wheel; npm:… a tarball; ./… a folder

Every file is checked by sha256: defaults against the manifest, everything else against what its
first use recorded. This package fetches and checks; it loads no weights, imports no code of a
package it fetched, and reads no environment.

    sources.py    the grammar of a source          packages.py   pip and npm, wheels and tarballs
    manifest.py   the pinned defaults              hub.py        snapshots of the hub
    remote.py     what the hub is asked            delivery.py   from an origin to a checked file
    record.py     the lock file and the hashing    room.py       whether the disk has room
    store.py      fetch, verify, list, remove      progress.py   bar, lines, or nothing
"""

from weights.manifest import Entry, File, Manifest
from weights.packages import PackageSource, Registries
from weights.progress import Console, Progress, Quiet
from weights.store import Status, Store

__all__ = [
    "Console",
    "Entry",
    "File",
    "Manifest",
    "PackageSource",
    "Progress",
    "Quiet",
    "Registries",
    "Status",
    "Store",
]
