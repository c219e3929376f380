"""Strict settings: what is wrong refuses to start, and the refusal names what is right."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from pydantic import ValidationError

import settings
from errors import SettingsError
from settings import RunnerSettings, load, options_of, parse

# A file of Harmony Speech Engine, with all keys that its own documentation shows.
FOREIGN = """
model_configs:
  - name: "hs1-encoder"
    model: "harmony-ai/harmony-speech-v1"
    model_type: "HarmonySpeechEncoder"
    max_batch_size: 10
    dtype: "float32"
    device_config:
      device: "cpu"

  - name: "ov2-synthesizer-en"
    model: "myshell-ai/MeloTTS-English-v3"
    model_type: "MeloTTSSynthesizer"
    language: "EN"
    voices: ["EN-Newest"]
    max_batch_size: 10
    trust_remote_code: true
    download_dir: "models/melo"
    load_format: "pt"
    dtype: "float16"
    seed: 42
    revision: "main"
    code_revision: "main"
    enforce_eager: true
    device_config:
      device: "cuda:1"
      device_map: "auto"
"""


def entry(**changes: Any) -> dict[str, Any]:
    return {"name": "joe", "model": "piper-joe", "model_type": "Piper", **changes}


def tree(**changes: Any) -> dict[str, Any]:
    return {"model_configs": [entry()], **changes}


def refusal(wrong: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(wrong, where="a.yaml")
    return str(caught.value)


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_embedded_configuration_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARMONY_CONFIG", raising=False)
    names = [runner.name for runner in load().model_configs]
    assert names
    assert set(load().aliases.values()) <= set(names)


@pytest.mark.parametrize(
    ("wrong", "place", "right"),
    [
        (
            tree(alias={}),
            "alias: unknown key",
            "aliases, api, memory_budget, model_configs, preload, voice_aliases",
        ),
        (
            tree(model_configs=[entry(thread=2)]),
            "model_configs.0.thread: unknown key; did you mean threads?",
            "max_queue, model, model_type, name",
        ),
        (
            tree(model_configs=[entry(), entry(name="b", device_config={"devise": "cpu"})]),
            "model_configs.1.device_config.devise: unknown key; did you mean device?",
            "device, device_map",
        ),
        (
            tree(api={"limit": {}}),
            "api.limit: unknown key; did you mean",
            "auth, cors, limits, rates, remembered_voices, timeouts",
        ),
        (
            tree(api={"limits": {"max_text": 3}}),
            "api.limits.max_text: unknown key",
            "max_audio_seconds, max_realtime_sessions, max_text_characters, max_upload_bytes",
        ),
        (
            tree(api={"timeouts": {"ready": 3}}),
            "api.timeouts.ready",
            "health, realtime_idle, request",
        ),
    ],
    ids=["top", "runner", "device", "api", "limits", "timeouts"],
)
def test_an_unknown_key_is_refused_with_the_right_ones(
    wrong: dict[str, Any], place: str, right: str
) -> None:
    message = refusal(wrong)
    assert message.startswith("a.yaml:\n")
    assert place in message
    assert right in message


def test_a_key_like_no_other_gets_no_suggestion() -> None:
    assert "did you mean" not in refusal(tree(zzzz=1))


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    message = refusal(tree(model_configs=[entry(thread=2, workers=0)], alias={}))
    assert all(place in message for place in ("0.thread:", "0.workers:", "  alias:"))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"name": 3}, "name"),
        ({"model": ""}, "model"),
        ({"model_type": None}, "model_type"),
        ({"voices": "joe"}, "voices"),
        ({"dtype": "float64"}, "dtype"),
        ({"device_config": "cpu"}, "device_config"),
        ({"device_config": {"device": "tpu"}}, "device_config.device"),
        ({"device_config": {"device": "cuda:x"}}, "device_config.device"),
        ({"max_batch_size": 0}, "max_batch_size"),
        ({"max_batch_size": "many"}, "max_batch_size"),
        ({"batch_budget": 0}, "batch_budget"),
        ({"workers": 0}, "workers"),
        ({"threads": 0}, "threads"),
        ({"max_queue": 0}, "max_queue"),
        ({"options": [1]}, "options"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(changes: dict[str, Any], place: str) -> None:
    assert f"model_configs.0.{place}: " in refusal(tree(model_configs=[entry(**changes)]))


@pytest.mark.parametrize("key", ["name", "model", "model_type"])
def test_an_entry_must_say_what_it_is(key: str) -> None:
    lacking = {name: value for name, value in entry().items() if name != key}
    assert f"model_configs.0.{key}: Field required" in refusal({"model_configs": [lacking]})


@pytest.mark.parametrize("nothing", [None, [], "kokoro", 3])
def test_a_file_that_is_no_mapping_is_refused(nothing: Any) -> None:
    assert "expected a mapping with the key model_configs" in refusal(nothing)


@pytest.mark.parametrize("models", [None, [], "kokoro", {}, [None], ["kokoro"]])
def test_models_must_be_a_list_of_mappings(models: Any) -> None:
    assert "model_configs" in refusal({"model_configs": models})


def test_a_file_without_models_is_told_what_it_lacks() -> None:
    assert "model_configs: Field required" in refusal({"aliases": {}})


def test_two_models_of_one_name_are_refused() -> None:
    message = refusal(tree(model_configs=[entry(), entry()]))
    assert "the name joe is used 2 times" in message


def test_an_alias_of_nothing_refuses_to_start() -> None:
    message = refusal(tree(aliases={"tts-1": "kokoro"}))
    assert "aliases: tts-1 means kokoro, which is not configured; configured are joe" in message


def test_an_alias_of_an_alias_refuses_to_start() -> None:
    message = refusal(tree(aliases={"a": "joe", "b": "a"}))
    assert "aliases: b means a, which is not configured" in message


def test_an_alias_may_not_hide_a_model() -> None:
    message = refusal(tree(aliases={"joe": "joe"}))
    assert "aliases: joe is a configured model already" in message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model_configs: []\nmodel_configs: []\n", "model_configs"),
        ("model_configs:\n  - name: a\n    model: b\n    threads: 1\n    threads: 2\n", "threads"),
        ("aliases: {tts-1: a, tts-1: b}\n", "tts-1"),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"the key {key} stands 2 times"):
        load(written(tmp_path, text))


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    text = """
model_configs:
  - &first {name: a, model: m, model_type: T, threads: 3}
  - {<<: *first, name: b}
