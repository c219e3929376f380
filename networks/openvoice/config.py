"""What OpenVoice's config.json files say, as far as inference needs it."""

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


@attrs.frozen
class ConverterConfig:
    """Of a tone converter."""

    sound: SoundSizes
    decoder: DecoderSizes
    channels: int
    hidden: int
    gin: int
    zero_g: bool  # V2: posterior encoder and decoder are told no speaker

    @classmethod
    def parsed(cls, values: object) -> ConverterConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        config = Section(values)
        data, model = config.section("data"), config.section("model")
        if speakers := data.whole("n_speakers", 0, TABLE):
            raise UnfitConfig(
                f"config.json: data: n_speakers is {speakers}: a synthesizer's; a converter has 0"
            )
        sound = SoundSizes.parsed(data)
        return cls(
            sound=sound,
            decoder=DecoderSizes.parsed(model, sound.hop),
            channels=model.halved("inter_channels"),
            hidden=model.whole("hidden_channels", 1, WIDEST),
            gin=model.whole("gin_channels", 1, WIDEST),
            zero_g=model.flag("zero_g", default=False),
        )


@attrs.frozen
class SynthesizerConfig:
    """Of a V1 base speaker."""

    sound: SoundSizes
    decoder: DecoderSizes
    channels: int
    hidden: int
    gin: int
    filters: int
    heads: int
    layers: int
    kernel: int
    symbols: tuple[str, ...]
    add_blank: bool  # a 0 before, between and after all symbols
    speakers: int  # rows of the speaker table
    styles: dict[str, int]  # names of some of them

    @classmethod
    def parsed(cls, values: object) -> SynthesizerConfig:
        """Of the decoded config.json; refused with UnfitConfig."""
        config = Section(values)
        data, model = config.section("data"), config.section("model")
        sound = SoundSizes.parsed(data)
        speakers = data.whole("n_speakers", 0, TABLE)
        if not speakers:
            raise UnfitConfig("config.json: data: n_speakers is 0: a converter's")
        return cls(
            sound=sound,
            decoder=DecoderSizes.parsed(model, sound.hop),
            channels=model.halved("inter_channels"),
            hidden=model.shared("hidden_channels", "n_heads"),
            gin=model.whole("gin_channels", 1, WIDEST),
            filters=model.whole("filter_channels", 1, WIDEST),
            heads=model.whole("n_heads", 1, DEEPEST),
            layers=model.whole("n_layers", 1, DEEPEST),
            kernel=model.whole("kernel_size", 1, KERNELS),
            symbols=config.words("symbols"),
            add_blank=data.flag("add_blank", default=True),
            speakers=speakers,
            styles=config.numbered("speakers", speakers - 1),
        )
