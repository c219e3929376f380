"""THE registry: which class hosts a model type, and which runners a request's `model` means.

To add a family: one module in `runners/`, one line in RUNNERS, its requirement. A family that lives
outside of this bundle is named in the configuration instead, as `package.module:Class` or
`./file.py:Class` (docs/adding-a-model.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from errors import Failed, InvalidInput, NotFound, SettingsError, SpeechError
from pipelines.composing import Stages
from pipelines.conversion import Chain
from pipelines.embedding import Listeners
from pipelines.restoration import Rebuilding
from pipelines.voice_memory import VoiceMemory
from runners.admission import Door
from runners.base import Converter, Detector, Embedder, Model, Restorer, Synthesizer, Transcriber
from runners.foreign import class_at
from runners.handle import RunnerHandle
from runners.harmony import HarmonySpeechSynthesizer, HarmonySpeechVocoder
from runners.harmony_encoder import HarmonySpeechEncoder
from runners.knobs import checked
from runners.kokoro import Kokoro
from runners.melo import MeloTTS
from runners.openvoice import OpenVoiceV1Synthesizer
from runners.openvoice_tone import (
    OpenVoiceV1ToneConverter,
    OpenVoiceV1ToneConverterEncoder,
    OpenVoiceV2ToneConverter,
    OpenVoiceV2ToneConverterEncoder,
)
from runners.piper import Piper
from runners.rnnoise import RNNoise
from runners.roles import Entry, Toolchain, Toolchains
from runners.silero import SileroVAD
from runners.voicefixer import VoiceFixerRestorer, VoiceFixerVocoder
from runners.whisper import FasterWhisper
from settings import RunnerSettings, Settings, options_of
from tasks import Capability, Card, Finding

# What a request's `input_vad_mode` may say: the families that users of Harmony Speech Engine know by name.
FINDINGS: Mapping[str, Finding] = {
    "silero": Finding.DETECTOR,
    "silero-vad": Finding.DETECTOR,
    "vad": Finding.DETECTOR,
    "whisper": Finding.RECOGNISER,
    "faster-whisper": Finding.RECOGNISER,
}

RUNNERS: Mapping[str, type[Model]] = {
    "FasterWhisper": FasterWhisper,
    "HarmonySpeechEncoder": HarmonySpeechEncoder,
    "HarmonySpeechSynthesizer": HarmonySpeechSynthesizer,
    "HarmonySpeechVocoder": HarmonySpeechVocoder,
    "Kokoro": Kokoro,
    "MeloTTSSynthesizer": MeloTTS,
    "OpenVoiceV1Synthesizer": OpenVoiceV1Synthesizer,
    "OpenVoiceV1ToneConverter": OpenVoiceV1ToneConverter,
    "OpenVoiceV1ToneConverterEncoder": OpenVoiceV1ToneConverterEncoder,
    "OpenVoiceV2ToneConverter": OpenVoiceV2ToneConverter,
    "OpenVoiceV2ToneConverterEncoder": OpenVoiceV2ToneConverterEncoder,
    "Piper": Piper,
    "RNNoise": RNNoise,
    "SileroVAD": SileroVAD,
    "VoiceFixerRestorer": VoiceFixerRestorer,
    "VoiceFixerVocoder": VoiceFixerVocoder,
}

# Types whose weights are a part of another's, which can do all that they can: see `runners/lodgings.py`.
PART_OF: Mapping[str, str] = {
    "OpenVoiceV1ToneConverterEncoder": "OpenVoiceV1ToneConverter",
    "OpenVoiceV2ToneConverterEncoder": "OpenVoiceV2ToneConverter",
}


TOOLCHAINS: Mapping[str, Toolchain] = {
    "harmonyspeech": Toolchain(
        composer=("HarmonySpeechSynthesizer",),
        encoder=("HarmonySpeechEncoder",),
        vocoder=("HarmonySpeechVocoder",),
    ),
    "openvoice_v1": Toolchain(
        synthesizer=("OpenVoiceV1Synthesizer",),
        encoder=("OpenVoiceV1ToneConverterEncoder", "OpenVoiceV1ToneConverter"),
        converter=("OpenVoiceV1ToneConverter",),
    ),
    "openvoice_v2": Toolchain(
        synthesizer=("MeloTTSSynthesizer",),
        encoder=("OpenVoiceV2ToneConverterEncoder", "OpenVoiceV2ToneConverter"),
        converter=("OpenVoiceV2ToneConverter",),
    ),
    "voicefixer": Toolchain(analyser=("VoiceFixerRestorer",), vocoder=("VoiceFixerVocoder",)),
}


def model_class(settings: RunnerSettings) -> type[Model]:
    """The class that hosts an entry of the configuration, whose options it has checked."""
    found = _named(settings)
    if not {"capabilities", "options"} <= set(dir(found)):
        raise SettingsError(f"{settings.name}: {settings.model_type} is no runner class")
    options_of(found.options, settings)
    return found


def _named(settings: RunnerSettings) -> type[Model]:
    name = settings.model_type
    if name in RUNNERS:
        return RUNNERS[name]
    module_name, colon, class_name = name.rpartition(":")
    if not colon:
        raise SettingsError(
            f"{settings.name}: unknown model_type {name}; known are {', '.join(sorted(RUNNERS))}, "
            "or package.module:Class, or ./file.py:Class"
        )
    return class_at(module_name, class_name, settings.name)


class Catalog:
    """The configured runners, found by what requests call them."""

    def __init__(
        self,
        settings: Settings,
        handles: Mapping[str, RunnerHandle],
        toolchains: Mapping[str, Toolchain] = TOOLCHAINS,
    ) -> None:
        self._aliases = settings.aliases
        self._voice_aliases = settings.voice_aliases
        self._entries = {
            entry.name: Entry(
                entry, model_class(entry).capabilities, handles[entry.name], Door(entry)
            )
            for entry in settings.model_configs
        }
        # An alias hides a toolchain as an entry does.
        own = {name: chain for name, chain in toolchains.items() if name not in settings.aliases}
        self._toolchains = Toolchains(own, self._entries)
        for entry in self._entries.values():
            self._check_fallback(entry)
        transcribers = self.able_to(Capability.TRANSCRIBE)
        self.listeners = Listeners(
            self.any_detector(),
            self._entries[transcribers[0]].handle if transcribers else None,
            VoiceMemory(settings.api.remembered_voices),
        )

    @property
    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    @property
    def aliases(self) -> Mapping[str, str]:
        return self._aliases

    def synthesizer(self, model: str) -> Synthesizer:
        return self._entry(model, Capability.SPEAK).handle

    async def card_of_speaker(self, model: str) -> Card:
        """What who speaks says of itself: a model by itself, or the composer of a toolchain."""
        return await self._speaker(model).handle.card()

    def composes(self, speaker: str) -> bool:
        """Whether who speaks makes features, of which a vocoder makes the sound."""
        return Capability.SPEAK not in self._speaker(speaker).capabilities

    def vocoding(self, toolchain: str) -> str:
        """The configured vocoder of a toolchain."""
        return self._toolchains.vocoder(toolchain).name

    async def stages(self, toolchain: str, composer: str, vocoder: str) -> Stages:
        """A composer and a vocoder of a toolchain, and what makes voices for them."""
        encoder = await self._toolchains.encoder(toolchain)
        return Stages(
            composer=self._entry(composer, Capability.COMPOSE).handle,
            vocoder=self._entry(vocoder, Capability.VOCODE).handle,
            encoder=encoder.handle,
            listeners=self.listeners,
        )

    def transcriber(self, model: str) -> Transcriber:
        return self._entry(model, Capability.TRANSCRIBE).handle

    def detector(self, model: str | None = None) -> Detector:
        """The named detector, or the first that is configured."""
        return self._entry(model or self.first(Capability.DETECT), Capability.DETECT).handle

    def any_detector(self) -> Detector | None:
        able = self.able_to(Capability.DETECT)
        return self._entries[able[0]].handle if able else None

    def embedder(self, model: str) -> Embedder:
        return self._entry(model, Capability.EMBED).handle

    async def speaker_encoder(self, param: str = "response_format") -> str:
        """The first whose voices tell speakers apart, as `param` asks: a tone for a converter hardly does.

        Only a model that was loaded once can say so. One that cannot be asked is passed over.
        """
        problem: SpeechError | None = None
        for name in self.able_to(Capability.EMBED):
            try:
                if (await self._entries[name].handle.card()).same_speaker is not None:
                    return name
            except SpeechError as error:
                problem = problem or error
        raise problem or InvalidInput(
            "Telling speakers apart needs a speaker encoder, and no configured one is made for that: "
            "add an entry to model_configs whose model_type says which voices are of one speaker.",
            param=param,
        )

    def converter(self, model: str) -> Converter:
        return self._entry(model, Capability.CONVERT).handle

    def is_toolchain(self, model: str) -> bool:
        """Whether a name means models that work together, and can."""
        return bool(self._toolchains.do(model))

    def capable(self, model: str) -> tuple[Capability, ...]:
        """What a model, an alias or a toolchain can do."""
        return self._toolchains.do(model) or self.find(model).capabilities

    def parts(self, model: str) -> tuple[Entry, ...]:
        """The entries that a name stands for: one, or all of a toolchain."""
        return self._toolchains.parts(model) or (self.find(model),)

    async def speaking(self, model: str, language: str | None, voice: str | None) -> str:
        """The configured model that speaks for a name; of a toolchain's, by the language and the voice."""
        if not self._toolchains.knows(model):
            self._entry(model, Capability.SPEAK)
            return model
        able = await self._toolchains.speakers(model, language)
        refusal: InvalidInput | None = None
        for entry in able:
            try:
                await self.voice(entry.settings.name, voice)
                return entry.settings.name
            except InvalidInput as error:
                refusal = refusal or error
        raise refusal or Failed(f"the toolchain {model} has nobody to speak")

    def converting(self, model: str, param: str = "model") -> str:
        """The configured converter that a name means: its own, or a toolchain's."""
        if self._toolchains.knows(model):
            return self._toolchains.converter(model).name
        return self._asked(model, Capability.CONVERT, "converts no voices", param).name

    def restorer(self, model: str, param: str = "model") -> Restorer | Rebuilding:
        """What restores for a name: a model by itself, or a toolchain's two."""
        if self._toolchains.knows(model):
            analyser, vocoder = self._toolchains.rebuilders(model)
            return Rebuilding(analyser.handle, vocoder.handle)
        return self._asked(model, Capability.RESTORE, "restores nothing by itself", param).handle

    def first_restorer(self) -> str:
        """The model or toolchain that restores for a request which names none."""
        models = self.able_to(Capability.RESTORE) or self.toolchains(Capability.RESTORE)
        return models[0] if models else self.first(Capability.RESTORE)

    async def embedding(self, model: str) -> str:
        """The model that embeds for a name: a toolchain's encoder, or what the name means itself."""
        if self._toolchains.knows(model):
            return (await self._toolchains.encoder(model)).name
        return model

    async def chain(self, converter: str) -> Chain:
        """A converter, and what makes embeddings for it."""
        entry = self._entry(converter, Capability.CONVERT)
        encoder = await self._toolchains.encoder_for(entry)
        return Chain(
            converter=entry.handle,
            encoder=encoder.handle if encoder else None,
            listeners=self.listeners,
            seed=entry.settings.seed,
        )

    def toolchains(self, capability: Capability) -> list[str]:
        """The toolchains that can do it."""
        return [n for n in self._toolchains.names() if capability in self._toolchains.do(n)]

    def able_names(self, capability: Capability) -> list[str]:
        """All names that can do it: models, aliases, toolchains."""
        return [name for name in self.names() if capability in self.capable(name)]

    def able_to(self, capability: Capability) -> list[str]:
        """The configured models that can do it."""
        return [name for name, e in self._entries.items() if capability in e.capabilities]

    def first(self, capability: Capability) -> str:
        """The model that serves a request which names none: the first configured one."""
        able = self.able_to(capability)
        if not able:
            raise NotFound(
                f"No configured model can {capability.value}: add one that can to model_configs.",
                code="model_not_found",
            )
        return able[0]

    def find(self, model: str) -> Entry:
        """The runner behind a configured name or an alias."""
        name = self._aliases.get(model, model)
        self._toolchains.refuse_as_one(name)
        if name not in self._entries:
            raise NotFound(
                f"The model '{model}' does not exist here. Available: {', '.join(self.names())}.",
                param="model",
                code="model_not_found",
            )
        return self._entries[name]

    def fallback(self, model: str) -> str | None:
        """The model that serves while this one cannot."""
        return self.find(model).settings.fallback

    def names(self) -> list[str]:
        return [*self._entries, *self._aliases, *self._toolchains.names()]

    async def voice(self, model: str, voice: str | None) -> str | None:
        """The model's own name of a voice; an alias means the first of its choices the model has."""
        if voice is None:
            return None
        names = [offered.name for offered in (await self.card_of_speaker(model)).voices]
        # Releases of one family spell a voice in different ways: EN_INDIA, EN-INDIA.
        same = {_plain(name): name for name in names} | {name: name for name in names}
        if found := same.get(voice) or same.get(_plain(voice)):
            return found
        for choice in self._voice_aliases.get(voice, ()):
            if choice in names:
                return choice
        aliases = [a for a, choices in self._voice_aliases.items() if set(choices) & set(names)]
        known = ", ".join([*names, *sorted(aliases)])
        raise InvalidInput(
            f"The model '{model}' has no voice '{voice}'"
            + (f". It has: {known}." if known else ", nor any other by a name: leave 'voice' out."),
            param="voice",
            code="voice_not_found",
        )

    async def options(
        self, model: str, asked: Mapping[str, float], param: str = "options"
    ) -> Mapping[str, float]:
        """What a request sets of a model's knobs, checked."""
        if not asked:
            return {}
        return checked(asked, (await self.card_of_speaker(model)).knobs, model, param)

    def _check_fallback(self, entry: Entry) -> None:
        name = entry.settings.fallback
        if name and not set(entry.capabilities) <= set(self._entries[name].capabilities):
            raise SettingsError(f"{entry.settings.name}: fallback {name} cannot do the same")

    def _asked(self, model: str, capability: Capability, lacks: str, param: str) -> Entry:
        """The entry that does it for a name in a field of the request."""
        try:
            return self._entry(model, capability)
        except (InvalidInput, NotFound) as error:
            able = ", ".join(self.able_names(capability)) or "none of those configured"
            raise type(error)(
                f"The model '{model}' {lacks}. These do: {able}.", param=param, code=error.code
            ) from error

    def _speaker(self, model: str) -> Entry:
        entry = self.find(model)
        return (
            entry
            if Capability.COMPOSE in entry.capabilities
            else self._entry(model, Capability.SPEAK)
        )

    def _entry(self, model: str, capability: Capability) -> Entry:
        entry = self.find(model)
        if capability not in entry.capabilities:
            if whole := self._toolchains.with_part(entry, capability):
                raise InvalidInput(
                    f"The model '{model}' cannot {capability.value} by itself: it is a part of "
                    f"{' and '.join(whole)}, which can.",
                    param="model",
                )
            able = ", ".join(self.able_to(capability)) or "none of those configured"
            raise InvalidInput(
                f"The model '{model}' cannot {capability.value}. These can: {able}.", param="model"
            )
        return entry


def _plain(voice: str) -> str:
    return voice.lower().replace("_", "-")
