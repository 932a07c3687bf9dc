"""Worlds and briefs from YAML files; what is wrong with one is said with its line and field."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from examples import boundary_sets, worlds
from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.errors import InputError
from tasks.core.validation import refuse, validated
from tasks.core.yaml import Document, read_yaml
from tasks.story.brief import Brief
from tasks.story.world import BoundarySet, World
from tasks.world.references import brief_problems, world_problems

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
    refuse(world_problems(world), document)
    return world


@cache_by_identity(64)
def _brief(document: Document, world: World) -> Brief:
    brief = _validate(Brief, document)
    refuse(brief_problems(brief, world), document)
    return brief


def _world_file(source: str | Path) -> Path:
    return worlds().get(str(source)) or Path(source).expanduser()


def _briefs(world_file: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted((world_file.parent / "briefs").glob("*.yaml"))}


def _validate(model: type[M], document: Document) -> M:
    _refuse_another_kind(model, document)
    return validated(model, document)


def _refuse_another_kind(model: type[BaseModel], document: Document) -> None:
    """Raise InputError for a sound file that is of another kind."""
    fields = document.values.keys()
    for other in (World, Brief, BoundarySet):
        needed = {name for name, field in other.model_fields.items() if field.is_required()}
        if other is not model and needed <= fields <= other.model_fields.keys():
            kinds = {World: "world", Brief: "brief", BoundarySet: "set of boundaries"}
            message = f"this is a {kinds[other]}; a {kinds[model]} is wanted"
            raise InputError(message, file=document.file, line=1)
