"""What OpenAPI says of routes that read their bodies themselves, and of answers in several shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

ONE_FILE: Mapping[str, bool] = MappingProxyType({"file": True})
COMPONENTS = "#/components/schemas/{model}"


def documented(
    *json: type[BaseModel],
    form: type[BaseModel] | None = None,
    files: Mapping[str, bool] = ONE_FILE,
) -> dict[str, Any]:
    """The body of a route: a form with the schema's fields and files, or JSON of one of the shapes.

    `files` says of each whether it must be there.
    """
    content = {}
    if form:
        content["multipart/form-data"] = {"schema": _form(form, files)}
    if json:
        # Not oneOf: a short body may be of both shapes, and then the Accept header decides.
        shapes = [reference(shape) for shape in json]
        content["application/json"] = {
            "schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        }
    return {"requestBody": {"required": True, "content": content}}


def answers(*media_types: str, json: Mapping[str, Any]) -> dict[int | str, Any]:
    """The good answer of a route: files or streams of these types, or JSON."""
    content = {kind: {"schema": {"type": "string"}} for kind in media_types}
    content["application/json"] = {"schema": dict(json)}
    return {200: {"description": "What was asked for", "content": content}}


def reference(shape: type[BaseModel]) -> dict[str, Any]:
    """Points to where `add_schemas` puts the shape."""
    return {"$ref": COMPONENTS.format(model=shape.__name__)}


def add_schemas(document: dict[str, Any], shapes: Sequence[type[BaseModel]]) -> None:
    _, schemas = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=COMPONENTS
    )
    document["components"]["schemas"].update(schemas["$defs"])


def _form(schema: type[BaseModel], files: Mapping[str, bool]) -> dict[str, Any]:
    fields = schema.model_json_schema(ref_template="#/$defs/{model}")
    file = {"type": "string", "format": "binary", "description": "The sound, in any usual format."}
    fields["properties"] = {**dict.fromkeys(files, file), **fields["properties"]}
    needed = [name for name, must in files.items() if must]
    fields["required"] = [*needed, *fields.get("required", [])]
    return inlined(fields)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands by itself."""
    definitions = schema.pop("$defs", {})
    found: dict[str, Any] = _inlined(schema, definitions)
    return found


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its references replaced by what they mean: a route has no place for them."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items()}
