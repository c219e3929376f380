"""The registry: a model's class from its settings, a runner from what a request calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from catalog import PART_OF, RUNNERS, Catalog, model_class
from errors import InvalidInput, NotFound, SettingsError
from runners.handle import RunnerHandle
from runners.kokoro import Kokoro
from runners.lodgings import lodgings
from runners.piper import Piper
from runners.silero import SileroVAD
from settings import BUNDLE, RunnerSettings, load, parse
from tasks import Capability, Card, Voice

SOURCE = """
from runners.silero import SileroVAD

loaded = []
loaded.append(1)

class Mine(SileroVAD):
    pass

value = 3
"""


def settings_of(model_type: str) -> RunnerSettings:
    return RunnerSettings(name="mine", model="m", model_type=model_type)


@attrs.frozen
class Answering:
    """Stands in for a runner's service, of which the catalog asks the card only."""

    voices: tuple[str, ...] = ()

    async def card(self) -> Card:
        return Card(voices=tuple(Voice(name, "en-US") for name in self.voices))


def catalog_of(
    models: Mapping[str, str],
    voices: Mapping[str, tuple[str, ...]] | None = None,
    **tree: Any,
) -> Catalog:
    configs = [{"name": n, "model": "m", "model_type": kind} for n, kind in models.items()]
    settings = parse({"model_configs": configs, **tree})
    handles = {n: RunnerHandle(n, Answering((voices or {}).get(n, ()))) for n in models}
    return Catalog(settings, handles)


@pytest.fixture
def usual() -> Catalog:
    return catalog_of(
        {"vad": "SileroVAD", "kokoro": "Kokoro", "joe": "Piper", "tiny": "FasterWhisper"},
        {"kokoro": ("af_heart", "af_nova"), "joe": ("joe",)},
        aliases={"tts-1": "kokoro", "whisper-1": "tiny"},
        voice_aliases={"alloy": ["af_nova", "joe"], "nova": "nobody", "joe": ["af_heart"]},
    )


# Classes


def test_a_model_of_the_bundle_is_found_by_its_name() -> None:
    assert model_class(settings_of("SileroVAD")) is SileroVAD
    assert model_class(settings_of("Piper")) is Piper
    assert model_class(settings_of("Kokoro")) is Kokoro


def test_every_configured_model_has_a_class() -> None:
    for entry in load(BUNDLE / "configuration.yaml").model_configs:
        assert model_class(entry) in RUNNERS.values()


def test_an_unknown_name_is_told_the_known_ones_and_the_ways_out() -> None:
    with pytest.raises(SettingsError) as caught:
        model_class(settings_of("Whisperer"))
    assert str(caught.value) == (
        f"mine: unknown model_type Whisperer; known are {', '.join(sorted(RUNNERS))}, "
        "or package.module:Class, or ./file.py:Class"
    )


def test_names_are_told_apart_by_case() -> None:
    with pytest.raises(SettingsError, match="unknown model_type kokoro"):
        model_class(settings_of("kokoro"))


def test_a_class_of_any_package_is_found_by_its_path() -> None:
    assert model_class(settings_of("runners.silero:SileroVAD")) is SileroVAD


@pytest.mark.parametrize(
    ("model_type", "message"),
    [
        ("no_such_package.module:Mine", "mine: no_such_package.module cannot be imported: No mod"),
        ("runners.silero:Missing", "mine: runners.silero has no class Missing"),
        ("runners.silero:find_spans", "mine: runners.silero has no class find_spans"),
        ("runners.silero:", "mine: runners.silero has no class "),
        ("./no_such_file.py:Mine", "mine: ./no_such_file.py cannot be imported: no such file: "),
        ("./runners:Mine", "mine: ./runners cannot be imported"),
        (":Mine", "mine:  cannot be imported: Empty module name"),
        (".relative:Mine", "mine: .relative cannot be imported"),
    ],
)
def test_a_class_that_cannot_be_had_is_told_why(model_type: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        model_class(settings_of(model_type))
    assert str(caught.value).startswith(message)


def test_a_class_is_found_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOURCE)
    found = model_class(settings_of(f"{file}:Mine"))
    assert found.__name__ == "Mine"
    assert found.capabilities == SileroVAD.capabilities


