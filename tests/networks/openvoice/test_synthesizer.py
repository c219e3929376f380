"""The base speaker on random weights: batches, noise, limits, formats."""

from __future__ import annotations

import attrs
import pytest
import torch
from torch import Tensor

from networks.openvoice.synthesizer import Synthesizer, Utterance
from networks.vits.synthesizer import Manner, TooLong
from tests.vits import a_synthesizer

UTTERANCES = [
    Utterance((0, 5, 0, 9, 0, 12, 0), 1, Manner(seed=3)),
    Utterance(tuple(n % 30 for n in range(61)), 9, Manner(length_scale=1.4, seed=4)),
    Utterance((7,), 2, Manner(sdp_ratio=1.0, seed=5)),
    Utterance(tuple(range(33)), 3, Manner(noise_scale=0.2, noise_scale_w=0.9, seed=6)),
]
FLOAT_NOISE = 1e-5


@pytest.fixture(scope="module")
def network() -> Synthesizer:
    return a_synthesizer()


def _spoken(network: Synthesizer, utterances: list[Utterance]) -> list[Tensor]:
    sounds = network.speak(utterances)
    assert all(isinstance(sound, Tensor) for sound in sounds)
    return [sound for sound in sounds if isinstance(sound, Tensor)]


def test_utterances_sound_in_a_batch_as_they_do_alone(network: Synthesizer) -> None:
    together = _spoken(network, UTTERANCES)
    for utterance, sound in zip(UTTERANCES, together, strict=True):
        (alone,) = _spoken(network, [utterance])
        torch.testing.assert_close(sound, alone, atol=FLOAT_NOISE, rtol=0.0)
        assert alone.std() > 0.01  # and it is no silence that is compared


def test_a_seed_gives_the_same_sound_and_another_one_another(network: Synthesizer) -> None:
    first, again = _spoken(network, UTTERANCES[:1] * 2)
    assert torch.equal(first, again)
    other = attrs.evolve(UTTERANCES[0], manner=Manner(seed=4))
    assert not torch.equal(first, _spoken(network, [other])[0])


def test_slower_speech_is_longer(network: Synthesizer) -> None:
    slow, fast = (
        _spoken(network, [attrs.evolve(UTTERANCES[1], manner=Manner(length_scale=scale))])[0]
        for scale in (2.0, 0.5)
    )
    assert len(slow) > 1.5 * len(fast)
    assert len(fast) % network.config.sound.hop == 0


def test_only_the_utterance_that_lasts_too_long_is_refused(network: Synthesizer) -> None:
    endless = attrs.evolve(UTTERANCES[0], manner=Manner(length_scale=1e30))
    short, refused = network.speak([UTTERANCES[2], endless], most_frames=500)
    assert isinstance(refused, TooLong)
    assert refused.most == 500
    assert refused.frames > 500
    assert isinstance(short, Tensor)
    torch.testing.assert_close(
        short, _spoken(network, [UTTERANCES[2]])[0], atol=FLOAT_NOISE, rtol=0
    )


def test_an_utterance_of_no_length_has_one_frame(network: Synthesizer) -> None:
    gone = attrs.evolve(UTTERANCES[0], manner=Manner(length_scale=0.0))
    assert len(_spoken(network, [gone])[0]) == network.config.sound.hop


@pytest.mark.parametrize(
    ("utterance", "told"),
    [
        (Utterance((), 1), "without symbols"),
        (Utterance((0, 1000), 1), "symbols must be from 0 to"),
        (Utterance((-1,), 1), "symbols must be from 0 to"),
        (Utterance((1,), 10), "speaker 10 is not one of 0 to 9"),
    ],
)
def test_what_the_tables_do_not_have_is_refused(
    network: Synthesizer, utterance: Utterance, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        network.speak([utterance])


def test_in_bfloat16_durations_are_the_same_and_the_sound_is_near() -> None:
    exact, coarse = (a_synthesizer(dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    for one, other in zip(_spoken(exact, UTTERANCES), _spoken(coarse, UTTERANCES), strict=True):
        assert len(one) == len(other)
        assert other.dtype == torch.float32
        assert 0 < (one - other).square().mean() < 1e-3 * one.square().mean()  # 30 dB below


def test_what_only_training_reads_is_let_go_of(network: Synthesizer) -> None:
    names = network.state_dict().keys()
    assert not any("post_" in name or "enc_q" in name for name in names)
    assert not any(name.endswith(("weight_g", "weight_v")) for name in names)
