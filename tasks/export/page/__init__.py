"""The page: a story in one HTML file that plays without a network.

Nothing a model wrote is ever markup: the story is data in the page, put on screen as text, and a
Content-Security-Policy allows only the page's own script and style, by their hashes.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.core.count import counted
from tasks.export.language import direction, tag_of
from tasks.export.prose import passages
from tasks.export.story_map import STYLE, draw, hue
from tasks.ledger.receipt import money
from tasks.scoring.beats import told_in
from tasks.story.published import Published
from tasks.story.receipt import Receipt
from tasks.story.scene import Scene
from tasks.story.story import Story
from tasks.story.verdict import repeated
from tasks.world.boundaries import merged

FOLDER = Path(__file__).parent
CARE = {"off": "{} does not appear", "fade": "{}, only off-stage", "mild": "{}, without detail"}
"""What a reader is told of a boundary, by its level; what is fully allowed needs no word."""

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(story: Story, receipt: Receipt | None = None) -> str:
    """The whole page as HTML."""
    style = (FOLDER / "page.css").read_text("utf-8") + STYLE
    script = (FOLDER / "page.js").read_text("utf-8")
    # `<` is the only character that could end the element the data stands in.
    data = json.dumps(_played(story), ensure_ascii=False).replace("<", "\\u003c")
    language = tag_of(story.world.language)
    return _ENVIRONMENT.get_template("page.html").render(
        story=story,
        language=language,
        direction=direction(language),
        receipt=receipt,
        refused=list(story.refused()),
        warnings=_warnings(story),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=Markup(data),  # noqa: S704
        map=Markup(draw(story)),  # noqa: S704
        money=money,
        hue=hue,
        repeated=repeated,
    )


def render_shelf(stories: Sequence[Published]) -> str:
    """The page that names published stories, in the order given."""
    style = (FOLDER / "page.css").read_text("utf-8")
    return _ENVIRONMENT.get_template("shelf.html").render(
        stories=stories,
        apart={one.id: _apart(one, stories) for one in stories},
        style=Markup(style),  # noqa: S704
        style_hash=_hash(style),
        counted=counted,
    )


def _apart(one: Published, stories: Sequence[Published]) -> str:
    """What tells a story from others of the same title; nothing if there are none."""
    same = [other for other in stories if other.title == one.title]
    if len(same) == 1:
        return ""
    seeds = [other.seed for other in same]
    return one.id if one.seed is None or seeds.count(one.seed) > 1 else f"seed {one.seed}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _mark(scene: Scene) -> str:
    """What tells a scene from another of the same id that was written later."""
    told = scene.model_dump_json(include={"title", "setting_description", "narrative_text"})
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _warnings(story: Story) -> list[str]:
    boundaries = merged(story.world, story.brief)
    return [CARE[b.level].format(b.topic) for b in boundaries if b.level in CARE]


def _played(story: Story) -> dict[str, Any]:
    """What the page shows of a story when it is asked for, a scene at a time."""
    notes: dict[str, int] = {}  # Most scores have the same notes, so each stands there once.
    cast = [character.id for character in story.world.characters]
    names = {character.id: character.name for character in story.world.characters}
    written = {scene.scene_id for scene in story.scenes}

    def played(scene: Scene) -> dict[str, Any]:
        return {
            "title": scene.title,
            "mark": _mark(scene),
            "setting": scene.setting_description,
            "prose": list(passages(scene.narrative_text)),
            "dialogue": [
                {
                    "who": names.get(line.character_id, line.character_id),
                    "voice": cast.index(line.character_id) if line.character_id in names else 0,
                    "text": line.text,
                    "emotion": line.emotion,
                }
                for line in scene.dialogue
            ],
            "choices": [
                {
                    "text": branch.choice,
                    "then": branch.consequence,
                    "to": branch.leads_to if branch.leads_to in written else None,
                }
                for branch in scene.story_branches
            ],
            "ending": scene.ending,
            "beats": [
                [beat.text, found is not None]
                for beat, found in zip(
                    scene.beats, told_in(scene.beats, scene.narrative_text), strict=True
                )
            ],
            "standIn": scene.written_by.stand_in,
            "basis": scene.quality.basis,
            "parts": [
                [part.name, round(part.value, 2), notes.setdefault(part.note, len(notes))]
                for part in scene.quality.parts
            ],
        }

    return {
        "id": story.id,
        "title": story.title,
        "start": story.opening.scene_id,
        "scenes": {scene.scene_id: played(scene) for scene in story.scenes},
        "notes": list(notes),
    }
