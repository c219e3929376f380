"""The full-size networks with the weights that the golden data was made with, made once: it takes seconds."""

from __future__ import annotations

import pytest

from networks.voicefixer import restorer, vocoder
from networks.voicefixer.restorer import Restorer
from networks.voicefixer.vocoder import Vocoder
from tests.golden import golden
from tests.networks.cases import tensors
from tests.voicefixer import formula


@pytest.fixture(scope="session")
def full_restorer() -> Restorer:
    return restorer.load(formula("voicefixer_restorer"))


@pytest.fixture(scope="session")
def full_vocoder() -> Vocoder:
    return vocoder.load(formula("voicefixer_vocoder"))


@pytest.fixture(scope="session")
def small_vocoder() -> Vocoder:
    return vocoder.load(tensors(golden("voicefixer_vocoder"), "weights.safetensors"))
