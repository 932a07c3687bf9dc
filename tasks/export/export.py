"""Write a story's exports into its folder, each file whole or not at all."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tasks.core.files import replace_file
from tasks.export.epub import to_epub
from tasks.export.ink import to_ink
from tasks.export.markdown import to_markdown
from tasks.export.page import render_page
from tasks.export.story_map import story_map_png, story_map_svg
from tasks.export.twee import to_twee
from tasks.story.receipt import Receipt
from tasks.story.story import Story

FILES = {
    "json": "story.json",
    "schema": "story.schema.json",
    "html": "index.html",
    "harlowe": "harlowe.twee",
    "sugarcube": "sugarcube.twee",
    "ink": "story.ink",
    "markdown": "story.md",
    "epub": "story.epub",
    "svg": "map.svg",
    "png": "map.png",
    "receipt": "receipt.json",
}
"""The names of the exports, by format."""


def export_story(story: Story, folder: Path, receipt: Receipt | None = None) -> dict[str, Path]:
    """The files written, by format. Raises OSError if the folder cannot be written."""
    renders: dict[str, Callable[[], str | bytes]] = {
        "json": lambda: story.model_dump_json(indent=1),
        "schema": _schema,
        "html": lambda: render_page(story, receipt),
        "harlowe": lambda: to_twee(story, "Harlowe"),
        "sugarcube": lambda: to_twee(story, "SugarCube"),
        "ink": lambda: to_ink(story),
        "markdown": lambda: to_markdown(story),
        "epub": lambda: to_epub(story),
        "svg": lambda: story_map_svg(story),
        "png": lambda: story_map_png(story),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for name, render in renders.items():
        written[name] = folder / FILES[name]
        replace_file(written[name], render())
    if receipt is not None:
        written["receipt"] = export_receipt(receipt, folder)
    return written


def export_receipt(receipt: Receipt, folder: Path) -> Path:
    """Write a run's receipt into a story's folder; the file. Raises OSError."""
    file = folder / FILES["receipt"]
    replace_file(file, receipt.model_dump_json(indent=1))
    return file


@cache
def _schema() -> str:
    return json.dumps(Story.model_json_schema(), indent=1)
