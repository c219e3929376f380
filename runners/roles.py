"""Which configured runners work together under one name, each in its role. Knows no family by name."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from errors import InvalidInput, NotFound
from runners.admission import Door
from runners.handle import RunnerHandle
from settings import RunnerSettings
from tasks import Capability

# What a toolchain does, and the roles that it takes.
ROLES: Mapping[Capability, tuple[str, ...]] = {
    Capability.SPEAK: ("synthesizer", "encoder", "converter"),
    Capability.CONVERT: ("encoder", "converter"),
    Capability.EMBED: ("encoder",),
    Capability.RESTORE: ("analyser", "vocoder"),
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
    vocoder: tuple[str, ...] = ()

    def types(self, role: str) -> tuple[str, ...]:
        found: tuple[str, ...] = attrs.asdict(self, recurse=False)[role]
        return found

    @property
    def purposes(self) -> tuple[Capability, ...]:
        """What it can do with all of its roles filled; last what takes the fewest."""
        able = [c for c, roles in ROLES.items() if all(map(self.types, roles))]
        return tuple(sorted(able, key=lambda capability: -len(ROLES[capability])))


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
            for capability in ROLES
            if name in self._known and not self._missing(name, capability)
        )

    def parts(self, name: str) -> tuple[Entry, ...]:
        """All entries in the roles of a toolchain that can do anything."""
        roles = [role for capability in self.do(name) for role in ROLES[capability]]
        return tuple({e.name: e for role in roles for e in self._in(name, role)}.values())

    async def speakers(self, name: str, language: str | None) -> list[Entry]:
        """A toolchain's synthesizers of a language."""
        self._check(name, Capability.SPEAK)
        offered = [(entry, await _languages(entry)) for entry in self._in(name, "synthesizer")]
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

    def encoder(self, name: str) -> Entry:
        """The encoder of a toolchain."""
        self._check(name, Capability.EMBED)
        return self._in(name, "encoder")[0]

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
        return [role for role in ROLES[capability] if not self._in(name, role)]

    def _in(self, name: str, role: str) -> tuple[Entry, ...]:
        return self._of_types(self._known[name].types(role))

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
