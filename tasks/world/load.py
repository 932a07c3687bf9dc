"""Worlds and briefs from YAML files; what is wrong with one is said with its line and field."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from examples import boundary_sets, worlds
from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.errors import InputError
from tasks.core.yaml import Document, read_yaml
from tasks.story.brief import Brief
from tasks.story.references import Problem, brief_problems, did_you_mean, world_problems
from tasks.story.world import BoundarySet, World

MOST_PROBLEMS = 20
"""Faults of one file that are named at once."""

M = TypeVar("M", bound=BaseModel)


def load_world(source: str | Path) -> World:
    """The world of a file, or the shipped world of that name. Raises InputError."""
    file = _world_file(source)
    # pathlib raises for a name that no file can have; os.path says that there is none.
    if not os.path.exists(file):
        shipped = ", ".join(worlds())
        message = f"there is no such world file; worlds that come with Talewright: {shipped}"
        raise InputError(message, file=file)
    return _world(read_yaml(file))


def load_brief(source: str | Path, world: World, world_source: str | Path = "") -> Brief:
    """The brief of a file, or of that name in `briefs/` beside the world; the first there if
    `source` is empty.

    `world_source` is what the world was loaded from; without it, the world is a shipped one.
    Raises InputError.
    """
    beside = _briefs(_world_file(world_source or world.id))
    file = beside.get(str(source)) or Path(source).expanduser()
    if source == "":
        if not beside:
            folder = _world_file(world_source or world.id).parent / "briefs"
            raise InputError("put a brief here, as NAME.yaml, or name one", file=folder)
        file = next(iter(beside.values()))
    elif not os.path.exists(file):
        hint = f"; briefs beside the world: {', '.join(beside)}" if beside else ""
        raise InputError(f"there is no such brief file{hint}", file=file)
    return _brief(read_yaml(file), world)


def load_boundaries(sources: str) -> list[BoundarySet]:
    """The sets of boundaries of a list such as `young-readers, mine.yaml`. Raises InputError."""
    sets = []
    for source in filter(None, (part.strip() for part in sources.split(","))):
        file = boundary_sets().get(source) or Path(source).expanduser()
        if not os.path.exists(file):
            shipped = ", ".join(boundary_sets())
            message = f"there is no such set of boundaries; Talewright comes with {shipped}"
            raise InputError(message, file=file)
        sets.append(_validate(BoundarySet, read_yaml(file)))
    return sets


@cache_by_identity(16)
def _world(document: Document) -> World:
    """One object for all stories of a batch, so that what is worked out about it is, too."""
    world = _validate(World, document)
    _refuse(world_problems(world), document)
    return world


@cache_by_identity(64)
def _brief(document: Document, world: World) -> Brief:
    brief = _validate(Brief, document)
    _refuse(brief_problems(brief, world), document)
    return brief


def _world_file(source: str | Path) -> Path:
    return worlds().get(str(source)) or Path(source).expanduser()


def _briefs(world_file: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted((world_file.parent / "briefs").glob("*.yaml"))}


def _validate(model: type[M], document: Document) -> M:
    try:
        # As JSON, so that being strict still lets a date be written as text.
        return model.model_validate_json(document.json, strict=True)
    except ValidationError as error:
        _refuse_another_kind(model, document)
        details = error.errors(include_url=False, include_context=True)
        _refuse((_problem(model, one, document) for one in details), document)
        raise


def _refuse_another_kind(model: type[BaseModel], document: Document) -> None:
    """Raise InputError for a sound file that is of another kind."""
    fields = document.values.keys()
    for other in (World, Brief, BoundarySet):
        needed = {name for name, field in other.model_fields.items() if field.is_required()}
        if other is not model and needed <= fields <= other.model_fields.keys():
            kinds = {World: "world", Brief: "brief", BoundarySet: "set of boundaries"}
            message = f"this is a {kinds[other]}; a {kinds[model]} is wanted"
            raise InputError(message, file=document.file, line=1)


def _refuse(problems: Iterable[Problem], document: Document) -> None:
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


def _line(document: Document, path: tuple[str | int, ...]) -> int:
    """The line of a path, or of the nearest thing round it that the file has."""
    while path not in document.lines:
        path = path[:-1]
    return document.lines[path]


def _problem(model: type[BaseModel], error: ErrorDetails, document: Document) -> Problem:
    path = tuple(_real_steps(error["loc"], error["type"], document.values))
    if error["type"].startswith("union_tag"):
        path = (*path, error["ctx"]["discriminator"].strip("'"))
    return Problem(path, _message(model, error, path))


def _real_steps(loc: tuple[str | int, ...], kind: str, values: Any) -> Iterator[str | int]:
    """The steps of an error that the file has too: pydantic adds the kind of a union's member."""
    for at, step in enumerate(loc):
        here = isinstance(values, dict) and step in values
        here = here or (isinstance(values, list) and isinstance(step, int) and step < len(values))
        if here:
            values = values[step]
            yield step
        elif at == len(loc) - 1 and kind == "missing":
            yield step


def _message(model: type[BaseModel], error: ErrorDetails, path: tuple[str | int, ...]) -> str:
    context = error.get("ctx", {})
    given = error["input"]
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return "is missing"
        case "extra_forbidden":
            return f"unknown field{did_you_mean(str(path[-1]), _fields(model, error['loc']))}"
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


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The fields that could stand where the last step of `loc` does."""
    here: list[type[BaseModel]] = [model]
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
