"""Models for the runners' tests, each loaded once, and a voice that leaves nothing to chance.

They are those of the embedded configuration, with their real weights, and with small ones OpenVoice's,
MeloTTS', Harmony Speech's and VoiceFixer's.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from audio import Audio, resample
from catalog import model_class
from runners.base import Model
from runners.piper import Piper
from settings import BUNDLE, RunnerSettings, load, weights_root
from tasks import Speak
from tests import harmony, melo, openvoice, voicefixer
from weights import Store

CONFIGURED: Mapping[str, RunnerSettings] = {
    entry.name: entry
    for entry in (
        *load(BUNDLE / "configuration.yaml").model_configs,
        *map(
            RunnerSettings.model_validate,
            [
                *openvoice.entries(),
                melo.entry("EN"),
                *harmony.entries(),
                *voicefixer.entries(),
            ],
        ),
    )
}
RATE = 16000  # Hz that what listens wants


class RecordingStore(Store):
    """The real store, which remembers what was fetched of it, and has what the hub would send."""

    def __init__(self) -> None:
        super().__init__(weights_root(), offline=True)
        self.fetched: dict[str, tuple[str, ...] | None] = {}

    def fetch(self, source: str, *, allow: Sequence[str] | None = None) -> Path:
        self.fetched[source] = None if allow is None else tuple(allow)
        on_the_hub = hub_folders().get(source.partition("@")[0], source)
        return super().fetch(str(on_the_hub), allow=allow)


@cache
def hub_folders() -> Mapping[str, Path]:
    """Repositories that only the hub has, with small networks in them."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = harmony.lay_out(Path(folder) / "harmony")
    (fixer := Path(folder) / "voicefixer").mkdir()
    return {
        **melo.lay_out(Path(folder)),
        harmony.SOURCE: own,
        voicefixer.SOURCE: voicefixer.lay_out(fixer),
    }


@attrs.frozen
class Loaded:
    settings: RunnerSettings
    model: Model
    fetched: Mapping[str, tuple[str, ...] | None]


Load = Callable[..., Loaded]
Say = Callable[[str], Audio]


def load_changed(name: str, **changes: Any) -> Loaded:
    """A configured model with other settings than the configured ones."""
    settings = RunnerSettings.model_validate({**CONFIGURED[name].model_dump(), **changes})
    store = RecordingStore()
    return Loaded(settings, model_class(settings)(settings, store), store.fetched)


@pytest.fixture(scope="session")
def loaded() -> Load:
    """The configured models by name, each loaded when first asked for."""
    models: dict[str, Loaded] = {}

    def get(name: str) -> Loaded:
        if name not in models:
            models[name] = load_changed(name)
        return models[name]

    return get


@pytest.fixture(scope="session")
def say() -> Say:
    """Speech at 16 kHz from a voice without chance, so that what listens hears the same every time."""
    still = load_changed("piper-joe", options={"noise_scale": 0.0, "noise_w": 0.0}).model
    assert isinstance(still, Piper)
    said: dict[str, Audio] = {}

    def speak(text: str) -> Audio:
        if text not in said:
            said[text] = resample(still.synthesize([Speak(text)])[0].audio, RATE)
        return said[text]

    return speak
