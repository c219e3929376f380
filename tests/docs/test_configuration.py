"""docs/configuration.md names every key, with its true default and an example that loads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import catalog
import settings
from callers import KeySettings
from runners import (
    harmony,
    harmony_encoder,
    kokoro,
    melo,
    openvoice,
    openvoice_tone,
    piper,
    rnnoise,
    silero,
    voicefixer,
    whisper,
)
from settings import RunnerSettings, Settings
from tests.docs.blocks import BUNDLE, PAGES, blocks

PAGE = BUNDLE / "docs" / "configuration.md"
MODEL = {"name": "example", "model": "silero-vad", "model_type": "SileroVAD"}
OPTIONS: Mapping[str, type[attrs.AttrsInstance]] = {
    "FasterWhisper": whisper.Options,
    "HarmonySpeechEncoder": harmony_encoder.Options,
    "HarmonySpeechSynthesizer": harmony.Options,
    "HarmonySpeechVocoder": harmony.Options,
    "Kokoro": kokoro.Options,
    "MeloTTSSynthesizer": melo.Options,
    "OpenVoiceV1Synthesizer": openvoice.Options,
    "OpenVoiceV1ToneConverter": openvoice_tone.Options,
    "OpenVoiceV1ToneConverterEncoder": openvoice_tone.NoOptions,
    "OpenVoiceV2ToneConverter": openvoice_tone.Options,
    "OpenVoiceV2ToneConverterEncoder": openvoice_tone.NoOptions,
    "Piper": piper.Options,
    "RNNoise": rnnoise.NoOptions,
    "SileroVAD": silero.Thresholds,
    "VoiceFixerRestorer": voicefixer.Options,
    "VoiceFixerVocoder": voicefixer.Options,
}

Row = Mapping[str, str]


def rows(first: str, text: str) -> Iterator[Row]:
    """The rows of every table whose first column has this title."""
    for table in re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        header = text[: text.index(table)].splitlines()[-2]
        names = [cell.strip() for cell in header.strip("|").split("|")]
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield dict(zip(names, cells, strict=True))


def bare(cell: str) -> str:
    assert cell[0] == cell[-1] == "`", cell
    return cell[1:-1]


def leaves(kind: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key below a settings class, dotted, with what is declared for it."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


def nested(path: str, value: Any) -> dict[str, Any]:
    head, dot, rest = path.partition(".")
    return {head: nested(rest, value) if dot else value}


def whole(tree: Any) -> Any:
    """The tree of a file made of a part of it: an entry, or some keys of the top level."""
    if isinstance(tree, dict) and tree.keys() <= Settings.model_fields.keys():
        named = tree.get("aliases", {}).values() or ["example"]
        return {"model_configs": [{**MODEL, "name": name} for name in named], **tree}
    if isinstance(tree, dict):
        others = [{**MODEL, "name": tree["fallback"]}] if "fallback" in tree else []
        return {"model_configs": [{**MODEL, **tree}, *others]}
    return {"model_configs": tree}


TEXT = PAGE.read_text(encoding="utf-8")
DECLARED = dict(leaves(Settings)) | dict(leaves(RunnerSettings))
KEYS = list(rows("key", TEXT))


def test_every_key_has_one_row_and_every_row_is_a_key() -> None:
    assert sorted(bare(row["key"]) for row in KEYS) == sorted(DECLARED)


@pytest.mark.parametrize("row", KEYS, ids=lambda row: row["key"])
def test_the_default_of_a_key_is_the_one_in_the_table(row: Row) -> None:
    field = DECLARED[bare(row["key"])]
    if field.is_required():
        assert row["default"] == "required"
    else:
        default = field.get_default(call_default_factory=True)
        written = yaml.safe_load(bare(row["default"]))
        assert written == (list(default) if isinstance(default, tuple) else default)


@pytest.mark.parametrize("row", KEYS, ids=lambda row: row["key"])
def test_the_example_of_a_key_loads(row: Row) -> None:
    tree = nested(bare(row["key"]), yaml.safe_load(bare(row["example"])))
    settings.parse(whole(tree))


def test_every_key_of_an_api_key_has_a_row_with_its_default() -> None:
    written = {bare(row["entry"]): row["default"] for row in rows("entry", TEXT)}
    declared = dict(leaves(KeySettings))
    assert written.keys() == declared.keys()
    for name, field in declared.items():
        required = field.is_required()
        assert (
            written[name] == "required"
            if required
            else yaml.safe_load(bare(written[name])) == (field.get_default())
        )


def test_every_option_of_every_family_has_a_row() -> None:
    assert OPTIONS.keys() == catalog.RUNNERS.keys()
    documented = sorted(bare(row["option"]) for row in rows("option", TEXT))
    assert documented == sorted(name for kind in OPTIONS.values() for name in get_type_hints(kind))


@pytest.mark.parametrize("family", OPTIONS)
def test_the_defaults_of_the_options_are_those_in_the_table(family: str) -> None:
    section = TEXT[TEXT.index(f"\n`{family}`:") :].split("\n\n", 2)[1] + "\n"
    written = {
        bare(row["option"]): yaml.safe_load(bare(row["default"]))
        for row in rows("option", f"\n{section}")
    }
    own = attrs.asdict(OPTIONS[family]())
    assert written == {k: list(v) if isinstance(v, tuple) else v for k, v in own.items()}


def test_the_foreign_keys_are_those_in_the_table() -> None:
    title = "key of Harmony Speech Engine"
    assert {bare(row[title]) for row in rows(title, TEXT)} == set(settings.FOREIGN_KEYS)


def test_the_variables_are_those_that_the_settings_read() -> None:
    documented = {bare(row["variable"]) for row in rows("variable", TEXT)}
    source = Path(settings.__file__).read_text(encoding="utf-8")
    others = {"XDG_CACHE_HOME", "PROMETHEUS_MULTIPROC_DIR"}
    read = set(re.findall(r"environ\.get\(\"(\w+)\"", source)) - others
    assert documented == read


def test_every_family_of_the_catalog_is_named() -> None:
    (row,) = (row for row in KEYS if row["key"] == "`model_type`")
    assert [name for name in catalog.RUNNERS if f"`{name}`" not in row["meaning"]] == []


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, "yaml"), start=1)
    ],
)
def test_every_yaml_block_of_our_pages_loads(block: str) -> None:
    settings.parse(whole(yaml.safe_load(block)))
