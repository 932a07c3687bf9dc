"""Write a story's exports into its folder, each file whole or not at all."""

import json
from collections.abc import Callable
from dataclasses import dataclass
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

Render = Callable[[Story, Receipt | None], str | bytes | None]
"""Makes a file's content of a story and its receipt; None: there is nothing to write."""


@dataclass(frozen=True)
class Export:
    """One file of a story's folder."""

    file: str
    render: Render


@cache
def _schema() -> str:
    return json.dumps(Story.model_json_schema(), indent=1)


EXPORTS: dict[str, Export] = {
    "json": Export("story.json", lambda story, _: story.model_dump_json(indent=1)),
    "schema": Export("story.schema.json", lambda story, receipt: _schema()),
    "html": Export("index.html", render_page),
    "harlowe": Export("harlowe.twee", lambda story, _: to_twee(story, "Harlowe")),
    "sugarcube": Export("sugarcube.twee", lambda story, _: to_twee(story, "SugarCube")),
    "ink": Export("story.ink", lambda story, _: to_ink(story)),
    "markdown": Export("story.md", lambda story, _: to_markdown(story)),
    "epub": Export("story.epub", lambda story, _: to_epub(story)),
    "svg": Export("map.svg", lambda story, _: story_map_svg(story)),
    "png": Export("map.png", lambda story, _: story_map_png(story)),
    "receipt": Export(
        "receipt.json", lambda _, receipt: None if receipt is None else _receipt(receipt)
    ),
}
"""The exports, by format. A new one is a function and a row."""


def export_story(story: Story, folder: Path, receipt: Receipt | None = None) -> dict[str, Path]:
    """The files written, by format. Raises OSError if the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for name, export in EXPORTS.items():
        content = export.render(story, receipt)
        if content is not None:
            written[name] = folder / export.file
            replace_file(written[name], content)
    return written


def export_receipt(receipt: Receipt, folder: Path) -> Path:
    """Write a run's receipt into a story's folder; the file. Raises OSError."""
    file = folder / EXPORTS["receipt"].file
    replace_file(file, _receipt(receipt))
    return file


def _receipt(receipt: Receipt) -> str:
    return receipt.model_dump_json(indent=1)
