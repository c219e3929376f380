"""Harmony Speech's vocoder where there is nothing to speak; the rest stands beside the original's."""

from __future__ import annotations

import pytest
import torch

from networks.harmony.config import VocoderConfig
from networks.harmony.vocoder import Vocoder
from tests.harmony import CONFIGS


@pytest.mark.parametrize("device", ["cpu", "meta"])  # the second takes an accelerator's way
def test_no_rows_are_no_sounds(device: str) -> None:
    with torch.device(device):
        network = Vocoder(VocoderConfig.parsed({"model": CONFIGS["vocoder"]}))
    assert network.device.type == device
    assert network.speak([]) == []
