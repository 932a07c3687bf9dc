"""Publish: a story's exports in a folder or any storage fsspec knows, under one index page."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from uuid import uuid4

import fsspec
from fsspec import AbstractFileSystem
from prefect import task
from pydantic import TypeAdapter, ValidationError

from tasks.errors import UserError
from tasks.settings import Settings
from tasks.story.base import Id, Line, Model
from tasks.story.story import Story

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Stories</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.6 Georgia, serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }}
ul {{ list-style: none; padding: 0 }} li {{ margin: 0 0 1.2rem }} small {{ opacity: .8 }}
</style>
<h1>Stories</h1>
<ul>
{stories}
</ul>
</html>
"""


class Published(Model):
    """A story on the index page."""

    id: Id
    title: Line
    written_by: Line
    scenes: int
    at: datetime
    page: str


_INDEX = TypeAdapter(dict[str, Published])


@task(name="publish", task_run_name="{story.id}: publish")
def publish(story: Story, folder: Path, to: str) -> str:
    """Copy a story's exports below `to` and name it on the index page there; the URL of its
    page.

    `to` is a folder or an fsspec URL such as s3://bucket/stories. Readers never see half a story:
    each time its files go to a new folder, and the index names that when all are there. Raises
    UserError if the storage cannot be written.
    """
    try:
        files, root = fsspec.core.url_to_fs(to)
        place = f"{story.id}/{uuid4().hex[:8]}"
        files.makedirs(f"{root}/{place}", exist_ok=True)
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            files.put_file(str(file), f"{root}/{place}/{file.name}")
        with _alone():
            _name(files, root, story, f"{place}/index.html")
    except Exception as error:  # every storage has errors of its own
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"The story cannot be published to {to}: {reason}") from None
    return str(files.unstrip_protocol(f"{root}/{place}/index.html"))


@contextmanager
def _alone() -> Iterator[None]:
    """The index is read and written whole: by one story at a time, of all processes here."""
    home = Settings().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _name(files: AbstractFileSystem, root: str, story: Story, page: str) -> None:
    """Put a story on the index page, in place of what was published of it before."""
    index = _read(files, f"{root}/stories.json")
    before = index.get(story.id)
    index[story.id] = Published(
        id=story.id,
        title=story.title,
        written_by=story.written_by,
        scenes=len(story.scenes),
        at=datetime.now(UTC),
        page=page,
    )
    _replace(files, f"{root}/stories.json", _INDEX.dump_json(index, indent=1).decode())
    newest = sorted(index.values(), key=lambda published: published.at, reverse=True)
    _replace(files, f"{root}/index.html", PAGE.format(stories="\n".join(map(_item, newest))))
    if before is not None:
        files.rm(f"{root}/{before.page.rpartition('/')[0]}", recursive=True)


def _read(files: AbstractFileSystem, path: str) -> dict[str, Published]:
    try:
        return _INDEX.validate_json(files.cat_file(path))
    except (FileNotFoundError, ValidationError, json.JSONDecodeError):
        return {}


def _replace(files: AbstractFileSystem, path: str, text: str) -> None:
    """Write a file so that readers see the old or the new one."""
    files.pipe_file(f"{path}.new", text.encode())
    files.mv(f"{path}.new", path)


def _item(published: Published) -> str:
    return (
        f'<li><a href="{escape(published.page, quote=True)}">{escape(published.title)}</a><br>'
        f"<small>{published.scenes} scenes, written by {escape(published.written_by)}, "
        f"{published.at:%Y-%m-%d}</small></li>"
    )
