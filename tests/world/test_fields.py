"""Every field of a world, wrong in turn, is named with its file and line."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tasks.core.validation import spell_path
from tasks.core.yaml import FieldPath
from tasks.world.load import load_world
from tests.world.worlds import line_of, refusal

WORLD = load_world("the-lighthouse")
DATA = WORLD.model_dump(mode="json")


def parts(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, BaseModel]]:
    """Every model in a world, with its path."""
    if isinstance(value, BaseModel):
        yield path, value
        for name in type(value).model_fields:
            yield from parts(getattr(value, name), (*path, name))
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from parts(one, (*path, at))


FIRST: dict[type[BaseModel], FieldPath] = {}
for where, part in parts(WORLD):
    FIRST.setdefault(type(part), where)
FIELDS = [(model, name, path) for model, path in FIRST.items() for name in model.model_fields]
REQUIRED = [one for one in FIELDS if one[0].model_fields[one[1]].is_required()]


def named(one: Any) -> str:
    return one.__name__ if isinstance(one, type) else str(one) if isinstance(one, str) else ""


def changed(path: FieldPath) -> tuple[Any, Any]:
    """A copy of the world's data, and the part of it at a path."""
    data = copy.deepcopy(DATA)
    part: Any = data
    for step in path:
        part = part[step]
    return data, part


def spelled(data: Any) -> str:
    """JSON, which is YAML with every field on a line of its own."""
    return json.dumps(data, indent=1, ensure_ascii=False)


def test_every_kind_of_part_is_broken() -> None:
    assert {model.__name__ for model in FIRST} == {
        "World", "Character", "Relationship", "Place", "Road", "Item", "Fact", "Rule",
        "ForbidTerms", "ForbidEffect", "LimitEffect", "Event", "Boundary",
    }  # fmt: skip


@pytest.mark.parametrize(("model", "name", "path"), FIELDS, ids=named)
def test_wrong_type(model: type[BaseModel], name: str, path: FieldPath, tmp_path: Path) -> None:
    data, part = changed(path)
    # A number is no text, and this text is no number, date, list or part.
    holds_text = "str" in str(model.model_fields[name].annotation) and not isinstance(
        part[name], list
    )
    part[name] = 424242 if holds_text or isinstance(part[name], str) else "x424242"
    text = spelled(data)
    error = refusal(tmp_path, text)
    assert error.field == spell_path((*path, name))
    assert error.line == line_of(text, "424242")


@pytest.mark.parametrize(("model", "name", "path"), REQUIRED, ids=named)
def test_missing(model: type[BaseModel], name: str, path: FieldPath, tmp_path: Path) -> None:
    data, part = changed(path)
    del part[name]
    error = refusal(tmp_path, spelled(data))
    assert error.field == spell_path((*path, name))
    assert error.line
    assert "is missing" in str(error)


@pytest.mark.parametrize(("model", "name", "path"), FIELDS, ids=named)
def test_misspelt(model: type[BaseModel], name: str, path: FieldPath, tmp_path: Path) -> None:
    data, part = changed(path)
    part[name + "x"] = 424242
    text = spelled(data)
    error = refusal(tmp_path, text)
    assert error.field == spell_path((*path, name + "x"))
    assert error.line == line_of(text, "424242")
    assert f"did you mean '{name}'?" in str(error)