def test_a_file_is_loaded_once_however_many_entries_name_it(tmp_path: Path) -> None:
    file = tmp_path / "twice.py"
    file.write_text(SOURCE)
    assert model_class(settings_of(f"{file}:Mine")) is model_class(settings_of(f"{file}:Mine"))


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    found = []
    for folder in ("a", "b"):
        file = tmp_path / folder / "same.py"
        file.parent.mkdir()
        file.write_text(SOURCE)
        found.append(model_class(settings_of(f"{file}:Mine")))
    assert found[0] is not found[1]


def test_a_relative_file_is_one_of_the_bundle() -> None:
    found = model_class(settings_of("./runners/silero.py:SileroVAD"))
    assert found.__name__ == "SileroVAD"


def test_a_value_of_a_file_is_no_class(tmp_path: Path) -> None:
    file = tmp_path / "values.py"
    file.write_text(SOURCE)
    with pytest.raises(SettingsError, match="has no class value"):
        model_class(settings_of(f"{file}:value"))


def test_a_file_that_breaks_is_not_half_there_the_second_time(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(SOURCE + "\nraise ImportError('no soundcard')\n")
    for _ in range(2):
        with pytest.raises(SettingsError, match="cannot be imported: no soundcard"):
            model_class(settings_of(f"{file}:Mine"))


# Two entries, one runner

HOST = {"name": "host", "model": "a/b", "model_type": "OpenVoiceV1ToneConverter"}
GUEST = {"name": "guest", "model": "a/b", "model_type": "OpenVoiceV1ToneConverterEncoder"}


def lodging(*entries: Mapping[str, Any]) -> Mapping[str, str]:
    return lodgings((RunnerSettings.model_validate(entry) for entry in entries), PART_OF)


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"dtype": "float32"},
        {"revision": "main"},
        {"device_config": {"device": "cuda:1"}},
    ],
)
def test_an_encoder_lodges_with_the_converter_of_the_same_weights(same: dict[str, Any]) -> None:
    host, guest = {**HOST, **same}, {**GUEST, **same}
    assert lodging(host, guest) == lodging(guest, host) == {"guest": "host"}


@pytest.mark.parametrize(
    ("host", "guest"),
    [
        ({"dtype": "float32"}, {"dtype": "auto"}),
        ({}, {"threads": 4, "lazy": True, "keep_alive": "5m", "max_batch_size": 9}),
    ],
)
def test_what_does_not_touch_the_weights_parts_nobody(
    host: dict[str, Any], guest: dict[str, Any]
) -> None:
    assert lodging({**HOST, **host}, {**GUEST, **guest}) == {"guest": "host"}


@pytest.mark.parametrize(
    "other",
    [
        {"model": "a/c"},
        {"revision": "main"},
        {"device_config": {"device": "cuda"}},
        {"model_type": "OpenVoiceV2ToneConverterEncoder"},
    ],
)
def test_other_weights_or_another_device_want_a_runner_of_their_own(other: dict[str, Any]) -> None:
    assert lodging(HOST, {**GUEST, **other}) == {}


def test_other_formats_are_other_weights() -> None:
    assert lodging({**HOST, "dtype": "bfloat16"}, {**GUEST, "dtype": "float32"}) == {}


def test_an_encoder_alone_has_a_runner() -> None:
    assert lodging(GUEST) == {}


def test_of_several_converters_the_first_one_takes_the_encoder_in() -> None:
    assert lodging(HOST, {**HOST, "name": "second"}, GUEST) == {"guest": "host"}
    assert lodging(HOST, GUEST, {**GUEST, "name": "second"}) == {"guest": "host", "second": "host"}


def test_a_host_can_do_all_that_its_guests_can() -> None:
    for guest, host in PART_OF.items():
        assert set(RUNNERS[guest].capabilities) < set(RUNNERS[host].capabilities)


# Models


def test_a_model_is_found_by_its_name_and_by_its_alias(usual: Catalog) -> None:
    assert usual.find("kokoro").settings.name == "kokoro"
    assert usual.find("tts-1").settings.name == "kokoro"
    assert usual.synthesizer("tts-1") is usual.find("kokoro").handle
    assert usual.transcriber("whisper-1") is usual.find("tiny").handle
    assert usual.detector("vad") is usual.find("vad").handle


