"""Windows of the real converters, on small networks: end to end they are what the whole would be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from audio import Audio
from catalog import model_class
from pipelines.conversion import windows
from settings import RunnerSettings
from tasks import Call, Card, Convert, Embedding, Grid, Speech
from tests import openvoice
from weights import Store

RATE = 22050
CLOSE = 1e-5  # of samples within ±1


@attrs.frozen(eq=False)
class Near:
    """A converter without a process of its own."""

    model: Any

    async def card(self) -> Card:
        card: Card = self.model.card
        return card

    async def convert(self, job: Convert, call: Call) -> Speech:
        (speech,) = self.model.convert([job])
        assert isinstance(speech, Speech)
        return speech


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return openvoice.lay_out(tmp_path_factory.mktemp("hub"))


@pytest.mark.parametrize(("version", "repository"), [("1", openvoice.V1), ("2", openvoice.V2)])
def test_windows_of_a_real_converter_join_to_the_whole(
    folders: Mapping[str, Path], version: str, repository: str
) -> None:
    kind = f"OpenVoiceV{version}ToneConverter"
    tree = {"name": "it", "model": str(folders[repository]), "model_type": kind}
    entry = RunnerSettings.model_validate(tree)
    model = model_class(entry)(entry, Store(folders[repository], offline=True))
    drawn = np.random.default_rng(0).standard_normal(8 * RATE + 17, dtype=np.float32) * 0.1
    me, you = (Embedding(openvoice.tone(n), f"openvoice_v{version}") for n in (1, 2))
    job = Convert(Audio(drawn.astype(np.float32), RATE), me, you, tau=0.8, seed=5)

    async def parts() -> list[Audio]:
        return [part.audio async for part in windows(job, Near(model), Call())]

    made = np.concatenate([part.samples for part in asyncio.run(parts())])
    assert len(made) == len(drawn)
    grid: Grid = model.card.grid  # type: ignore[assignment]
    filled = np.pad(drawn, (0, -len(drawn) % grid.step)).astype(np.float32)
    whole = asyncio.run(Near(model).convert(attrs.evolve(job, sound=Audio(filled, RATE)), Call()))
    assert np.abs(made - whole.audio.samples[: len(made)]).max() < CLOSE
