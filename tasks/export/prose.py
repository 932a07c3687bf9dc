"""What the exports of a story have in common: its texts, cut into parts."""

import re
from collections.abc import Iterator

from tasks.core.plain_text import clean, one_line
from tasks.story.scene import Branch, DialogueLine, Scene
from tasks.story.story import Story

STAND_IN = "The offline writer stood in for the model here."
NOT_WRITTEN = "not written yet"

_CODE = re.compile(r"```[^\n`]*\n(?P<code>.*?)(?:\n[ \t]*```[ \t]*(?=\n|$)|$)", re.DOTALL)


def passages(text: str) -> Iterator[tuple[bool, str]]:
    """Paragraphs and fenced blocks of code in their order, as (whether it is code, text)."""
    text = clean(text)
    done = 0
    for match in _CODE.finditer(text):
        yield from _paragraphs(text[done : match.start()])
        yield True, match["code"]
        done = match.end()
    yield from _paragraphs(text[done:])


def _paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip():
            yield False, paragraph.strip()


def speaker(story: Story, line: DialogueLine) -> str:
    """Who says a line, by name, and how: `Ines Calder (wary)`."""
    names = {character.id: character.name for character in story.world.characters}
    name = one_line(names.get(line.character_id, line.character_id))
    emotion = one_line(line.emotion)
    return f"{name} ({emotion})" if emotion else name


def notes(story: Story, scene: Scene) -> list[str]:
    """What a reader has to be told about who wrote a scene."""
    found = [f"Written by {one_line(story.written_by)}."] if scene == story.opening else []
    return [*found, STAND_IN] if scene.written_by.stand_in else found


def the_end(scene: Scene) -> str:
    """The line that marks an ending."""
    return f"The end: {scene.ending or 'open'}"


def open_branches(story: Story, scene: Scene) -> list[tuple[Branch, Scene]]:
    """The choices of a scene that lead on, with the scenes they lead to."""
    scenes = {scene.scene_id: scene for scene in story.scenes}
    return [(b, scenes[b.leads_to]) for b in scene.story_branches if b.leads_to in scenes]


def leading_to(story: Story, scene: Scene) -> list[Branch]:
    """The choices that lead to a scene."""
    return [b for s in story.scenes for b in s.story_branches if b.leads_to == scene.scene_id]


def meeting(story: Story, scene: Scene) -> list[Branch]:
    """The choices that lead to a scene with more than one way in: what follows from each stands
    apart from the scene, before it."""
    before = leading_to(story, scene)
    ways = len(before) + (scene.scene_id == story.opening.scene_id)
    return before if ways > 1 else []


def consequence(story: Story, scene: Scene) -> str:
    """What stands at the head of a scene: what follows from the only choice that leads there."""
    before = leading_to(story, scene)
    return before[0].consequence if before and not meeting(story, scene) else ""


def place_after(story: Story, branch: Branch, target: Scene) -> str:
    """The name of the place a choice leads to: its consequence's own, or its scene's."""
    meets = meeting(story, target)
    return f"choice-{branch.branch_id}" if meets else f"scene-{target.scene_id}"


def unwritten(story: Story, scene: Scene) -> list[Branch]:
    """The choices of a scene whose scenes could not be written."""
    scenes = {scene.scene_id for scene in story.scenes}
    return [branch for branch in scene.story_branches if branch.leads_to not in scenes]
