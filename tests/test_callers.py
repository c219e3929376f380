"""Keys in the file and in the environment: what is kept of them, and what is refused without showing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from callers import KeySettings, environment_keys, hash_of
from errors import SettingsError
from settings import BUNDLE, load, parse
from tests.fakes import Speaks

KEY, OTHER = "hs-0123456789abcdef", "hs-fedcba9876543210"
MODEL = {"name": "m", "model": "none", "model_type": f"tests.fakes:{Speaks.__name__}"}


def tree(*keys: dict[str, Any], **api: Any) -> dict[str, Any]:
    return {"model_configs": [MODEL], "api": {"auth": {"keys": list(keys)}, **api}}


def refusal(wrong: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(wrong)
    return str(caught.value)


def test_the_hash_is_the_one_that_other_tools_print() -> None:
    """As of `printf %s abc | sha256sum`."""
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# The environment


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", []),
        (" , ,", []),
        (f"ann:{KEY}", [("ann", "user")]),
        (f"ops:admin:{KEY}", [("ops", "admin")]),
        (f" ann:user:{KEY} , ops:admin:{OTHER},", [("ann", "user"), ("ops", "admin")]),
    ],
)
def test_keys_of_the_environment(written: str, expected: list[tuple[str, str]]) -> None:
    keys = environment_keys(written)
    assert [(key.name, key.role) for key in keys] == expected
    assert {key.sha256 for key in keys} <= {hash_of(KEY), hash_of(OTHER)}
    assert "0123456789abcdef" not in repr(keys)


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        f"ann={KEY}",
        "ann:tooshort",
        "ann:",
        f":{KEY}",
        f"ann:root:{KEY}",
        f"ann:admin:x:{KEY}",
        f"a b:{KEY}",
        "ann:hs-0123456789 abcdef",
        "ann:hs-0123456789äöüabcdef",
        "ann:hs-0123456789\x07abcdef",
    ],
)
def test_what_is_no_key_is_refused_and_never_shown(written: str) -> None:
    with pytest.raises(SettingsError) as caught:
        environment_keys(f"bob:{OTHER},{written}")
    message = str(caught.value)
    assert message.startswith("HARMONY_API_KEYS: entry 2 ")
    assert "0123456789" not in message and "tooshort" not in message
    cause = caught.value.__cause__, caught.value.__suppress_context__
    assert cause in ((None, True), (None, False))


def test_keys_of_the_file_and_of_the_environment_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump(tree({"name": "ann", "sha256": hash_of(KEY)})))
    monkeypatch.setenv("HARMONY_API_KEYS", f"ops:admin:{OTHER}")
    assert [key.name for key in load(file).api.auth.keys] == ["ann", "ops"]
    monkeypatch.setenv("HARMONY_API_KEYS", f"ann:{OTHER}")
    with pytest.raises(SettingsError, match=r"HARMONY_API_KEYS: .* name ann is used twice"):
        load(file)


# The file


def test_a_name_or_a_key_that_stands_twice_is_refused() -> None:
    ann = {"name": "ann", "sha256": hash_of(KEY)}
    assert "the name ann is used twice" in refusal(tree(ann, {**ann, "sha256": hash_of(OTHER)}))
    assert "ann and bob are the same key" in refusal(tree(ann, {**ann, "name": "bob"}))


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"name": "ann"}, "api.auth.keys.0.sha256: Field required"),
        ({"name": "ann", "sha256": KEY}, "api.auth.keys.0.sha256: String should match"),
        ({"name": "ann", "key": KEY}, "api.auth.keys.0.key: unknown key"),
        ({"name": "ann", "sha256": hash_of(KEY), "role": "root"}, "keys.0.role: Input should be"),
        ({"name": "a b", "sha256": hash_of(KEY)}, "api.auth.keys.0.name: String should match"),
    ],
)
def test_a_wrong_entry_is_named_and_no_key_shown(entry: dict[str, Any], place: str) -> None:
    message = refusal(tree(entry))
    assert place in message
    assert KEY not in message


def test_an_unknown_key_of_an_entry_is_told_the_right_ones() -> None:
    entry = {"name": "ann", "sha256": hash_of(KEY), "rol": "admin"}
    assert "did you mean role? known here: name, rates, role, sha256" in refusal(tree(entry))


@pytest.mark.parametrize(
    "origin", ["app.example", "https://app.example/", "https://App.example", ""]
)
def test_an_origin_that_no_browser_would_send_is_refused(origin: str) -> None:
    assert "api.cors.origins.0" in refusal(tree(cors={"origins": [origin]}))


@pytest.mark.parametrize("origin", ["*", "https://app.example", "http://localhost:5173"])
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    assert parse(tree(cors={"origins": [origin]})).api.cors.origins == (origin,)


@pytest.mark.parametrize("rate", ["requests_per_minute", "concurrent_requests"])
def test_a_rate_of_nothing_is_refused(rate: str) -> None:
    assert f"api.rates.{rate}" in refusal(tree(rates={rate: 0}))


# scripts/keys


def made(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUNDLE / "scripts" / "keys.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("role", ["user", "admin"])
def test_a_new_key_is_shown_once_with_what_to_paste(role: str) -> None:
    shown = made("new", "ann", "--role", role).stdout
    pasted = yaml.safe_load(shown[shown.index("api:\n") : shown.index("\nOr,")])
    (entry,) = parse({"model_configs": [MODEL], **pasted}).api.auth.keys
    (same,) = environment_keys(shown.rpartition("HARMONY_API_KEYS=")[2])
    assert entry == same == KeySettings(name="ann", role=role, sha256=entry.sha256)
    key = shown.rpartition(":")[2].strip()
    assert hash_of(key) == entry.sha256
    assert len(key) > 40


def test_no_two_keys_are_the_same() -> None:
    assert made("new", "ann").stdout != made("new", "ann").stdout


def test_a_name_that_will_not_do_is_refused() -> None:
    refused = made("new", "a b")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("NAME: ")
