"""Those of a family's options that a job may set for itself: the numbers that have bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args, get_type_hints

import attrs
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from errors import InvalidInput
from tasks import Knob

Options = TypeVar("Options")


def knobs_of(options: object) -> tuple[Knob, ...]:
    """What the class of an entry's options declares as `Annotated[float, Field(ge=…, le=…)]`."""
    found = []
    for name, hint in get_type_hints(type(options), include_extras=True).items():
        for declared in get_args(hint)[1:]:
            if isinstance(declared, FieldInfo):
                bounds: dict[type, Any] = {type(one): one for one in declared.metadata}
                least, most = bounds[Ge].ge, bounds[Le].le
                found.append(Knob(name, least, most, getattr(options, name)))
    return tuple(found)


def adjusted(options: Options, values: Mapping[str, float]) -> Options:
    """The options of one job, whose values were checked by the card's knobs."""
    known: Any = options
    changed: Options = attrs.evolve(known, **values)
    return changed


def checked(
    asked: Mapping[str, float], knobs: Iterable[Knob], model: str, param: str
) -> Mapping[str, float]:
    """What a request in its field `param` asks of a model's knobs, or a refusal that lists them."""
    known = {knob.name: knob for knob in knobs}
    offered = ", ".join(f"{one.name} ({one.least:g} to {one.most:g})" for one in known.values())
    for name, value in asked.items():
        if name not in known or not known[name].least <= value <= known[name].most:
            raise InvalidInput(
                f"The model '{model}' cannot have {name} {value:g} for an option. "
                f"Its options: {offered or 'none'}.",
                param=f"{param}.{name}",
            )
    return asked
