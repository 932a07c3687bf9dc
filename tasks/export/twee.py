"""Twee 3, the text form of Twine stories, for the formats Harlowe and SugarCube.

https://github.com/iftechfoundation/twine-specs/blob/master/twee-3-specification.md

Text is escaped with HTML character references, which both formats put back as they render. A choice
is a plain link, so Twine draws its arrow. What follows from a choice stands at the head of the
scene it leads to; where choices meet in one scene, each has a passage of its own before it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from uuid import UUID

from tasks.core.plain_text import clean, one_line
from tasks.export.layout import Layout, lay_out
from tasks.export.prose import (
    NOT_WRITTEN,
    consequence,
    meeting,
    notes,
    open_branches,
    passages,
    speaker,
    the_end,
    unwritten,
)
from tasks.story.scene import Scene
from tasks.story.story import Story

Format = Literal["Harlowe", "SugarCube"]
VERSIONS: dict[Format, str] = {"Harlowe": "3.3.9", "SugarCube": "2.37.3"}

STEP_X, STEP_Y = 175, 125
"""Pixels between the passages on Twine's map, which are 100 wide and high."""

# Markup of either format: characters that always are, runs that are, and what a line, a macro or an
# address may begin with (SugarCube makes links of addresses).
_MARKUP = re.compile(
    r"""[&<>\[\]{}$_`|~^@*#%\\]|(?:'{2,}|/{2,}|"{2,}|-{2,}|={2,}|/(?=\*))"""
    r"""|^[ \t]*(?:[!:]|(?:0\.)+)|\((?=[\w-]+:)|(?<=[a-zA-Z]):(?=\S)""",
    re.MULTILINE,
)


def to_twee(story: Story, story_format: Format) -> str:
    """The story as one Twee 3 file."""
    layout = lay_out(story)
    names = {scene.scene_id: name_of(scene) for scene in story.scenes}
    data = {
        "ifid": ifid(story),
        "format": story_format,
        "format-version": VERSIONS[story_format],
        "start": names[story.opening.scene_id],
        "tag-colors": {"ending": "green", "stand-in": "orange"},
    }
    title = one_line(story.title)
    found = [
        # A line that begins with `::` is a passage, and space around a title is not a part of it.
        f":: StoryTitle\n{' ' * title.startswith('::')}{title}\n",
        f":: StoryData\n{json.dumps(data, indent=2, ensure_ascii=False)}\n",
    ]
    for scene in story.scenes:
        found += [str(passage) for passage in _passages(story, scene, story_format, layout)]
    return "\n".join(found)


def ifid(story: Story) -> str:
    """The story's identifier by the Treaty of Babel: a version 4 UUID, the same at every export."""
    seed = f"{story.world.id}/{story.brief.id}/{story.id}/{story.seed}"
    return str(UUID(bytes=sha256(seed.encode()).digest()[:16], version=4)).upper()


def name_of(scene: Scene) -> str:
    """A passage's name: the scene's id and what is plain text in its title."""
    return f"{scene.scene_id} {_plain(scene.title)}".strip()


def escape(text: str) -> str:
    """Text in which neither format sees markup."""
    return _MARKUP.sub(lambda match: _references(match[0]), clean(text))


@dataclass(frozen=True)
class _Passage:
    name: str
    text: str
    tags: list[str]
    at: tuple[float, float]

    def __str__(self) -> str:
        tags = f" [{' '.join(self.tags)}]" if self.tags else ""
        x, y = 100 + self.at[0] * STEP_X, 100 + self.at[1] * STEP_Y
        place = json.dumps({"position": f"{x:.0f},{y:.0f}", "size": "100,100"})
        return f":: {self.name}{tags} {place}\n{self.text}\n"


def _passages(
    story: Story, scene: Scene, story_format: Format, layout: Layout
) -> Iterator[_Passage]:
    """A scene's passage, and one for each of its choices that meets others."""
    at = layout.spots[scene.scene_id]
    links = []
    for number, (branch, target) in enumerate(open_branches(story, scene)):
        name = name_of(target)
        if meeting(story, target):
            own = f"{branch.branch_id} {_plain(branch.choice)}"
            onward = _link("Go on", name, story_format)
            text = f"{_block(branch.consequence)}\n\n{onward}"
            to = layout.spots[target.scene_id]
            between = ((at[0] + to[0]) / 2, (at[1] + to[1]) / 2 + number / 4)
            yield _Passage(own, text, ["consequence"], between)
            name = own
        links.append(_link(one_line(branch.choice), name, story_format))
    tags = ["stand-in"] * scene.written_by.stand_in
    if not scene.story_branches:
        tags += ["ending", scene.ending or "open"]
    parts = [*_text(story, scene), *links]
    yield _Passage(name_of(scene), "\n\n".join(parts), tags, at)


def _text(story: Story, scene: Scene) -> Iterator[str]:
    for note in notes(story, scene):
        yield f"//{_inner(note)}//"
    if then := consequence(story, scene):
        yield _block(then)
    yield f"//{_inner(scene.setting_description)}//"
    for is_code, text in passages(scene.narrative_text):
        yield f"<pre>{escape(text)}</pre>" if is_code else escape(text)
    for line in scene.dialogue:
        yield f"''{_inner(speaker(story, line))}'' “{escape(one_line(line.text))}”"
    for branch in unwritten(story, scene):
        yield f"{escape(one_line(branch.choice))} ({NOT_WRITTEN})"
    if not scene.story_branches:
        yield f"''{the_end(scene)}''"


def _link(text: str, name: str, story_format: Format) -> str:
    if story_format == "Harlowe":
        return f"[[{escape(text)}->{name}]]"
    # SugarCube evaluates a link's text as an expression if it can, so it gets a string literal.
    literal = re.sub(r"[^\w ,.;:!?()'-]", _unicode_escape, text)
    return f'[["{literal}"|{name}]]'


def _block(text: str) -> str:
    return escape("\n\n".join(part for _, part in passages(text)))


def _inner(text: str) -> str:
    """Text between two marks of a format, which it must not end."""
    return re.sub("['/]", lambda match: _references(match[0]), escape(one_line(text)))


def _plain(text: str) -> str:
    """Letters, digits and a little punctuation: what no format reads as markup."""
    kept = re.sub("[^\\w ,.!?¡¿\u2019-]|_|-(?=-)", " ", one_line(text).replace("'", "\u2019"))
    return " ".join(kept.split())[:60].strip()


def _references(text: str) -> str:
    return "".join(f"&#{ord(c)};" if not c.isspace() else c for c in text)


def _unicode_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