def test_an_unknown_model_is_told_all_there_are(usual: Catalog) -> None:
    with pytest.raises(NotFound) as caught:
        usual.find("gpt-4")
    assert caught.value.message == (
        "The model 'gpt-4' does not exist here. "
        "Available: vad, kokoro, joe, tiny, tts-1, whisper-1."
    )
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


def test_a_model_that_cannot_do_it_is_told_who_can(usual: Catalog) -> None:
    with pytest.raises(InvalidInput) as caught:
        usual.synthesizer("whisper-1")
    assert caught.value.message == (
        "The model 'whisper-1' cannot synthesize. These can: kokoro, joe."
    )
    assert caught.value.param == "model"
    with pytest.raises(InvalidInput, match=r"cannot transcribe\. These can: tiny"):
        usual.transcriber("vad")
    with pytest.raises(InvalidInput, match=r"cannot detect\. These can: vad"):
        usual.detector("joe")


def test_where_nobody_can_that_is_said() -> None:
    alone = catalog_of({"vad": "SileroVAD"})
    with pytest.raises(InvalidInput, match="These can: none of those configured"):
        alone.synthesizer("vad")
    with pytest.raises(NotFound, match="No configured model can synthesize"):
        alone.first(Capability.SPEAK)


def test_a_request_that_names_no_model_gets_the_first_configured_one(usual: Catalog) -> None:
    assert usual.first(Capability.SPEAK) == "kokoro"
    assert usual.able_to(Capability.SPEAK) == ["kokoro", "joe"]
    assert usual.detector() is usual.find("vad").handle
    assert usual.any_detector() is usual.find("vad").handle


def test_a_detector_need_not_be_configured() -> None:
    assert catalog_of({"joe": "Piper"}).any_detector() is None


def test_the_catalog_lists_models_before_aliases(usual: Catalog) -> None:
    assert usual.names() == ["vad", "kokoro", "joe", "tiny", "tts-1", "whisper-1"]
    assert [entry.settings.name for entry in usual.entries] == ["vad", "kokoro", "joe", "tiny"]
    assert usual.aliases == {"tts-1": "kokoro", "whisper-1": "tiny"}


# Voices


@pytest.mark.parametrize(
    ("model", "asked", "meant"),
    [
        ("kokoro", None, None),
        ("kokoro", "af_heart", "af_heart"),
        ("tts-1", "af_heart", "af_heart"),
        ("kokoro", "alloy", "af_nova"),
        ("joe", "alloy", "joe"),
        ("joe", "joe", "joe"),
        ("kokoro", "joe", "af_heart"),
    ],
    ids=["none", "own", "own by alias", "first", "second", "own before alias", "alias"],
)
def test_a_voice_is_the_model_s_own_or_the_first_choice_it_has(
    usual: Catalog, model: str, asked: str | None, meant: str | None
) -> None:
    assert asyncio.run(usual.voice(model, asked)) == meant


@pytest.mark.parametrize("unknown", ["somebody", "nova", ""])
def test_an_unknown_voice_is_told_the_known_ones(usual: Catalog, unknown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        asyncio.run(usual.voice("tts-1", unknown))
    assert caught.value.message == (
        f"The model 'tts-1' has no voice '{unknown}'. It has: af_heart, af_nova, alloy, joe."
    )
    assert (caught.value.param, caught.value.code) == ("voice", "voice_not_found")


def test_a_voice_of_a_model_without_any_is_refused_as_such(usual: Catalog) -> None:
    with pytest.raises(InvalidInput, match="cannot synthesize"):
        asyncio.run(usual.voice("tiny", "alloy"))


def test_a_fallback_must_be_able_to_do_the_same() -> None:
    entries = [
        {"name": "kokoro", "model": "m", "model_type": "Kokoro", "fallback": "vad"},
        {"name": "vad", "model": "m", "model_type": "SileroVAD"},
    ]
    settings = parse({"model_configs": entries})
    handles = {name: RunnerHandle(name, Answering(())) for name in ("kokoro", "vad")}
    with pytest.raises(SettingsError, match="kokoro: fallback vad cannot do the same"):
        Catalog(settings, handles)
