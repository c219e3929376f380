"""The failures a caller can meet, each with the HTTP status it becomes.

    SpeechError                 something went wrong; the subclasses say what
    ├── InvalidInput     400    the request names or carries something we refuse; `param` says which field
    │   └── Undecodable  400    the bytes are not audio that we can read
    ├── Unauthorized     401    no key, or none that we know
    ├── Forbidden        403    a known caller that may not do this
    ├── NotFound         404    no such model, voice or route
    ├── TooLarge         413    a limit of the configuration is exceeded
    ├── TooMany          429    the caller asks more than its rates allow: again after `retry_after` seconds
    ├── Unavailable      503    try again after `retry_after` seconds
    ├── TimedOut         504    the deadline of the request passed before the work was done
    └── Failed           500    a bug or a broken runner; the message is for the log, not for the caller

    SettingsError               the configuration is wrong: the service refuses to start
    WeightsError                weights are missing, damaged or not the ones that were pinned

A SpeechError is pickled from a runner to the public service, so it holds plain values only.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SpeechError(Exception):
    """Base of every failure that is answered over HTTP in the caller's own dialect."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "server_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after
        self.elsewhere_too = False  # whoever served instead of the model would fail of the same

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own __reduce__ would call the constructor with args only and lose the keywords.
        fields = {"param": self.param, "code": self.code, "retry_after": self.retry_after}
        return (_rebuild, (type(self), self.message, fields))


def _rebuild(kind: type[SpeechError], message: str, fields: dict[str, Any]) -> SpeechError:
    return kind(message, **fields)


class InvalidInput(SpeechError):
    """The request names or carries something that we refuse; saying it again will not help."""

    status = 400
    kind = "invalid_request_error"


class Undecodable(InvalidInput):
    """The bytes are not audio that we can read."""


class Unauthorized(SpeechError):
    """The request carries no key, or none that we know."""

    status = 401
    kind = "invalid_request_error"


class Forbidden(SpeechError):
    """Who asks may not do this."""

    status = 403
    kind = "invalid_request_error"


class NotFound(SpeechError):
    """The named model, voice or route does not exist here."""

    status = 404
    kind = "invalid_request_error"


class TooLarge(SpeechError):
    """The request exceeds a limit of the configuration, which the message names."""

    status = 413
    kind = "invalid_request_error"


class TooMany(SpeechError):
    """The caller asks more than its rates allow; the same request may succeed later."""

    status = 429
    kind = "requests"  # OpenAI's word for the kind of rate that was exceeded


class Unavailable(SpeechError):
    """There is no room or no runner at the moment; the same request may succeed later."""

    status = 503
    kind = "server_error"


class TimedOut(SpeechError):
    """The deadline of the request passed before its work was done."""

    status = 504
    kind = "server_error"


class Failed(SpeechError):
    """A runner broke in a way that nobody foresaw."""


class SettingsError(Exception):
    """The configuration is wrong; the message names the entry and the valid choices."""


class WeightsError(Exception):
    """Weights are missing, damaged, or not the ones that were pinned."""
