"""The embedded configuration tells voices apart, and with Harmony Speech's three networks speaks in them.

The speaker encoder is the real one, and so are the voices that it hears. The three networks are small and
know nothing, so what they say is compared with what the original makes of the same weights.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import yaml

import audio
from api.voice_file import from_base64, in_base64
from audio import Audio, silence
from settings import load
from tasks import Embedding
from tests import harmony
from tests.conftest import BUNDLE
from tests.golden import golden, read_tensors
from tests.live import LiveService
from tests.server.conftest import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.weights]

SPEECH, EMBEDDINGS = "/v1/audio/speech", "/v1/audio/embeddings"
COMPARE = "/v1/audio/speakers/compare"
TEXT = "Hello there, this is a small test of the voice."  # text0 of the golden synthesizer
LONG = f"{TEXT} It goes on for a while. Nobody has to understand it."
ENCODER, SYNTHESIZER, VOCODER = harmony.NAMES
VOICES = ("af_heart", "am_michael", "bf_emma", "bm_george")
SENTENCES = (
    "When the ferry left the harbour, the wind had already turned to the north, and nobody said a word.",
    "Two children counted the gulls that followed the ship, and the captain asked for more coffee.",
)

Clips = Mapping[tuple[str, int], bytes]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("service")
    usual = load(BUNDLE / "configuration.yaml").model_configs
    entries = [entry.model_dump(mode="json") for entry in usual]
    small = harmony.entries(harmony.lay_out(home / "harmony"))
    configuration = home / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": [*entries, *small]}))
    environment = {"HARMONY_CONFIG": str(configuration)}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def clips(client: httpx.Client) -> Clips:
    """Every voice says both sentences."""

    def said(voice: str, text: str) -> bytes:
        asked = {"model": "kokoro", "voice": voice, "input": text, "response_format": "wav"}
        answer = client.post(SPEECH, json=asked)
        assert answer.status_code == 200, answer.text
        return answer.content

    return {
        (voice, number): said(voice, text)
        for voice, (number, text) in product(VOICES, enumerate(SENTENCES))
    }


@pytest.fixture(scope="module")
def voice() -> str:
    """The golden embedding of a recording, as the service would write it."""
    known = read_tensors(golden("harmonyspeech_synthesizer"), "io.safetensors")
    vector = known["text0.spk_emb"].reshape(-1).astype(np.float32)
    return in_base64(Embedding(vector, harmony.SPACE), ENCODER)


def encoded(sound: Audio | bytes) -> str:
    return base64.b64encode(
        sound if isinstance(sound, bytes) else audio.encode(sound, "wav")
    ).decode()


def speak(client: httpx.Client, **fields: Any) -> httpx.Response:
    asked = {"model": "harmonyspeech", "input": TEXT, "response_format": "wav", **fields}
    return client.post(SPEECH, json={k: v for k, v in asked.items() if v is not None})


def ask(client: httpx.Client, **fields: Any) -> httpx.Response:
    """The engine's dialect."""
    asked = {"model": "harmonyspeech", "input": TEXT, "mode": "voice_cloning", **fields}
    return client.post(SPEECH, json={k: v for k, v in asked.items() if v is not None})


