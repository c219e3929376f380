"""Toolchains: which configured models fill which role, and what is said of those that nothing fills."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs
import pytest

from catalog import Catalog
from errors import InvalidInput, NotFound
from pipelines.restoration import Rebuilding
from runners.handle import RunnerHandle
from runners.roles import Toolchain, tag
from settings import parse
from tasks import Capability, Card, Voice

FAKES = "tests.fakes:"
REPAIR = Toolchain(analyser=(f"{FAKES}Analyses",), vocoder=(f"{FAKES}Vocodes",))
DUO = Toolchain((f"{FAKES}Speaks",), (f"{FAKES}Embeds", f"{FAKES}Masks"), (f"{FAKES}Converts",))


@attrs.frozen
class Answering:
    """Stands in for a runner's service; remembers whether its card was asked for."""

    offers: Card
    asked: list[int] = attrs.Factory(list)

    async def card(self) -> Card:
        self.asked.append(1)
        return self.offers


def catalog_of(
    *entries: Mapping[str, str],
    cards: Mapping[str, Card] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Catalog:
    configs = [
        {"model": "none", **entry, "model_type": FAKES + entry["model_type"]} for entry in entries
    ]
    settings = parse({"model_configs": configs, "aliases": aliases or {}})
    services = {c["name"]: Answering((cards or {}).get(c["name"], Card())) for c in configs}
    handles = {name: RunnerHandle(name, service) for name, service in services.items()}
    return Catalog(settings, handles, {"duo": DUO, "repair": REPAIR})


ANN = {"name": "ann", "model_type": "Speaks", "language": "EN"}
JIN = {"name": "jin", "model_type": "Speaks", "language": "JP"}
NOSE = {"name": "nose", "model_type": "Embeds"}
MASK = {"name": "mask", "model_type": "Converts"}
HEARER = {"name": "hearer", "model_type": "Analyses"}
SINGER = {"name": "singer", "model_type": "Vocodes"}
CLEANER = {"name": "cleaner", "model_type": "Restores"}
CARDS = {
    "ann": Card(("en",), (Voice("default", "en"), Voice("sad", "en")), "default"),
    "jin": Card(("ja",), (Voice("default", "ja"), Voice("calm", "ja")), "default"),
}


def spoken_by(catalog: Catalog, language: str | None, voice: str | None) -> str:
    return asyncio.run(catalog.speaking("duo", language, voice))


@pytest.mark.parametrize(
    ("entries", "does"),
    [
        ([ANN, NOSE, MASK], [Capability.SPEAK, Capability.EMBED, Capability.CONVERT]),
        ([NOSE, MASK], [Capability.EMBED, Capability.CONVERT]),
        ([NOSE], [Capability.EMBED]),
        ([ANN, MASK], []),
        ([ANN], []),
    ],
)
def test_a_toolchain_does_what_its_roles_allow(
    entries: list[dict[str, str]], does: list[Capability]
) -> None:
    catalog = catalog_of(*entries)
    assert [c for c in Capability if "duo" in catalog.toolchains(c)] == does
    assert ("duo" in catalog.names()) == bool(does)
    if does:
        assert {entry.name for entry in catalog.parts("duo")} == {e["name"] for e in entries}


@pytest.mark.parametrize(
    ("language", "voice", "name"),
    [
        (None, None, "ann"),
        ("EN", None, "ann"),
        ("en-GB", None, "ann"),
        ("JP", None, "jin"),
        ("ja-JP", "default", "jin"),
        (None, "calm", "jin"),
        (None, "default", "ann"),
    ],
)
def test_who_speaks_is_chosen_by_language_and_voice(
    language: str | None, voice: str | None, name: str
) -> None:
    assert spoken_by(catalog_of(ANN, JIN, NOSE, MASK, cards=CARDS), language, voice) == name


def test_a_language_is_chosen_without_waking_a_model() -> None:
    catalog = catalog_of(ANN, JIN, NOSE, MASK)
    assert spoken_by(catalog, "JP", None) == "jin"
    services = [entry.handle._wire._service for entry in catalog.entries]
    assert not any(service.asked for service in services)


@pytest.mark.parametrize(
    ("language", "voice", "param", "says"),
    [
        ("fr", None, "language", "EN, JP"),
        ("EN", "calm", "voice", "sad"),
        (None, "x", "voice", "sad"),
    ],
)
def test_a_language_or_a_voice_that_nobody_has_is_refused(
    language: str | None, voice: str | None, param: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        spoken_by(catalog_of(ANN, JIN, NOSE, MASK, cards=CARDS), language, voice)
    assert refused.value.param == param


def test_what_is_missing_is_named_with_its_model_types() -> None:
    catalog = catalog_of(ANN, MASK)
    with pytest.raises(
        NotFound, match=r"encoder \(model_type tests.fakes:Embeds or tests.fakes:Masks\)"
    ):
        spoken_by(catalog, None, None)
    with pytest.raises(NotFound, match="synthesizer"):
        spoken_by(catalog_of(NOSE, MASK), None, None)


def test_an_encoder_is_found_by_its_family_where_no_toolchain_knows_it() -> None:
    cards = {"nose": Card(space="other"), "ear": Card(space="wax"), "mask": Card(space="wax")}
    entries = [NOSE, {"name": "ear", "model_type": "Embeds"}, MASK]
    settings = parse(
        {
            "model_configs": [
                {**e, "model": "m", "model_type": FAKES + e["model_type"]} for e in entries
            ]
        }
    )
    handles = {name: RunnerHandle(name, Answering(card)) for name, card in cards.items()}
    chain = asyncio.run(Catalog(settings, handles, {}).chain("mask"))
    assert chain.encoder is handles["ear"]
    cards["ear"] = Card(space="honey")
    handles = {name: RunnerHandle(name, Answering(card)) for name, card in cards.items()}
    assert asyncio.run(Catalog(settings, handles, {}).chain("mask")).encoder is None


def test_an_entry_s_name_hides_a_toolchain_s() -> None:
    catalog = catalog_of({**ANN, "name": "duo"}, NOSE, MASK)
    assert catalog.find("duo").settings.name == "duo"
    assert catalog.names().count("duo") == 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("EN", "en"),
        ("en-US", "en"),
        ("zh_CN", "zh"),
        ("JP", "ja"),
        ("KR", "ko"),
        ("ZH_MIX_EN", "zh"),
    ],
)
def test_languages_are_known_however_they_are_written(given: str, meant: str) -> None:
    assert tag(given) == meant


