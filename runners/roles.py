"""Which configured runners work together under one name, each in its role. Knows no family by name."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from errors import InvalidInput, NotFound
from runners.admission import Door
from runners.handle import RunnerHandle
from settings import RunnerSettings
from tasks import Capability

Roles = tuple[str, ...]

# What a toolchain does, and the roles that it takes, first who has the languages. There are several ways to
# do some things: a toolchain goes the first one that it has all the roles of.
WAYS: Mapping[Capability, tuple[Roles, ...]] = {
    Capability.SPEAK: (("synthesizer", "encoder", "converter"), ("composer", "encoder", "vocoder")),
    Capability.CONVERT: (("encoder", "converter"),),
    # Who composes says which voices it can speak in, so an encoder alone does not tell whether it is the one.
    Capability.EMBED: (("composer", "encoder"), ("encoder",)),
    Capability.RESTORE: (("analyser", "vocoder"),),
}
# Tags in use at Harmony Speech Engine that are countries' rather than languages'.
COUNTRIES = {"jp": "ja", "kr": "ko", "cn": "zh"}


@attrs.frozen
class Entry:
    """A configured runner, as the public service knows it."""

    settings: RunnerSettings
    capabilities: tuple[Capability, ...]
    handle: RunnerHandle
    door: Door

    @property
    def name(self) -> str:
        return self.settings.name


@attrs.frozen
class Toolchain:
    """Model types that work together under one name: for each role it has, those that can fill it."""

    synthesizer: tuple[str, ...] = ()
    encoder: tuple[str, ...] = ()
    converter: tuple[str, ...] = ()
    analyser: tuple[str, ...] = ()
    composer: tuple[str, ...] = ()
    vocoder: tuple[str, ...] = ()

    def types(self, role: str) -> tuple[str, ...]:
        found: tuple[str, ...] = attrs.asdict(self, recurse=False)[role]
        return found

    @property
    def purposes(self) -> tuple[Capability, ...]:
        """What it can do with all of its roles filled; last what takes the fewest."""
        able = [capability for capability in WAYS if self.roles(capability)]
        return tuple(sorted(able, key=lambda capability: -len(self.roles(capability))))

    def roles(self, capability: Capability) -> Roles:
        """The roles that it takes to do this; none if that is not what it is for."""
        ways = (way for way in WAYS[capability] if all(map(self.types, way)))
        return next(ways, ())


class Toolchains:
    """The toolchains, with what is configured for their roles. An entry's name hides a toolchain's."""

    def __init__(self, known: Mapping[str, Toolchain], entries: Mapping[str, Entry]) -> None:
        self._known = {name: chain for name, chain in known.items() if name not in entries}
        self._entries = entries
        self._by_type: dict[str, list[Entry]] = {}
        for entry in entries.values():
            self._by_type.setdefault(entry.settings.model_type, []).append(entry)

    def knows(self, name: str) -> bool:
        return name in self._known

    def names(self) -> list[str]:
        """Those that can do anything."""
        return [name for name in self._known if self.do(name)]

    def do(self, name: str) -> tuple[Capability, ...]:
        """What a toolchain can do with what is configured; nothing if there is none of this name."""
        return tuple(
            capability
            for capability in WAYS
            if name in self._known
            and self._known[name].roles(capability)
            and not self._missing(name, capability)
        )

    def parts(self, name: str) -> tuple[Entry, ...]:
        """All entries in the roles of a toolchain that can do anything."""
        roles = [role for c in self.do(name) for role in self._known[name].roles(c)]
        return tuple({e.name: e for role in roles for e in self._in(name, role)}.values())

    async def speakers(self, name: str, language: str | None) -> list[Entry]:
        """Who speaks a language in a toolchain: its synthesizers or its composers."""
        self._check(name, Capability.SPEAK)
        role, *_ = self._known[name].roles(Capability.SPEAK)
        offered = [(entry, await _languages(entry)) for entry in self._in(name, role)]
        able = [
            entry
            for entry, spoken in offered
            if language is None or tag(language) in map(tag, spoken)
        ]
        if not able:
            known = ", ".join(dict.fromkeys(one for _, spoken in offered for one in spoken))
            raise InvalidInput(
                f"Invalid language '{language}': the toolchain '{name}' speaks {known}.",
                param="language",
            )
        return able

    def converter(self, name: str) -> Entry:
        """The converter of a toolchain."""
        self._check(name, Capability.CONVERT)
        return self._in(name, "converter")[0]

    async def encoder(self, name: str) -> Entry:
        """The encoder of a toolchain; where one composes, an encoder of voices that it can speak in."""
        self._check(name, Capability.EMBED)
        able = self._in(name, "encoder")
        composer = next(iter(self._in(name, "composer")), None)
        if composer is None or able[0].settings.source == composer.settings.source:
            return able[0]
        space = (await composer.handle.card()).space
        for entry in able:
            if (await entry.handle.card()).space == space:
                return entry
        raise NotFound(
            f"The toolchain '{name}' has no encoder of voices that {composer.name} can speak in, which are "
            f"those of '{space}': {', '.join(entry.name for entry in able)} makes others.",
            param="model",
            code="model_not_found",
        )

    def vocoder(self, name: str) -> Entry:
        """What makes the sound of what a toolchain's composer says."""
        self._check(name, Capability.SPEAK)
        return self._in(name, "vocoder")[0]

    def rebuilders(self, name: str) -> tuple[Entry, Entry]:
        """The analyser and the vocoder of a toolchain."""
        self._check(name, Capability.RESTORE)
        return self._in(name, "analyser")[0], self._in(name, "vocoder")[0]

    async def encoder_for(self, converter: Entry) -> Entry | None:
        """What makes embeddings that a converter takes, if anything configured does."""
        if Capability.EMBED in converter.capabilities:
            return converter
        for chain in self._known.values():
            found = self._of_types(chain.encoder)
            if found and converter.settings.model_type in chain.converter:
                return found[0]
        # Families of which nothing is known here say it themselves.
        space = (await converter.handle.card()).space
        able = [e for e in self._entries.values() if Capability.EMBED in e.capabilities]
        for entry in able if space else ():
            if (await entry.handle.card()).space == space:
                return entry
        return None

    def refuse_as_one(self, name: str) -> None:
        """Refuse a toolchain's name where one model is meant, or for what is not configured of it."""
        if name not in self._known:
            return
        if not self.do(name):
            self._check(name, self._known[name].purposes[-1])
        raise InvalidInput(
            f"'{name}' is a toolchain, and this takes one of its models: "
            f"{', '.join(entry.name for entry in self.parts(name))}.",
            param="model",
        )

    def with_part(self, entry: Entry, capability: Capability) -> list[str]:
        """The toolchains that do it with the help of an entry."""
        return [
            name
            for name, chain in self._known.items()
            if capability in self.do(name)
            and any(entry in self._in(name, role) for role in chain.roles(capability))
        ]

    def _check(self, name: str, capability: Capability) -> None:
        if capability not in self._known[name].purposes:
            able = [e.name for e in self._entries.values() if capability in e.capabilities]
            able += [other for other in self.names() if capability in self.do(other)]
            raise InvalidInput(
                f"The toolchain '{name}' cannot {capability.value}. "
                f"These can: {', '.join(able) or 'none of those configured'}.",
                param="model",
            )
        if missing := self._missing(name, capability):
            chain = self._known[name]
            lacks = [f"{role} (model_type {' or '.join(chain.types(role))})" for role in missing]
            available = ", ".join([*self._entries, *self.names()])
            raise NotFound(
                f"The toolchain '{name}' cannot {capability.value} here: model_configs has no entry for "
                f"its {' and its '.join(lacks)}. Available: {available}.",
                param="model",
                code="model_not_found",
            )

    def _missing(self, name: str, capability: Capability) -> list[str]:
        roles = self._known[name].roles(capability)
        return [role for role in roles if not self._in(name, role)]

    def _in(self, name: str, role: str) -> tuple[Entry, ...]:
        found = self._of_types(self._known[name].types(role))
        if role != "encoder":
            return found
        # An encoder's family may come with several sets of weights, whose voices mean nothing to each other.
        own = {one.settings.source for one in self._of_types(self._known[name].composer)}
        return tuple(entry for entry in found if entry.settings.source in own) or found

    def _of_types(self, types: tuple[str, ...]) -> tuple[Entry, ...]:
        """The configured entries of these types, those of the first type first."""
        return tuple(entry for kind in types for entry in self._by_type.get(kind, ()))


def tag(language: str) -> str:
    """The language in a tag, however it is written: EN, en-US, ZH_MIX_EN, JP."""
    primary = language.lower().replace("_", "-").partition("-")[0]
    return COUNTRIES.get(primary, primary)


async def _languages(entry: Entry) -> tuple[str, ...]:
    """What an entry speaks, by its configuration where that says so: asking may load a model."""
    if entry.settings.language:
        return (entry.settings.language,)
    return (await entry.handle.card()).languages