def heard(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/json":
        return audio.decode(base64.b64decode(answer.json()["data"]))
    return audio.decode(answer.content)


# The embedded configuration tells voices


def test_voices_are_embedded_out_of_the_box(client: httpx.Client, clips: Clips) -> None:
    file = {"file": ("a.wav", clips["af_heart", 0])}
    answer = client.post(EMBEDDINGS, files=file)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["model"], body["space"]) == ("speaker-encoder", "resemblyzer")
    vector = np.array(body["data"][0]["embedding"])
    assert vector.shape == (256,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_one_voice_is_told_from_all_others(client: httpx.Client, clips: Clips) -> None:
    same = [((voice, 0), (voice, 1)) for voice in VOICES]
    other = [((one, 0), (two, 1)) for one, two in combinations(VOICES, 2)]
    scores = {}
    for pair in [*same, *other]:
        files = {
            f"{place}_audio": ("a.wav", clips[clip])
            for place, clip in zip(("first", "second"), pair, strict=True)
        }
        answer = client.post(COMPARE, files=files)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["model"] == "speaker-encoder"
        assert body["same"] == (pair in same) == (body["probability"] > 0.5), (pair, body)
        assert body["same"] == (body["score"] >= body["threshold"])
        scores[pair] = body["score"]
    assert min(scores[pair] for pair in same) > max(scores[pair] for pair in other) + 0.05


def test_an_embedding_is_as_good_as_its_recording(client: httpx.Client, clips: Clips) -> None:
    file, other = clips["bm_george", 0], clips["bm_george", 1]
    asked = {"input_audio": encoded(file), "encoding_format": "safetensors"}
    made = client.post(EMBEDDINGS, json=asked).json()["data"][0]["embedding"]
    by_clip, by_voice = (
        client.post(COMPARE, json={**one, "second_audio": encoded(other)}).json()
        for one in ({"first_audio": encoded(file)}, {"first_embedding": made})
    )
    assert by_voice["score"] == pytest.approx(by_clip["score"], abs=1e-6)
    assert by_voice["same"] and by_clip["same"]
    assert by_voice["first_seconds"] is None and by_clip["first_seconds"] > 3


def test_what_is_no_voice_is_not_compared(client: httpx.Client, clips: Clips, voice: str) -> None:
    whole = audio.decode(clips["af_heart", 0])
    for clip in (silence(5.0, 16000), whole.cut(0.5, 0.7)):
        sent = {"first_audio": encoded(whole), "second_audio": encoded(clip)}
        error = client.post(COMPARE, json=sent).json()["error"]
        assert (error["param"], error["code"]) == ("second_audio", "too_little_speech")
    sent = {"first_audio": encoded(whole), "second_embedding": voice}
    error = client.post(COMPARE, json=sent).json()["error"]
    assert (error["param"], error["code"]) == ("second_embedding", "wrong_embedding")
    assert "'harmony_v1', and 'resemblyzer' is wanted" in error["message"]
    # The encoder of the small networks knows nothing of speakers, and says so.
    sent = {"first_embedding": voice, "second_embedding": voice, "model": ENCODER}
    error = client.post(COMPARE, json=sent).json()["error"]
    assert error["param"] == "model" and "same_speaker" in error["message"]


def test_known_speakers_are_named_out_of_the_box(service: LiveService, clips: Clips) -> None:
    parts = [audio.decode(clips["af_heart", 1]), audio.decode(clips["bm_george", 1])]
    rate = parts[0].rate
    meeting = audio.join([parts[0], silence(1.0, rate), parts[1]], rate)
    with openai.OpenAI(
        base_url=f"{service.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as sdk:
        told: Any = sdk.audio.transcriptions.create(
            model="faster-whisper-tiny.en",
            file=("meeting.wav", audio.encode(meeting, "wav")),
            response_format="diarized_json",
            known_speaker_names=["Heart"],
            known_speaker_references=[f"data:audio/wav;base64,{encoded(clips['af_heart', 0])}"],
        )
    said = dict.fromkeys(("Heart", "A"), "")
    for segment in told.segments:
        said[segment.speaker] += segment.text
    assert all("children" in text and "captain" in text for text in said.values()), said


# Speech in a voice


def test_the_way_through_three_processes_ends_at_the_original_s_sound(
    client: httpx.Client, voice: str
) -> None:
    """Text and voice of the golden synthesizer, whose frames are those of the golden vocoder."""
    final = read_tensors(golden("harmonyspeech_vocoder"), "io.safetensors")["synth_text0.wav_final"]
    for answer in (speak(client, input_embedding=voice), ask(client, input_embedding=voice)):
        sound = heard(answer)
        assert sound.rate == 16000
        np.testing.assert_allclose(sound.samples, final, rtol=0, atol=1e-3)
    timing = answer.headers["server-timing"]
    assert all(f"{step};dur=" in timing for step in (f"{SYNTHESIZER}.compose", f"{VOCODER}.vocode"))


def test_a_recording_s_voice_is_its_embedding_s(client: httpx.Client, clips: Clips) -> None:
    clip = encoded(clips["am_michael", 0])
    for encoder in ("harmonyspeech", ENCODER):
        asked = {"model": encoder, "input_audio": clip}
        made = client.post("/v1/embed/speaker", json=asked).json()["data"]
        found = from_base64(made)
        assert found is not None and (found.space, len(found.vector)) == ("harmony_v1", 64)
        one, other = (
            speak(client, **fields).content
            for fields in ({"input_audio": clip}, {"input_embedding": made})
        )
        assert one == other
    another = speak(client, input_audio=encoded(clips["af_heart", 0])).content
    assert another != one


def test_it_comes_sentence_by_sentence_and_is_the_same_as_at_once(
    client: httpx.Client, voice: str
) -> None:
    asked = {"input_embedding": voice, "input": LONG, "response_format": "pcm"}
    whole = speak(client, **asked).content
    body = {"model": "harmonyspeech", **asked, "stream_format": "sse"}
    with client.stream("POST", SPEECH, json=body) as answer:
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    parts = [base64.b64decode(event["audio"]) for event in events[:-1]]
    assert events[-1]["type"] == "speech.audio.done"
    assert len(parts) > 3
    assert b"".join(parts) == whole


def test_openais_sdk_leaves_the_voice_out(service: LiveService, voice: str) -> None:
    with openai.OpenAI(
        base_url=f"{service.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as sdk:
        answer = sdk.audio.speech.create(
            model="harmonyspeech",
            input=TEXT,
            voice="unused",
            response_format="wav",
            extra_body={"voice": None, "input_embedding": voice},
        )
    assert audio.decode(answer.content).rate == 16000


def test_speed_changes_how_long_it_takes(client: httpx.Client, voice: str) -> None:
    usual, fast, slow = (
        heard(ask(client, input_embedding=voice, input=LONG, generation_options={"speed": speed}))
        for speed in (1.0, 1.6, 0.7)
    )
    # Every character has whole frames, so the ratio is not the factor exactly.
    assert usual.duration / fast.duration == pytest.approx(1.6, rel=0.15)
    assert usual.duration / slow.duration == pytest.approx(0.7, rel=0.15)


def test_pitch_and_energy_change_the_sound_and_not_its_length(
    client: httpx.Client, voice: str
) -> None:
    usual, high, loud, both = (
        heard(ask(client, input_embedding=voice, generation_options=options))
        for options in ({}, {"pitch": 1.8}, {"energy": 0.4}, {"options": {"pitch": 1.8}})
    )
    assert np.array_equal(high.samples, both.samples)
    for other in (high, loud):
        assert len(other.samples) == len(usual.samples)
        assert np.abs(other.samples - usual.samples).max() > 0.01
    assert np.abs(high.samples - loud.samples).max() > 0.01


def test_a_seed_changes_nothing(client: httpx.Client, voice: str) -> None:
    said = {speak(client, input_embedding=voice, seed=seed).content for seed in (1, 2, None)}
    assert len(said) == 1


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({}, "input_audio", "Whose voice"),
        ({"mode": "single_speaker_tts"}, "input_audio", "Whose voice"),
        ({"input_audio": encoded(silence(5.0, 16000))}, "input_audio", "Too little speech"),
        ({"input_audio": "short"}, "input_audio", "0."),
        ({"input_embedding": "foreign"}, "input_embedding", "'harmony_v1' is wanted"),
        ({"input_audio": "clip", "input_embedding": "own"}, "input_embedding", "send one of them"),
        ({"input_embedding": "own", "language": "DE"}, "language", "speaks en"),
        ({"input_embedding": "own", "voice": "af_heart"}, "voice", "leave 'voice' out"),
        (
            {"input_embedding": "own", "generation_options": {"style": 3}},
            "generation_options.style", "styles",
        ),
        (
            {"input_embedding": "own", "generation_options": {"pitch": 5}},
            "generation_options.pitch", "pitch (0.25 to 4)",
        ),
        ({"input_embedding": "own", "input": "?!"}, "input", "nothing"),
        ({"input_embedding": "own", "model": SYNTHESIZER}, "model", "a part of harmonyspeech"),
        ({"input_embedding": "own", "model": VOCODER}, "model", "a part of harmonyspeech"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(
    client: httpx.Client,
    clips: Clips,
    voice: str,
    fields: dict[str, Any],
    param: str,
    says: str,
) -> None:
    foreign = in_base64(Embedding(np.full(256, 1 / 16, np.float32), "resemblyzer"), "other")
    clip = clips["af_heart", 0]
    sent = {
        "own": voice, "foreign": foreign, "clip": encoded(clip),
        "short": encoded(audio.decode(clip).cut(0.5, 0.7)),
    }  # fmt: skip
    given = {k: sent.get(v, v) if isinstance(v, str) else v for k, v in fields.items()}
    answer = ask(client, **given)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert says in error["message"]


def test_the_toolchain_keeps_to_the_encoder_of_its_own_weights(client: httpx.Client) -> None:
    found = client.get("/v1/models/harmonyspeech").json()
    assert found["models"] == [SYNTHESIZER, ENCODER, VOCODER]
    assert found["tasks"] == ["speech", "speaker-embedding"]
    assert [option["id"] for option in found["options"]] == ["pitch", "energy"]
