"""Markdown for reading: a game book, whose choices are links to the scenes below."""

import re
from collections.abc import Iterator

from tasks.export.prose import (
    NOT_WRITTEN,
    clean,
    notes,
    open_branches,
    passages,
    speaker,
    the_end,
    unwritten,
)
from tasks.markdown import escape
from tasks.story.scene import Scene
from tasks.story.story import Story

# What makes a line a list, a heading or a rule without a character that is escaped everywhere.
_NUMBER = re.compile(r"^(\d+)([.)])")
_RULE = re.compile(r"^[=]+\s*$")


def to_markdown(story: Story) -> str:
    """The story as one Markdown file (CommonMark)."""
    parts = [f"# {_text(story.title)}"]
    for scene in story.scenes:
        parts += [f'<a id="scene-{scene.scene_id}"></a>', *_scene(story, scene)]
    return "\n\n".join(parts) + "\n"


def _scene(story: Story, scene: Scene) -> Iterator[str]:
    yield f"## {_text(scene.title)}"
    for note in notes(story, scene):
        yield f"*{_text(note)}*"
    yield f"*{_text(scene.setting_description)}*"
    for is_code, text in passages(scene.narrative_text):
        yield _code(text) if is_code else _lines(text)
    for line in scene.dialogue:
        yield f"**{_text(speaker(story, line))}**: “{_text(line.text)}”"
    for branch in unwritten(story, scene):
        yield f"- {_text(branch.choice)} ({NOT_WRITTEN})"
    for branch, target in open_branches(story, scene):
        then = "\n\n".join(_lines(text) for _, text in passages(branch.consequence))
        link = f"[{_text(branch.choice)}](#scene-{target.scene_id})"
        yield f"- {link}\n\n{then}".replace("\n", "\n  ").replace("\n  \n", "\n\n")
    if not scene.story_branches:
        yield f"**{the_end(scene)}**"


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
