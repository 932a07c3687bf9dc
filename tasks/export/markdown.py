"""Markdown for reading: a game book, whose choices are links to the scenes below.

What follows from a choice stands at the head of the scene it leads to; where choices meet in one
scene, each has a section of its own before it.
"""

import re
from collections.abc import Iterator

from tasks.core.markdown import escape
from tasks.core.plain_text import clean
from tasks.export.prose import (
    NOT_WRITTEN,
    consequence,
    meeting,
    notes,
    open_branches,
    passages,
    place_after,
    speaker,
    the_end,
    unwritten,
)
from tasks.story.scene import Scene
from tasks.story.story import Story

# What makes a line a list, a heading or a rule without a character that is escaped everywhere.
_NUMBER = re.compile(r"^(\d+)([.)])")
_RULE = re.compile(r"^[=]+\s*$")


def to_markdown(story: Story) -> str:
    """The story as one Markdown file (CommonMark)."""
    parts = [f"# {_text(story.title)}"]
    for scene in story.scenes:
        for branch in meeting(story, scene):
            parts += [f'<a id="choice-{branch.branch_id}"></a>', f"## {_text(branch.choice)}"]
            parts += [*_prose(branch.consequence), f"- [Go on](#scene-{scene.scene_id})"]
        parts += [f'<a id="scene-{scene.scene_id}"></a>', *_scene(story, scene)]
    return "\n\n".join(parts) + "\n"


def _scene(story: Story, scene: Scene) -> Iterator[str]:
    yield f"## {_text(scene.title)}"
    for note in notes(story, scene):
        yield f"*{_text(note)}*"
    yield from _prose(consequence(story, scene))
    yield f"*{_text(scene.setting_description)}*"
    yield from _prose(scene.narrative_text)
    for line in scene.dialogue:
        yield f"**{_text(speaker(story, line))}**: “{_text(line.text)}”"
    for branch in unwritten(story, scene):
        yield f"- {_text(branch.choice)} ({NOT_WRITTEN})"
    for branch, target in open_branches(story, scene):
        yield f"- [{_text(branch.choice)}](#{place_after(story, branch, target)})"
    if not scene.story_branches:
        yield f"**{the_end(scene)}**"


def _prose(text: str) -> Iterator[str]:
    for is_code, part in passages(text):
        yield _code(part) if is_code else _lines(part)


def _text(text: str) -> str:
    """One line in which nothing is markup."""
    plain = escape(clean(text))
    return _NUMBER.sub(r"\1\\\2", _RULE.sub(lambda match: f"\\{match[0]}", plain))


def _lines(text: str) -> str:
    """A paragraph whose lines end where they did."""
    return "\\\n".join(_text(line) for line in text.split("\n") if line.strip())


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
