"""Failures cross process borders whole, and each has the status that its name promises."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from errors import (
    Failed,
    Forbidden,
    InvalidInput,
    NotFound,
    SpeechError,
    TimedOut,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
    Undecodable,
)

STATUSES = {
    SpeechError: 500,
    InvalidInput: 400,
    Undecodable: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    TooLarge: 413,
    TooMany: 429,
    Unavailable: 503,
    TimedOut: 504,
    Failed: 500,
}

failures = st.builds(
    lambda kind, message, **fields: kind(message, **fields),
    st.sampled_from(sorted(STATUSES, key=lambda kind: kind.__name__)),
    st.text(),
    param=st.none() | st.text(),
    code=st.none() | st.text(),
    retry_after=st.none() | st.floats(0, 1e6),
)


@profile(derandomize=True, deadline=None)
@given(failure=failures)
def test_a_failure_survives_pickle_unchanged(failure: SpeechError) -> None:
    copy = pickle.loads(pickle.dumps(failure))
    assert type(copy) is type(failure)
    assert vars(copy) == vars(failure)
    assert str(copy) == failure.message


@pytest.mark.parametrize(("kind", "status"), STATUSES.items())
def test_a_failure_has_the_status_of_its_kind(kind: type[SpeechError], status: int) -> None:
    assert kind("…").status == status
    # OpenAI's clients tell by the type whether to try again.
    usual = "invalid_request_error" if status < 500 else "server_error"
    assert kind("…").kind == ("requests" if status == 429 else usual)


def test_every_failure_of_ours_is_listed_here() -> None:
    found: list[type[SpeechError]] = [SpeechError]
    for kind in found:
        found += [sub for sub in kind.__subclasses__() if sub.__module__ == "errors"]
    assert set(found) == set(STATUSES)


def test_a_failure_that_is_raised_anew_keeps_its_fields() -> None:
    with pytest.raises(Unavailable) as caught:
        raise pickle.loads(pickle.dumps(Unavailable("full", code="queue_full", retry_after=2.5)))
    assert (caught.value.code, caught.value.retry_after) == ("queue_full", 2.5)
