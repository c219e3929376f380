"""The steps of `pre_processing_filters` and `post_generation_filters`, as requests write them.

    [{"filter": "highpass"}, {"model": "a-denoiser"}, {"filter": "loudness", "target": -16}]

A list in JSON; in a form the same as a string. A step of a model may as well be written as Harmony Speech
Engine writes its requests for conversion, with `generation_options` and `output_options`.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from api.documented import inlined
from api.engine.wire import OrZero, Text, only
from api.json_body import EncodedFile
from api.request import Seed
from api.voice_file import VoiceFile
from audio import filters
from audio.filters import Filter

MOST_STEPS = 8
MOST_SPEED = 4  # of all steps together: each doubles the work of those behind it
HOW = 'a list of steps like {"filter": "loudness"} or {"model": "…"}'


class FilterStep(BaseModel):
    """A filter that needs no weights."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    filter: str

    @abstractmethod
    def made(self) -> Filter: ...


class LoudnessStep(FilterStep):
    """As loud as `target` LUFS, by EBU R128."""

    filter: Literal["loudness"]
    target: float = Field(-16.0, ge=-60, le=-5)

    def made(self) -> Filter:
        return filters.Loudness(self.target)


class TrimStep(FilterStep):
    """Without silence at its ends: what has no sample above `threshold` dBFS, but for `keep` seconds."""

    filter: Literal["trim"]
    threshold: float = Field(-50.0, ge=-80, le=-20)
    keep: float = Field(0.1, ge=0, le=5)

    def made(self) -> Filter:
        return filters.Trim(self.threshold, self.keep)


class DcStep(FilterStep):
    """Without a constant offset."""

    filter: Literal["dc"]

    def made(self) -> Filter:
        return filters.RemoveDC()


class HighPassStep(FilterStep):
    """Without what is below `frequency` Hz: 12 dB an octave."""

    filter: Literal["highpass"]
    frequency: float = Field(80.0, ge=20, le=1000)

    def made(self) -> Filter:
        return filters.HighPass(self.frequency)


class ResampleStep(FilterStep):
    """At another sample rate."""

    filter: Literal["resample"]
    rate: int = Field(ge=8000, le=48000)

    def made(self) -> Filter:
        return filters.Resample(self.rate)


class FadeStep(FilterStep):
    """In and out: seconds at the start and at the end."""

    filter: Literal["fade"]
    start: float = Field(0.02, ge=0, le=30)
    end: float = Field(0.02, ge=0, le=30)

    def made(self) -> Filter:
        return filters.Fade(self.start, self.end)


class SpeedStep(FilterStep):
    """Faster or slower, at the same pitch."""

    filter: Literal["speed"]
    factor: float = Field(ge=0.5, le=2)

    def made(self) -> Filter:
        return filters.Speed(self.factor)


KINDS: tuple[type[FilterStep], ...] = (
    LoudnessStep, TrimStep, DcStep, HighPassStep, ResampleStep, FadeStep, SpeedStep,
)  # fmt: skip


def _name(kind: type[FilterStep]) -> str:
    name: str = kind.model_fields["filter"].annotation.__args__[0]  # type: ignore[union-attr]
    return name


FILTERS: Mapping[str, type[FilterStep]] = {_name(kind): kind for kind in KINDS}

NOT_SPOKEN = "nothing is spoken in a filter; leave it out"
OWN_SOUND = "a filter takes the request's own sound; leave it out"
BETWEEN = "sound between two filters has no file's format; leave it out"


class StepGeneration(BaseModel):
    """The engine's `generation_options`, of which a filter has a seed."""

    model_config = ConfigDict(extra="forbid")

    seed: Seed = None
    style: Annotated[int | None, only(None, 0, because=NOT_SPOKEN)] = None
    speed: Annotated[float | None, only(None, 0, 1, because=NOT_SPOKEN)] = None
    pitch: Annotated[float | None, only(None, 0, 1, because=NOT_SPOKEN)] = None
    energy: Annotated[float | None, only(None, 0, 1, because=NOT_SPOKEN)] = None


