"""Ink: a knot for each scene, `+ [choice]` for each choice, `-> END` where a path ends.

https://github.com/inkle/ink/blob/master/Documentation/WritingWithInk.md
"""

import re
from collections.abc import Iterator

from tasks.core.plain_text import clean, one_line
from tasks.export.prose import (
    NOT_WRITTEN,
    notes,
    open_branches,
    passages,
    speaker,
    the_end,
    unwritten,
)
from tasks.story.scene import Scene
from tasks.story.story import Story

# Characters that are markup anywhere; the two kinds of comment, which are cut out before anything
# is read; and what a line may begin with.
_MARKUP = re.compile(
    r"[\\{}\[\]|~#<>]|(?<=/)[/*]|^[-*+=(]|^(?=(?:VAR|CONST|LIST|EXTERNAL|INCLUDE|TODO)\b)"
)
_SPACES = re.compile(r"^ +|(?<= ) +")


def to_ink(story: Story) -> str:
    """The story as one Ink file."""
    head = [f"# title: {escape(story.title)}", f"# author: {escape(story.written_by)}"]
    knots = ["\n".join(_knot(story, scene)) for scene in story.scenes]
    return "\n\n".join(["\n".join([*head, f"-> {_name(story.opening)}"]), *knots]) + "\n"


def escape(text: str) -> str:
    """One line in which Ink sees no markup."""
    return _MARKUP.sub(lambda match: f"\\{match[0]}", one_line(text))


def _name(scene: Scene) -> str:
    return f"scene_{scene.scene_id.replace('.', '_')}"


def _knot(story: Story, scene: Scene) -> Iterator[str]:
    yield f"=== {_name(scene)} ==="
    yield f"# {escape(scene.title)}"
    for note in notes(story, scene):
        yield escape(note)
    yield escape(scene.setting_description)
    for is_code, text in passages(scene.narrative_text):
        lines = text.split("\n")
        yield from (_code(line) for line in lines) if is_code else map(escape, lines)
    for line in scene.dialogue:
        yield f"{escape(speaker(story, line))}: “{escape(line.text)}”"
    for branch in unwritten(story, scene):
        yield f"{escape(branch.choice)} ({NOT_WRITTEN})"
    onward = open_branches(story, scene)
    for branch, target in onward:
        yield f"+ [{escape(branch.choice)}]"
        for _, text in passages(branch.consequence):
            yield from (f"  {escape(line)}" for line in text.split("\n"))
        yield f"  -> {_name(target)}"
    if not onward:
        if not scene.story_branches:
            yield f"{the_end(scene)} # ending: {scene.ending or 'open'}"
        yield "-> END"


def _code(line: str) -> str:
    """A line of code; Ink keeps single spaces only, so others become ones that do not break."""
    kept = _SPACES.sub(lambda m: "\u00a0" * len(m[0]), clean(line).replace("\t", "    ").rstrip())
    return _MARKUP.sub(lambda match: f"\\{match[0]}", kept)
