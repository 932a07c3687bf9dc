"""What is wrong with a file's values, said with line and field."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tasks.core.errors import InputError
from tasks.core.yaml import Document, FieldPath

MOST_PROBLEMS = 20
"""Faults of one file that are named at once."""

T = TypeVar("T")


class Problem(NamedTuple):
    """Something wrong at a field, e.g. at `("characters", 2, "place")`."""

    path: FieldPath
    message: str

    @property
    def field(self) -> str:
        """The path as people write it: `characters[2].place`."""
        return spell_path(self.path)


def spell_path(path: FieldPath) -> str:
    """`("characters", 2, "place")` as `characters[2].place`."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest of the known words, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The field of pydantic's first complaint, as people write it, and what it says."""
    first = error.errors(include_url=False, include_input=False)[0]
    return spell_path(first["loc"]), first["msg"]


def validated(kind: type[T], document: Document) -> T:
    """The values of a file as a model or a collection of models. Raises InputError."""
    try:
        # As JSON, so that being strict still lets a date be written as text.
        return TypeAdapter(kind).validate_json(document.json, strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        refuse((_problem(kind, one, document) for one in details), document)
        raise


def refuse(problems: Iterable[Problem], document: Document) -> None:
    """Raise what is wrong, in the order of the file's lines."""
    found = list(islice(problems, MOST_PROBLEMS + 1))
    if not found:
        return
    more = found[MOST_PROBLEMS:]
    placed = sorted((_line(document, p.path), p.field, p.message) for p in found[:MOST_PROBLEMS])
    file = document.file
    rest = [InputError(m, file=file, line=line, field=field) for line, field, m in placed[1:]]
    if more:
        rest.append(InputError("there is more; mend these first", file=file))
    line, field, message = placed[0]
    raise InputError(message, file=file, line=line, field=field, also=rest)


def _line(document: Document, path: FieldPath) -> int:
    """The line of a path, or of the nearest thing round it that the file has."""
    while path not in document.lines:
        path = path[:-1]
    return document.lines[path]


def _problem(kind: type, error: ErrorDetails, document: Document) -> Problem:
    path = tuple(_real_steps(error["loc"], error["type"], document.values))
    if error["type"].startswith("union_tag"):
        path = (*path, error["ctx"]["discriminator"].strip("'"))
    return Problem(path, _message(kind, error, path))


def _real_steps(loc: FieldPath, kind: str, values: Any) -> Iterator[str | int]:
    """The steps of an error that the file has too: pydantic adds the kind of a union's member."""
    for at, step in enumerate(loc):
        here = isinstance(values, dict) and step in values
        here = here or (isinstance(values, list) and isinstance(step, int) and step < len(values))
        if here:
            values = values[step]
            yield step
        elif at == len(loc) - 1 and kind == "missing":
            yield step


def _message(kind: type, error: ErrorDetails, path: FieldPath) -> str:
    context = error.get("ctx", {})
    given = error["input"]
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return "is missing"
        case "extra_forbidden":
            return f"unknown field{did_you_mean(str(path[-1]), _fields(kind, error['loc']))}"
        case "string_pattern_mismatch":
            return f"'{given}' must be 1 to 64 of a-z, 0-9, '_' and '-', first a letter or digit"
        case "literal_error":
            return f"'{given}' is not one of {context['expected']}"
        case "union_tag_invalid":
            return f"'{context['tag']}' is not one of {context['expected_tags']}"
        case "timezone_naive":
            return "must not have a time zone: times are of the world's own calendar"
        case "datetime_parsing" | "datetime_from_date_parsing" | "datetime_type":
            return "must be a date and a time, as 2025-10-17T21:40:00"
        case "date_parsing" | "date_from_datetime_parsing" | "date_type":
            return "must be a date, as 1991-02-11"
        case "string_type":
            return "must be a text; put it in quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "list_type" | "tuple_type" | "set_type" | "frozen_set_type":
            return "must be a list, as [one, two]"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be `field: value` lines"
    return error["msg"].removeprefix("Input ")


def _fields(kind: type, loc: FieldPath) -> list[str]:
    """The fields that could stand where the last step of `loc` does."""
    here = list(_models(kind))
    for step in loc[:-1]:
        inner = [m.model_fields[step].annotation for m in here if step in m.model_fields]
        if inner:
            here = [found for annotation in inner for found in _models(annotation)]
        elif isinstance(step, str):
            here = [m for m in here if step in get_args(m.model_fields["kind"].annotation)]
    return [name for found in here for name in found.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
