"""The toolchain `voicefixer` through the real service, on small networks in the hub's layout.

Their weights are made up, so what they restore is noise: that it is what the original makes is told by the
golden data. Here is that both stages, their modes and the filters work together over HTTP.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import av
import httpx
import numpy as np
import pytest
import yaml

import audio
from audio import Audio
from settings import load
from tests import voicefixer
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

RATE = 44100
RESTORE, SPEECH = "/v1/audio/conversion", "/v1/audio/speech"
RESTORER, VOCODER = voicefixer.NAMES


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("service")
    usual = load(BUNDLE / "configuration.yaml").model_configs
    wanted = [entry.model_dump(mode="json") for entry in usual if entry.name == "piper-joe"]
    small = voicefixer.entries(voicefixer.lay_out(tmp_path_factory.mktemp("hub")))
    configuration = home / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": [*wanted, *small]}))
    environment = {"HARMONY_CONFIG": str(configuration)}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def damaged(client: httpx.Client) -> bytes:
    """Speech with noise, clipped."""
    asked = {"model": "piper-joe", "input": SAID, "response_format": "wav"}
    said = audio.decode(client.post(SPEECH, json=asked).content)
    noise = np.random.default_rng(0).standard_normal(len(said.samples)) * 0.02
    return audio.encode(
        Audio((said.samples + noise).clip(-0.2, 0.2).astype(np.float32), said.rate), "flac"
    )


def restored(client: httpx.Client, file: bytes, **fields: Any) -> httpx.Response:
    told = {name: v if isinstance(v, str) else json.dumps(v) for name, v in fields.items()}
    return client.post(RESTORE, data=told, files={"file": ("damaged.flac", file)})


def sound_of(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    return audio.decode(answer.content)


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("stream", [False, True])
def test_every_mode_restores(client: httpx.Client, damaged: bytes, mode: int, stream: bool) -> None:
    answer = restored(client, damaged, model="voicefixer", mode=mode, stream=stream)
    made, heard = sound_of(answer), audio.decode(damaged)
    assert made.rate == RATE
    assert made.duration == pytest.approx(heard.duration, abs=0.001)
    assert np.isfinite(made.samples).all() and np.abs(made.samples).max() > 0.01
    for step in (f"{RESTORER}.analyse", f"{VOCODER}.vocode"):
        assert stream or step in answer.headers["server-timing"]


def test_it_restores_where_nothing_is_named(client: httpx.Client, damaged: bytes) -> None:
    unnamed = sound_of(restored(client, damaged)).samples
    assert np.array_equal(unnamed, sound_of(restored(client, damaged, model="voicefixer")).samples)


def test_chance_leaves_no_trace(client: httpx.Client, damaged: bytes) -> None:
    """The original's mode 2 changes what mode 0 makes afterwards."""
    before = sound_of(restored(client, damaged, mode=0)).samples
    one, same, other = (
        sound_of(restored(client, damaged, mode=2, seed=seed)).samples for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert np.array_equal(before, sound_of(restored(client, damaged, mode=0)).samples)


def test_stereo_is_their_mean(client: httpx.Client, damaged: bytes) -> None:
    heard = audio.decode(damaged)
    wav = audio.encode(heard, "wav")
    mono = sound_of(restored(client, wav))
    both = np.repeat((heard.samples * 32767).round().astype("<i2"), 2)[None]
    made = sound_of(restored(client, _stereo(both, heard.rate)))
    assert len(made.samples) == len(mono.samples)
    assert np.abs(made.samples - mono.samples).max() < 0.01


def _stereo(interleaved: Any, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout="stereo")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def test_more_than_a_segment_has_its_length(client: httpx.Client, damaged: bytes) -> None:
    heard = audio.decode(damaged)
    long = Audio(np.tile(heard.samples, 14), heard.rate)
    assert long.duration > 35
    made = sound_of(restored(client, audio.encode(long, "flac"), response_format="flac"))
    assert made.duration == pytest.approx(long.duration, abs=0.001)


def test_speech_may_be_restored_as_it_is_made(client: httpx.Client) -> None:
    asked = {
        "model": "piper-joe", "input": SAID, "response_format": "wav",
        "post_generation_filters": [{"model": "voicefixer", "mode": 1}, {"filter": "dc"}],
    }  # fmt: skip
    answer = client.post(SPEECH, json=asked)
    assert sound_of(answer).rate == RATE


def test_the_engine_s_clients_get_json(client: httpx.Client, damaged: bytes) -> None:
    asked = {"model": "voicefixer", "source_audio": base64.b64encode(damaged).decode()}
    answer = client.post("/v1/audio/convert", json=asked)
    assert answer.status_code == 200, answer.text
    made = audio.decode(base64.b64decode(answer.json()["data"]))
    assert made.duration == pytest.approx(audio.decode(damaged).duration, abs=0.001)


def test_the_toolchain_is_listed(client: httpx.Client) -> None:
    listed = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert listed["voicefixer"]["tasks"] == ["restoration"]
    assert listed["voicefixer"]["models"] == [RESTORER, VOCODER]
    engine = client.get("/v1/audio/conversion/models").json()["data"]
    assert [model["id"] for model in engine] == ["voicefixer"]


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"mode": 3}, 400, "mode", "0, 1"),
        ({"mode": -1}, 400, "mode", "mode"),
        ({"mode": "loud"}, 400, "mode", "mode"),
        ({"model": RESTORER}, 400, "model", "voicefixer"),
        ({"model": VOCODER}, 400, "model", "voicefixer"),
        ({"model": "piper-joe"}, 400, "model", "voicefixer"),
        ({"model": "voicemender"}, 404, "model", "voicefixer"),
        ({"response_format": "midi"}, 400, "response_format", "flac"),
        ({"seed": "x"}, 400, "seed", "seed"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    client: httpx.Client, damaged: bytes, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    answer = restored(client, damaged, **fields)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize("file", [b"", b"RIFF", b"no sound at all"])
def test_what_is_no_sound_is_refused(client: httpx.Client, file: bytes) -> None:
    answer = restored(client, file)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "file"


def test_silence_and_the_shortest_sounds_pass(client: httpx.Client) -> None:
    for seconds in (0.001, 0.02, 3.0):
        quiet = Audio(np.zeros(round(seconds * RATE), dtype=np.float32), RATE)
        made = sound_of(restored(client, audio.encode(quiet, "wav")))
        assert not made.samples.any() and made.duration == pytest.approx(seconds, abs=0.001)
