"""How many examples a fuzz test tries: few and always the same in every run, more by hand.

HARMONY_FUZZ=5000 tries so many of each kind, other ones every time; HARMONY_FUZZ_URL names a real server.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

MANY = os.environ.get("HARMONY_FUZZ")
URL = os.environ.get("HARMONY_FUZZ_URL")
# What the house on fakes serves, and the default configuration.
VOICE, SPEAKER, EAR = ("piper-joe", "joe", "whisper-1") if URL else ("voice", "ann", "ear")
# The speed of an example says nothing here; one that hangs ends by the house's own patience.
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def examples(usual: int) -> settings:
    return settings(
        max_examples=int(MANY) if MANY else usual,
        derandomize=not MANY,
        deadline=None,
        database=None,
        suppress_health_check=(*SLOW, HealthCheck.function_scoped_fixture),
    )
