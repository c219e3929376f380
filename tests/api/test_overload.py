"""More requests than a model can run and queue: refused before any work is done for them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

import settings
from errors import Unavailable
from runners.admission import Door
from tests.api.house import House, error_of


def entry(**limits: int) -> settings.RunnerSettings:
    return settings.RunnerSettings(name="ear", model="none", model_type="X", **limits)


def test_as_many_are_let_in_as_can_run_and_queue() -> None:
    door = Door(entry(max_queue=2, workers=2, max_batch_size=3))
    with ExitStack() as inside:
        for _ in range(2 + 2 * 3):
            inside.enter_context(door.entered())
        with pytest.raises(Unavailable, match="max_queue is 2") as refused, door.entered():
            pass
        assert refused.value.retry_after
    with door.entered():
        pass


def test_a_request_too_many_is_refused_before_its_sound_is_looked_at(
    house: House, wav: bytes
) -> None:
    found = house.app.state.catalog.find("ear")
    with ExitStack() as inside:
        for _ in range(found.settings.max_queue + 1):
            inside.enter_context(found.door.entered())
        refused = house.transcribe(wav)
    assert refused.status_code == 503
    assert error_of(refused)["code"] == "queue_full"
    assert int(refused.headers["retry-after"]) >= 1
    assert not house.detector.jobs and not house.transcriber.jobs
    assert house.transcribe(wav).status_code == 200


def test_who_failed_has_left(house: House, wav: bytes) -> None:
    for _ in range(house.app.state.catalog.find("ear").settings.max_queue + 2):
        assert house.transcribe(b"no sound").status_code == 400
    assert house.transcribe(wav).status_code == 200