"""
    assert [(r.name, r.threads) for r in load(written(tmp_path, text)).model_configs] == [
        ("a", 3),
        ("b", 3),
    ]


def test_a_config_of_harmony_speech_engine_loads_and_its_dead_keys_are_said_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="settings"):
        encoder, synthesizer = load(written(tmp_path, FOREIGN)).model_configs
    assert (encoder.name, encoder.model_type, encoder.max_batch_size) == (
        "hs1-encoder",
        "HarmonySpeechEncoder",
        10,
    )
    assert (encoder.dtype, encoder.device) == ("float32", "cpu")
    assert (synthesizer.language, synthesizer.voices) == ("EN", ("EN-Newest",))
    assert synthesizer.source == "myshell-ai/MeloTTS-English-v3@main"
    assert synthesizer.device == "cuda:1"
    warned = {key for key in settings.FOREIGN_KEYS for line in caplog.messages if key in line}
    assert warned == settings.FOREIGN_KEYS.keys()
    assert all("has no effect: " in line for line in caplog.messages)


def test_our_own_keys_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    parse(tree())
    assert not caplog.messages


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError):
        parse(tree()).model_configs[0].threads = 2  # type: ignore[misc]


def test_one_voice_choice_needs_no_list() -> None:
    found = parse(tree(voice_aliases={"alloy": "joe", "nova": ["a", "b"]})).voice_aliases
    assert found == {"alloy": ("joe",), "nova": ("a", "b")}


def test_a_source_carries_its_revision_only_if_there_is_one() -> None:
    plain, pinned = entry(model="a/b"), entry(name="c", model="a/b", revision="v1")
    sources = [r.source for r in parse(tree(model_configs=[plain, pinned])).model_configs]
    assert sources == ["a/b", "a/b@v1"]


# Files and the environment


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.yaml: cannot be read: No such file"):
        load(tmp_path / "missing.yaml")


@pytest.mark.parametrize("damaged", [b"a: [", b"\xff\xfe\x00", b"a: !!python/object:os.system x"])
def test_a_file_that_is_no_yaml_is_told_by_name(tmp_path: Path, damaged: bytes) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(damaged)
    with pytest.raises(SettingsError, match=r"bad\.yaml: is not YAML"):
        load(file)


def test_the_environment_names_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONY_CONFIG", str(written(tmp_path, yaml.safe_dump(tree()))))
    assert [runner.name for runner in load().model_configs] == ["joe"]


def test_a_path_that_is_given_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONY_CONFIG", str(tmp_path / "missing.yaml"))
    assert load(written(tmp_path, yaml.safe_dump(tree()))).model_configs[0].name == "joe"


def test_weights_lie_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HARMONY_HOME", raising=False)
    assert settings.weights_root() == Path("/home/somebody/.cache/harmony-speech")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert settings.weights_root() == Path("/cache/harmony-speech")
    monkeypatch.setenv("HARMONY_HOME", "/weights")
    assert settings.weights_root() == Path("/weights")


@pytest.mark.parametrize(("value", "expected"), [("", False), ("0", False), ("1", True)])
def test_offline_is_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: bool
) -> None:
    monkeypatch.setenv("HARMONY_OFFLINE", value)
    assert settings.offline() is expected


def test_online_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARMONY_OFFLINE", raising=False)
    assert not settings.offline()


# A family's own knobs


@attrs.frozen
class Knobs:
    beam_size: int = 5
    temperatures: tuple[float, ...] = (0.0, 0.5)
    voice: str | None = None


def knobs(**options: Any) -> Knobs:
    return options_of(Knobs, RunnerSettings(**entry(options=options)))


def test_options_become_the_family_s_own() -> None:
    assert knobs() == Knobs()
    assert knobs(beam_size=1, temperatures=[0], voice="x") == Knobs(1, (0.0,), "x")
    assert knobs(voice=None) == Knobs()


def test_an_unknown_option_is_refused_with_the_right_ones() -> None:
    with pytest.raises(SettingsError) as caught:
        knobs(beamsize=1)
    assert str(caught.value) == (
        "joe: options.beamsize: unknown key; did you mean beam_size? "
        "known here: beam_size, temperatures, voice"
    )


@pytest.mark.parametrize("wrong", [{"beam_size": "many"}, {"temperatures": 3}, {"voice": 4}])
def test_an_option_of_the_wrong_type_is_refused_with_the_right_ones(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        knobs(**wrong)
    assert f"joe: options.{next(iter(wrong))}: Input should be a valid" in str(caught.value)
    assert "known here: beam_size, temperatures, voice" in str(caught.value)


# Which models are in memory


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90), ("90", 90), (0, 0), (-1, -1), ("-1", -1), ("10m", 600), ("1h30m", 5400),
        ("1.5s", 1.5), ("250ms", 0.25), ("2d", 172800),
    ],
)  # fmt: skip
def test_a_duration_is_written_as_people_write_it(written: Any, seconds: float) -> None:
    assert parse(tree(model_configs=[entry(keep_alive=written)])).model_configs[0].keep_alive == (
        pytest.approx(seconds)
    )


@pytest.mark.parametrize("wrong", ["soon", "", "m", -2, "10m5", True, "inf", "nan", [1], None])
def test_what_is_no_duration_is_refused_with_examples(wrong: Any) -> None:
    assert '"1h30m"' in refusal(tree(model_configs=[entry(keep_alive=wrong)]))


@pytest.mark.parametrize(
    ("preload", "lazy", "loaded"), [(None, False, True), (None, True, False), ([], False, False)]
)
def test_what_is_loaded_at_the_start(preload: Any, lazy: bool, loaded: bool) -> None:
    found = parse(tree(model_configs=[entry(lazy=lazy)], preload=preload))
    assert found.loaded_at_start(found.model_configs[0]) is loaded


def test_a_preload_list_names_the_only_ones() -> None:
    found = parse(tree(model_configs=[entry(), entry(name="b")], preload=["b"]))
    assert [found.loaded_at_start(each) for each in found.model_configs] == [False, True]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (tree(preload=["c"]), "preload: c is not configured"),
        (tree(model_configs=[entry(name="b", lazy=True)], preload=["b"]), "b is lazy"),
        (tree(memory_budget={"cuda:0": "1GB"}), "no model is on cuda:0; devices are cpu"),
        (tree(memory_budget={"cpu": "much"}), "memory_budget.cpu"),
        (tree(model_configs=[entry(name="b", fallback="c")]), "fallback c is not configured"),
        (tree(model_configs=[entry(name="b", fallback="b")]), "go round: b → b"),
        (
            tree(model_configs=[entry(name="b", fallback="c"), entry(name="c", fallback="b")]),
            "go round: b → c → b",
        ),
    ],
)
def test_lives_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    assert said in refusal(wrong)


def test_a_budget_is_written_with_its_unit() -> None:
    assert parse(tree(memory_budget={"cpu": "1.5GB"})).memory_budget == {"cpu": 1_500_000_000}
