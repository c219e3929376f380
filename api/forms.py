"""Multipart forms as OpenAI's SDKs write them: repeated `name[]`, nested `name[key]`, or JSON in a field."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from api.errors import from_validation
from api.json_body import JsonBody, media_type, read_json
from errors import InvalidInput

Form = TypeVar("Form", bound=BaseModel)

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
# Bytes: ten seconds of a known speaker's voice in base64, at 48 kHz and in stereo.
LONGEST_FIELD = 4 * 2**20
NESTED = re.compile(r"^(\w+)\[(\w*)\]$")


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[FormData]:
    """The form, its files spooled to disk until the answer has been sent."""
    if (kind := media_type(request)) not in FORMS:
        raise InvalidInput(
            f"Expected a body of multipart/form-data, not {kind or 'one without a type'}."
        )
    try:
        form = await request.form(max_files=8, max_fields=1000, max_part_size=LONGEST_FIELD)
    except (HTTPException, FormParserError, ValueError, KeyError) as error:
        reason = getattr(error, "detail", None) or str(error)
        raise InvalidInput(f"The form cannot be read: {reason}") from error
    try:
        yield form
    finally:
        await form.close()


async def _read_either(request: Request) -> AsyncIterator[FormData | JsonBody]:
    """A form as OpenAI's clients send it, or JSON as those of Harmony Speech Engine do."""
    kind = media_type(request)
    if kind not in (*FORMS, "application/json"):
        raise InvalidInput(
            "Expected a body of multipart/form-data or application/json, "
            f"not {kind or 'one without a type'}."
        )
    async with read_json(request) if kind == "application/json" else read_form(request) as body:
        yield body


async def _only_form(request: Request) -> AsyncIterator[FormData]:
    async with read_form(request) as form:
        yield form


UsingForm = Annotated[FormData, Depends(_only_form)]
UsingFormOrJson = Annotated[FormData | JsonBody, Depends(_read_either)]


def parse_form(form: FormData, schema: type[Form], files: Collection[str] = ("file",)) -> Form:
    """The text fields as the schema wants them; the files are left to the route."""
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and name not in files:
            raise InvalidInput(
                f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter"
            )
    lists = {name for name, field in schema.model_fields.items() if _is_list(field.annotation)}
    tree = _tree(form.multi_items(), lists)
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        raise from_validation(error.errors()) from error


def from_json(value: Any) -> Any:
    """An object written as JSON, as curl users send chunking_strategy; all else as it is."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def upload(form: FormData, name: str = "file") -> UploadFile:
    """The one file of a form."""
    files = [value for value in form.getlist(name) if isinstance(value, UploadFile)]
    if len(files) != 1:
        given = "Missing required parameter" if not files else "Only one file is taken"
        raise InvalidInput(f"{given}: '{name}' (a file in multipart/form-data).", param=name)
    if form.getlist(name)[1:]:
        raise InvalidInput(f"Only one file is taken: '{name}'.", param=name)
    return files[0]


def upload_if_any(form: FormData, name: str) -> UploadFile | None:
    """The one file of a form, or nothing."""
    return upload(form, name) if form.getlist(name) else None


def _tree(items: Iterable[tuple[str, UploadFile | str]], lists: set[str]) -> Mapping[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in items:
        if isinstance(value, UploadFile):
            continue
        nested = NESTED.match(key)
        name, inner = nested.groups() if nested else (key, "")
        if inner:
            branch = tree.setdefault(name, {})
            if not isinstance(branch, dict):
                raise InvalidInput(f"'{name}' is given both whole and in parts.", param=name)
            branch[inner] = value
        elif name in lists or nested:
            values = tree.setdefault(name, [])
            if not isinstance(values, list):
                raise InvalidInput(f"'{name}' is given both whole and in parts.", param=name)
            values.append(value)
        elif name in tree:
            raise InvalidInput(f"'{name}' is given twice.", param=name)
        else:
            tree[name] = value
    return tree


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list
