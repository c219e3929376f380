"""What the engine's bodies have in common."""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# The engine took an empty string, and a zero among the options, for "not given".
Text = Annotated[str | None, BeforeValidator(lambda value: None if value == "" else value)]
OrZero = BeforeValidator(lambda value: None if value == 0 else value)


def only(*neutral: Any, because: str) -> AfterValidator:
    """A field on which nothing acts: it takes the values that change nothing, and refuses others."""

    def check(value: Any) -> Any:
        if value not in neutral:
            raise ValueError(because)
        return value

    return AfterValidator(check)


class Asked(BaseModel):
    """A body of the engine's; its `model` may be left empty."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field("", description="A configured model or an alias; empty: the first able one.")


class Answered(BaseModel):
    """What every answer of the engine's has."""

    id: str
    model: str
    created: int = Field(default_factory=lambda: int(time.time()))
