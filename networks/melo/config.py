"""What MeloTTS' config.json files say, as far as inference needs it.

The releases differ in the sizes and the order of their tables, so symbols and speakers come from here and
from nowhere else.
"""

from __future__ import annotations

import attrs

from networks.vits.config import (
    DEEPEST,
    KERNELS,
    TABLE,
    WIDEST,
    DecoderSizes,
    Section,
    SoundSizes,
    UnfitConfig,
)

COUPLINGS = 4  # of the flow, where the config does not say
FLOW_LAYERS = 3  # of the attention in each coupling; the published code knows no other number


@attrs.frozen
class MeloConfig:
    """Of the synthesizer of one release."""

    sound: SoundSizes
    decoder: DecoderSizes
    channels: int
    hidden: int
    gin: int
    filters: int
    heads: int
    layers: int
    kernel: int
    couplings: int  # of the flow
    told_speaker: bool  # whether the text encoder knows who speaks
    symbols: tuple[str, ...]
    tones: int
    languages: int
    speakers: int  # rows of the speaker table
    names: dict[str, int]  # of some of them
    add_blank: bool  # a 0 before, between and after all symbols
    reads_bert: bool  # else the features of the text are always zero

    @classmethod
    def parsed(cls, values: object) -> MeloConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        config = Section(values)
        data, model = config.section("data"), config.section("model")
        # Another flow than the one of all published releases
        model.only("use_transformer_flow", "True")
        model.only("flow_share_parameter", "False")
        model.only("n_layers_trans_flow", str(FLOW_LAYERS))
        sound = SoundSizes.parsed(data)
        speakers = data.whole("n_speakers", 1, TABLE)
        told_speaker = model.flag("use_spk_conditioned_encoder", default=False)
        return cls(
            sound=sound,
            decoder=DecoderSizes.parsed(model, sound.hop),
            channels=model.halved("inter_channels"),
            hidden=model.shared("hidden_channels", "n_heads"),
            gin=model.whole("gin_channels", 1, WIDEST),
            filters=model.whole("filter_channels", 1, WIDEST),
            heads=model.whole("n_heads", 1, DEEPEST),
            layers=_layers(model, told_speaker),
            kernel=model.whole("kernel_size", 1, KERNELS),
            couplings=_couplings(model),
            told_speaker=told_speaker,
            symbols=_symbols(config),
            tones=config.whole("num_tones", 1, TABLE),
            languages=config.whole("num_languages", 1, TABLE),
            speakers=speakers,
            names=data.numbered("spk2id", speakers - 1),
            add_blank=data.flag("add_blank", default=True),
            reads_bert=not data.flag("disable_bert", default=False),
        )


def _layers(model: Section, told_speaker: bool) -> int:
    least = FLOW_LAYERS if told_speaker else 1  # the speaker is told before the third layer
    return model.whole("n_layers", least, DEEPEST)


def _couplings(model: Section) -> int:
    return model.whole("n_flow_layer", 1, DEEPEST) if "n_flow_layer" in model else COUPLINGS


def _symbols(config: Section) -> tuple[str, ...]:
    symbols = config.words("symbols")
    if len(set(symbols)) != len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise UnfitConfig(f"config.json: symbols has {twice!r} twice")
    return symbols