# What restores


def test_two_that_restore_together_are_listed_as_soon_as_both_are_there() -> None:
    catalog = catalog_of(HEARER, SINGER)
    assert catalog.toolchains(Capability.RESTORE) == ["repair"]
    assert catalog.capable("repair") == (Capability.RESTORE,)
    assert [entry.name for entry in catalog.parts("repair")] == ["hearer", "singer"]
    assert "repair" not in catalog_of(HEARER, CLEANER).names()


def test_what_restores_is_found_by_its_name() -> None:
    catalog = catalog_of(HEARER, SINGER, CLEANER, aliases={"clean": "cleaner"})
    pair = catalog.restorer("repair")
    assert isinstance(pair, Rebuilding)
    handles = {entry.name: entry.handle for entry in catalog.entries}
    assert (pair.analyser, pair.vocoder) == (handles["hearer"], handles["singer"])
    assert catalog.restorer("cleaner") is catalog.restorer("clean") is handles["cleaner"]


@pytest.mark.parametrize(
    ("model", "error"),
    [("hearer", InvalidInput), ("singer", InvalidInput), ("duo", InvalidInput), ("x", NotFound)],
)
def test_what_does_not_restore_is_told_what_does(model: str, error: type[Exception]) -> None:
    catalog = catalog_of(ANN, NOSE, MASK, HEARER, SINGER, CLEANER, aliases={"clean": "cleaner"})
    with pytest.raises(error, match=r"cleaner.*repair") as refused:
        catalog.restorer(model)
    assert getattr(refused.value, "param", None) == "model"


def test_half_of_what_restores_together_is_told_what_is_missing() -> None:
    for use in (Catalog.restorer, Catalog.find):
        with pytest.raises(NotFound, match=r"vocoder \(model_type tests.fakes:Vocodes\)"):
            use(catalog_of(HEARER), "repair")


def test_a_toolchain_is_not_asked_for_what_it_was_never_made_for() -> None:
    catalog = catalog_of(ANN, NOSE, MASK, HEARER, SINGER)
    with pytest.raises(InvalidInput, match=r"cannot convert\. These can: mask, duo"):
        catalog.converting("repair")
    with pytest.raises(InvalidInput, match=r"cannot embed\. These can: nose, duo"):
        catalog.embedding("repair")
    with pytest.raises(InvalidInput, match=r"is a toolchain.*hearer, singer"):
        catalog.find("repair")
