"""Every limit is named in the refusal that it causes, with its value; and a refusal waits for nobody."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

import audio
from runners.batching import Batcher, BatchLimits
from tasks import Call, Speak, Speech
from tests.api.house import PATIENCE, House, error_of
from tests.conftest import BUNDLE
from tests.fakes import FakeSynthesizer, tone

SOUND = audio.encode(audio.silence(20, 8000), "wav")
FORMS = ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/vad"]


def refused(house: House, status: int, path: str = "/v1/audio/speech", **request: Any) -> str:
    answer = house.post(path, **request)
    assert answer.status_code == status, answer.text
    message: str = error_of(answer)["message"]
    return message


def form(path: str) -> dict[str, Any]:
    return {"data": {} if "vad" in path else {"model": "ear"}, "files": {"file": ("a", SOUND)}}


def test_a_text_that_is_too_long() -> None:
    house = House(limits={"max_text_characters": 20})
    message = refused(house, 413, json={"model": "voice", "input": "a" * 21})
    assert "max_text_characters is 20" in message


@pytest.mark.parametrize("path", FORMS)
def test_a_body_that_is_too_large(path: str) -> None:
    house = House(limits={"max_upload_bytes": 1000})
    assert "max_upload_bytes (1000)" in refused(house, 413, path, **form(path))


@pytest.mark.parametrize("path", FORMS)
def test_a_sound_that_is_too_long(path: str) -> None:
    house = House(limits={"max_audio_seconds": 5})
    assert "5 s of sound (limit max_audio_seconds)" in refused(house, 413, path, **form(path))


# A queue that is full


@attrs.define
class Queued(FakeSynthesizer):
    """Stands before a real queue, whose one forward lasts until the test lets it go."""

    opened: threading.Event = attrs.field(factory=threading.Event)
    batcher: Batcher[Speak, Speech] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        limits = BatchLimits(max_items=1, max_cost=1.0, max_queue=2)
        self.batcher = Batcher(self._forward, name="voice", limits=limits)

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        return await self.batcher.submit(job)

    def _forward(self, jobs: Sequence[Speak]) -> list[Speech]:
        assert self.opened.wait(PATIENCE)
        return [Speech(tone(0.1)) for _ in jobs]


def test_who_finds_the_queue_full_is_refused_at_once_and_the_others_are_served() -> None:
    asked = {"model": "voice", "input": "Hello.", "response_format": "pcm"}

    async def scenario() -> None:
        queued = Queued()
        transport = httpx.ASGITransport(House(synthesizer=queued).served)
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:

            async def ask() -> httpx.Response:
                return await client.post("/v1/audio/speech", json=asked)

            accepted = [asyncio.ensure_future(ask()) for _ in range(3)]
            async with asyncio.timeout(PATIENCE):
                while queued.batcher.waiting < 2:
                    await asyncio.sleep(0.001)
            for _ in range(3):
                answer = await asyncio.wait_for(ask(), PATIENCE)
                assert answer.status_code == 503
                assert error_of(answer)["code"] == "queue_full"
                assert "max_queue is 2" in error_of(answer)["message"]
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.headers["x-should-retry"] == "true"
            # Nobody was let go meanwhile: the refusals waited for nothing.
            assert not any(task.done() for task in accepted)
            queued.opened.set()
            served = await asyncio.wait_for(asyncio.gather(*accepted), PATIENCE)
            assert [answer.status_code for answer in served] == [200] * 3
        await queued.batcher.close()

    asyncio.run(scenario())


# A small file that decodes to days

PAGE_PACKETS = 255  # the most that an Ogg page holds
NOTHING = b"\xff\x06"  # an Opus packet of six empty frames of 20 ms: silence of 120 ms in two bytes
TICKS = 5760  # of 48 kHz in it


def opus_bomb(size: int) -> tuple[bytes, float]:
    """An Ogg file of silence, as small as its format allows, and its seconds."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I4sI", 4, b"none", 0)
    pages = [_page(0, 0, 2, [head]), _page(1, 0, 0, [tags])]
    length = sum(map(len, pages))
    while length < size:
        ticks = (len(pages) - 1) * PAGE_PACKETS * TICKS
        pages.append(_page(len(pages), ticks, 0, [NOTHING] * PAGE_PACKETS))
        length += len(pages[-1])
    return b"".join(pages), (len(pages) - 2) * PAGE_PACKETS * TICKS / 48000


def _page(number: int, ticks: int, flags: int, packets: list[bytes]) -> bytes:
    def page(checksum: int) -> bytes:
        fields = struct.pack(
            "<4sBBqIIIB", b"OggS", 0, flags, ticks, 7, number, checksum, len(packets)
        )
        return fields + bytes(map(len, packets)) + b"".join(packets)

    # Ogg's checksum is that of zlib on mirrored bits, without its inversions.
    mirrored = page(0).translate(MIRROR)
    return page(int(f"{zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF:032b}"[::-1], 2))


MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

POSTED = """
import pathlib, sys
from tests.api.house import House
def peak():  # getrusage would count what the parent had before its exec
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
class Forgetful(list):  # a fake keeps its jobs, sound and all
    def append(self, job): pass
house = House(limits={"max_audio_seconds": 7200})
house.detector.jobs = Forgetful()
bomb = pathlib.Path(sys.argv[1]).read_bytes()
house.transcribe(bomb[:5_000])
before = peak()
answer = house.transcribe(bomb)
print(answer.status_code, peak() - before, answer.json()["error"]["message"])
"""


def test_a_small_file_that_decodes_to_days_fills_no_memory(tmp_path: Path) -> None:
    bomb, seconds = opus_bomb(10_000_000)
    assert seconds > 4 * 24 * 3600
    assert audio.decode(bomb[:10_000]).duration > 300  # it is what it says
    file = tmp_path / "bomb.opus"
    file.write_bytes(bomb)
    command = [sys.executable, "-c", POSTED, str(file)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=BUNDLE, text=True)
    status, grown, message = done.stdout.split(maxsplit=2)
    assert status == "413"
    assert "7200 s of sound (limit max_audio_seconds)" in message
    assert int(grown) < 220  # MiB, of some blocks of 19; the two hours take 440
