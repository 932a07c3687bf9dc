"""EPUB 3 for e-readers: a page for each scene, whose choices are links.

What follows from a choice stands at the head of the scene it leads to; where choices meet in one
scene, each has a page of its own before it.

https://www.w3.org/TR/epub-33/
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.core.plain_text import clean
from tasks.export import prose
from tasks.export.language import direction, tag_of
from tasks.export.twee import ifid
from tasks.story.story import Story

MIMETYPE = "application/epub+zip"
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the book, so that the same story makes the same bytes."""

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: clean(value) if isinstance(value, str) else value,
)
_ENVIRONMENT.filters["file"] = lambda scene: f"scene-{scene.scene_id}.xhtml"


def to_epub(story: Story) -> bytes:
    """The story as an EPUB file."""
    language = tag_of(story.world.language)
    known: dict[str, Any] = {
        "story": story,
        "prose": prose,
        "id": f"urn:uuid:{ifid(story)}",
        "language": language,
        "direction": direction(language),
    }
    pages = dict(_pages(story, known))
    files = {
        "META-INF/container.xml": CONTAINER,
        "book/package.opf": _render("package.opf", {**known, "pages": pages}),
        "book/contents.xhtml": _render("contents.xhtml", known),
        "book/book.css": (Path(__file__).parent / "book.css").read_text("utf-8"),
    }
    files |= {f"book/{name}": page for name, page in pages.items()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        # Readers look for the type at the very beginning, uncompressed.
        book.writestr(zipfile.ZipInfo("mimetype", LONG_AGO), MIMETYPE, zipfile.ZIP_STORED)
        for name, text in files.items():
            book.writestr(zipfile.ZipInfo(name, LONG_AGO), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _pages(story: Story, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The book's pages by file name, in their order: the opening first."""
    for scene in story.scenes:
        yield f"scene-{scene.scene_id}.xhtml", _render("scene.xhtml", {**known, "scene": scene})
        for branch in prose.meeting(story, scene):
            page = _render("choice.xhtml", {**known, "branch": branch, "scene": scene})
            yield f"choice-{branch.branch_id}.xhtml", page


def _render(template: str, values: dict[str, Any]) -> str:
    return _ENVIRONMENT.get_template(template).render(values)
