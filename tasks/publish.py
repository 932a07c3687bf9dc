"""Publish: a story's exports in a folder or any storage fsspec knows, under one index page."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import fsspec
from fsspec import AbstractFileSystem
from prefect import task
from pydantic import TypeAdapter, ValidationError

from tasks.core.errors import UserError
from tasks.core.files import locked
from tasks.core.scrub import without_user
from tasks.core.settings import Settings
from tasks.export import EXPORTS
from tasks.export.page import render_shelf
from tasks.story.published import Published
from tasks.story.story import Story

_STORIES = TypeAdapter(dict[str, Published])
"""By id."""

RECORDS = "published"
"""The folder that has a record of each published version, which nobody else writes."""


@task(name="publish", task_run_name="{story.id}: publish")
def publish(story: Story, folder: Path, to: str) -> str:
    """Copy a story's exports below `to` and name it on the index page there; the URL of its
    page.

    `to` is a folder or an fsspec URL such as s3://bucket/stories. Readers never see half a story:
    each time its files go to a new folder, and the index names that when all are there. Machines
    that publish to one place at the same time lose no story. Raises UserError if the storage cannot
    be written.
    """
    try:
        files, root = fsspec.core.url_to_fs(to)
        place = f"{story.id}/{uuid4().hex[:8]}"
        files.makedirs(f"{root}/{place}", exist_ok=True)
        for name in sorted(export.file for export in EXPORTS.values()):
            # A link that somebody put there may lead to what is not to be read.
            if (folder / name).is_file() and not (folder / name).is_symlink():
                files.put_file(str(folder / name), f"{root}/{place}/{name}")
        published = Published(
            id=story.id,
            title=story.title,
            world=story.world.title,
            written_by=story.written_by,
            seed=story.seed,
            scenes=len(story.scenes),
            endings=sum(1 for scene in story.scenes if scene.ending),
            at=datetime.now(UTC),
            page=f"{place}/index.html",
        )
        files.makedirs(f"{root}/{RECORDS}", exist_ok=True)
        record = f"{root}/{RECORDS}/{published.record}"
        _replace(files, record, published.model_dump_json(indent=1))
        # Each story of this machine reads the index and writes it whole.
        with locked(Settings().made_home() / "publish.lock"):
            _index(files, root)
            _clear(files, root, published)
    except Exception as error:  # every storage has errors of its own
        reason = f"{type(error).__name__}: {error}"
        told = f"The story cannot be published to {to}: {reason}"
        raise UserError(without_user(told)) from None
    return str(files.unstrip_protocol(f"{root}/{place}/index.html"))


def _index(files: AbstractFileSystem, root: str) -> None:
    """Write the index of all that is published, again if another machine published meanwhile: its
    index may be the one that ours took the place of."""
    known = _known(files, f"{root}/stories.json")
    records: set[str] | None = None
    while records != (now := set(_names(files, root))):
        records = now
        found = [known.get(name) or _record(files, root, name) for name in records]
        versions = sorted((one for one in found if one is not None), key=lambda one: one.at)
        known = {one.record: one for one in versions}
        stories = {one.id: one for one in versions}
        newest = sorted(stories.values(), key=lambda one: one.at, reverse=True)
        _replace(files, f"{root}/stories.json", _STORIES.dump_json(stories, indent=1).decode())
        _replace(files, f"{root}/index.html", render_shelf(newest))


def _clear(files: AbstractFileSystem, root: str, published: Published) -> None:
    """Take away what was published of a story before."""
    for name in _names(files, root):
        if name.startswith(f"{published.id}.") and name != published.record:
            before = _record(files, root, name)
            if before is not None and before.at < published.at:
                files.rm(f"{root}/{RECORDS}/{name}")
                files.rm(f"{root}/{before.page.rpartition('/')[0]}", recursive=True)


def _names(files: AbstractFileSystem, root: str) -> list[str]:
    """The names of all records."""
    found = files.ls(f"{root}/{RECORDS}", detail=False, refresh=True)
    names = (path.rpartition("/")[2] for path in found)
    return [name for name in names if name.endswith(".json")]


def _record(files: AbstractFileSystem, root: str, name: str) -> Published | None:
    """None for one that another machine has just taken away, or that does not fit its name: it is
    no word of ours, and what it names is not ours to delete."""
    try:
        found = Published.model_validate_json(files.cat_file(f"{root}/{RECORDS}/{name}"))
    except (FileNotFoundError, ValidationError):
        return None
    return found if found.record == name and found.page.startswith(f"{found.id}/") else None


def _known(files: AbstractFileSystem, path: str) -> dict[str, Published]:
    try:
        stories = _STORIES.validate_json(files.cat_file(path))
    except (FileNotFoundError, ValidationError):
        return {}
    return {one.record: one for one in stories.values()}


def _replace(files: AbstractFileSystem, path: str, text: str) -> None:
    """Write a file so that readers see the old or the new one."""
    new = f"{path}.{uuid4().hex[:8]}.new"
    files.pipe_file(new, text.encode())
    files.mv(new, path)