class StepOutput(BaseModel):
    """The engine's `output_options`, of which a filter has a rate."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[str | None, only(None, "", "wav", because=BETWEEN)] = None
    sample_rate: Annotated[int | None, Field(ge=8000, le=48000), OrZero] = None
    stream: Annotated[bool | None, only(None, False, because=BETWEEN)] = None


class ModelStep(BaseModel):
    """A model or toolchain that restores sound, or one that converts it to the voice of a target."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str = Field(
        description="Empty: the first that restores, or with a target that converts."
    )
    mode: int = Field(0, ge=0, le=100, description="One of a restorer's ways of hearing.")
    seed: Seed = None
    target_embedding: VoiceFile = Field(None, description="Whose voice a converter shall give it.")
    target_audio: EncodedFile = Field(None, description="In its place, in JSON: a recording.")
    source_embedding: VoiceFile = Field(None, description="Who speaks, as far as that is known.")
    tau: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="How much of a conversion is left to chance."
    )
    source_audio: Annotated[EncodedFile, only(None, because=OWN_SOUND)] = None
    input_audio: Annotated[EncodedFile, only(None, because=OWN_SOUND)] = None
    language: Annotated[Text, only(None, because=NOT_SPOKEN)] = None
    generation_options: StepGeneration | None = None
    output_options: StepOutput | None = None

    for_restorers: ClassVar[tuple[str, ...]] = ("mode",)
    for_converters: ClassVar[tuple[str, ...]] = (
        "target_embedding", "target_audio", "source_embedding", "tau",
    )  # fmt: skip

    @property
    def chance(self) -> int | None:
        """The seed, by either of its names."""
        own = self.generation_options.seed if self.generation_options else None
        return own if self.seed is None else self.seed

    @property
    def converts(self) -> bool:
        """Whether there is a voice to convert to."""
        return self.target_embedding is not None or self.target_audio is not None

    @property
    def rate(self) -> int | None:
        return self.output_options.sample_rate if self.output_options else None


Wanted = FilterStep | ModelStep


def steps_of(value: Any, info: ValidationInfo) -> tuple[Wanted, ...]:
    """The steps in a field; nothing, and an empty string, are none."""
    told = _parsed(value) if isinstance(value, str) else value
    if told is None:
        return ()
    if not isinstance(told, list):
        raise ValueError(f"it should be {HOW}")
    if len(told) > MOST_STEPS:
        raise ValueError(f"it has {len(told)} steps; at most {MOST_STEPS} are taken")
    steps = tuple(_step(number, item, info.context) for number, item in enumerate(told, start=1))
    together = math.prod(step.factor for step in steps if isinstance(step, SpeedStep))
    if not 1 / MOST_SPEED <= together <= MOST_SPEED:
        raise ValueError(
            f"its speeds together are {together:g}; {1 / MOST_SPEED:g} to {MOST_SPEED:g} are possible"
        )
    return steps


def _parsed(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"it is no JSON; it should be {HOW}") from None


def _step(number: int, item: Any, context: Any) -> Wanted:
    kind = _kind(number, item)
    try:
        return kind.model_validate(item, context=context)
    except ValidationError as error:
        raise ValueError(f"step {number}: {_told(error.errors()[0], kind, item)}") from None


def _kind(number: int, item: Any) -> type[FilterStep] | type[ModelStep]:
    if not isinstance(item, dict) or ("filter" in item) == ("model" in item):
        raise ValueError(
            f"step {number} should have either a 'filter' ({', '.join(FILTERS)}) or a 'model'"
        )
    if "model" in item:
        return ModelStep
    name = item["filter"]
    if not isinstance(name, str) or name not in FILTERS:
        raise ValueError(f"step {number}: there is no such filter; known are {', '.join(FILTERS)}")
    return FILTERS[name]


def _told(problem: Any, kind: type[BaseModel], item: Mapping[str, Any]) -> str:
    """What is wrong with a step, and what would be right."""
    way = [str(part) for part in problem["loc"]]
    name = ".".join(way)[:80]
    if problem["type"] == "extra_forbidden":
        known = ", ".join(kind.model_fields) if len(way) == 1 else "those of the engine"
        return f"unknown key '{name}'; known are {known}"
    if problem["type"] == "missing":
        return f"'{name}' is missing{_range(kind, name)}"
    if bounds := _range(kind, name):
        return f"'{name}' is not valid{bounds}"
    return f"'{name}': {problem['msg'].removeprefix('Value error, ')}"


def _range(kind: type[BaseModel], name: str) -> str:
    """The bounds of a number, if it has any."""
    field = kind.model_fields.get(name)
    bounds = {type(one).__name__: one for one in field.metadata} if field else {}
    if not {"Ge", "Le"} <= bounds.keys():
        return ""
    return f": it is a number from {bounds['Ge'].ge:g} to {bounds['Le'].le:g}"


_SHAPES: tuple[type[BaseModel], ...] = (*KINDS, ModelStep)
_STEP = {"anyOf": [inlined(shape.model_json_schema()) for shape in _SHAPES]}
_LIST = {"type": "array", "items": _STEP, "maxItems": MOST_STEPS}
FilterSteps = Annotated[
    tuple[Wanted, ...],
    PlainValidator(steps_of),
    WithJsonSchema({"anyOf": [_LIST, {"type": "string"}, {"type": "null"}]}),
]

BEFORE, AFTER = "pre_processing_filters", "post_generation_filters"


class FiltersBefore(BaseModel):
    """What is done to the sound that a request brings, before anybody listens to it."""

    pre_processing_filters: FilterSteps = Field(
        (), description="Ours: filters for the sound of the request, in order."
    )


class FiltersAfter(BaseModel):
    """What is done to the sound that an answer is."""

    post_generation_filters: FilterSteps = Field(
        (), description="Ours: filters for the sound of the answer, in order."
    )
