"""BERT's encoder: beside the transformers package, in batches, in parts, and on weights that do not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from networks.bert import encoder
from networks.bert.encoder import Bert, BertConfig
from networks.vits.checkpoint import UnfitWeights
from networks.vits.config import UnfitConfig
from tests import bert

BEGIN, END = 2, 3


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return bert.checkpoint()


@pytest.fixture(scope="module")
def network(weights: dict[str, Tensor]) -> Bert:
    return encoder.load(BertConfig.parsed(bert.CONFIG), weights, layers=2)


def _ids(count: int, seed: int = 0) -> list[int]:
    drawn = torch.randint(5, 400, (count,), generator=torch.Generator().manual_seed(seed))
    return [int(number) for number in drawn]


def test_vectors_are_those_of_the_transformers_package(
    network: Bert, weights: dict[str, Tensor]
) -> None:
    models = pytest.importorskip("transformers.models.bert")
    theirs = models.BertModel(models.BertConfig(**bert.CONFIG), add_pooling_layer=False).eval()
    own = {name.removeprefix("bert."): tensor for name, tensor in weights.items()}
    theirs.load_state_dict({name: own[name] for name in theirs.state_dict()})
    texts = [_ids(9), _ids(4, 1), []]
    for text, read in zip(texts, network.read(texts, BEGIN, END), strict=True):
        with torch.inference_mode():
            known = theirs(input_ids=torch.tensor([[BEGIN, *text, END]]), output_hidden_states=True)
        torch.testing.assert_close(read, known.hidden_states[-3][0], atol=2e-5, rtol=0)


def test_a_text_is_read_alike_alone_and_beside_longer_ones(network: Bert) -> None:
    texts = [_ids(3), _ids(20, 1), _ids(7, 2)]
    together = network.read(texts, BEGIN, END)
    for text, read in zip(texts, together, strict=True):
        assert read.shape == (len(text) + 2, 768)
        (alone,) = network.read([text], BEGIN, END)
        torch.testing.assert_close(read, alone, atol=1e-5, rtol=0)


def test_a_text_of_more_tokens_than_positions_is_read_in_parts(network: Bert) -> None:
    room = bert.CONFIG["max_position_embeddings"] - 2
    text = _ids(2 * room + 5)
    short = _ids(4, 1)
    read, beside = network.read([text, short], BEGIN, END)
    first, second, third = network.read(
        [text[:room], text[room : 2 * room], text[2 * room :]], BEGIN, END
    )
    expected = torch.cat([first[:-1], second[1:-1], third[1:]])
    assert len(read) == len(text) + 2
    torch.testing.assert_close(read, expected, atol=1e-5, rtol=0)
    assert len(beside) == len(short) + 2


def test_norms_may_bear_the_names_of_the_first_releases(
    network: Bert, weights: dict[str, Tensor]
) -> None:
    def old(name: str) -> str:
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        )

    renamed = {old(name): tensor for name, tensor in weights.items()}
    assert renamed.keys() != weights.keys()
    again = encoder.load(BertConfig.parsed(bert.CONFIG), renamed, layers=2)
    assert torch.equal(again.read([_ids(5)], BEGIN, END)[0], network.read([_ids(5)], BEGIN, END)[0])


def test_layers_that_nobody_reads_are_not_kept(network: Bert) -> None:
    names = network.state_dict().keys()
    assert {name.split(".")[2] for name in names if "layer" in name} == {"0", "1"}
    assert not [name for name in names if "pooler" in name or "cls" in name]


def test_a_checkpoint_that_lacks_a_tensor_is_refused(weights: dict[str, Tensor]) -> None:
    del (less := dict(weights))["bert.encoder.layer.1.attention.self.query.weight"]
    with pytest.raises(UnfitWeights, match=r"lacks encoder\.layer\.1\.attention\.self\.query"):
        encoder.load(BertConfig.parsed(bert.CONFIG), less, layers=2)


def test_a_checkpoint_of_another_size_is_refused(weights: dict[str, Tensor]) -> None:
    wider = BertConfig.parsed({**bert.CONFIG, "vocab_size": 401})
    with pytest.raises(UnfitWeights, match=r"word_embeddings\.weight has the shape \(400, 768\)"):
        encoder.load(wider, weights, layers=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "roberta"}, "model_type is 'roberta'; 'bert' is expected"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"num_attention_heads": 7}, "a multiple of num_attention_heads, which is 7,"),
        ({"vocab_size": 1 << 40}, "vocab_size is 1099511627776"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps is 'small'"),
        ({"max_position_embeddings": 2}, "max_position_embeddings is 2"),
    ],
)
def test_a_config_that_is_no_bert_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UnfitConfig) as caught:
        BertConfig.parsed({**bert.CONFIG, **change})
    assert said in str(caught.value)


def test_more_layers_than_there_are_cannot_be_read(weights: dict[str, Tensor]) -> None:
    with pytest.raises(UnfitConfig, match="num_hidden_layers is 4; 5 are needed"):
        encoder.load(BertConfig.parsed(bert.CONFIG), weights, layers=5)
