"""Hand-written stories in Twee 3, with a world file beside them.

https://github.com/iftechfoundation/twine-specs/blob/master/twee-3-specification.md
"""

import json
import re
from pathlib import Path

from tasks.consistency.graph import Graph, Link, Passage
from tasks.core.errors import InputError
from tasks.core.yaml import read_bytes
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.world import World

_HEAD = re.compile(
    r"^::[ \t]*+(?P<name>(?:\\.|[^\[{\\\n])++)"
    r"(?:\[(?P<tags>[^\]\n]*)\])?[ \t]*+(?:\{.*\})?[ \t]*$",
    re.MULTILINE,
)
_LINK = re.compile(r"\[\[(?P<inside>[^\[\]]+)\](?:\[[^\]]*\])?\]")
# None is looked for beyond the next of its kind: the time would grow with the square of the text.
_MACRO = re.compile(
    r"<<(?:(?!<<).)*?>>|\(\w[\w-]*:[^)]{0,2000}\)|<!--(?:(?!<!--).)*?-->|/\*(?:(?!/\*).)*?\*/",
    re.DOTALL,
)
_SPECIAL = {"StoryTitle", "StoryData", "StoryInit", "StoryCaption", "StoryMenu", "Start Settings"}
_SKIPPED = {"script", "stylesheet", "annotation", "Twine.private"}


def read_twee(path: Path, world: World) -> Graph:
    """A Twee file as a graph. Passages without links are its endings. Raises InputError."""
    try:
        text = read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read ({error})", file=path) from None
    found = _passages(text)
    if not found:
        raise InputError("no passage (':: Name') in this file; is it Twee 3?", file=path, line=1)
    start = _start(found, path)
    names = [start, *(n for n in found if n != start and n not in _SPECIAL)]
    return Graph(
        title=found.get("StoryTitle", path.stem).strip() or path.stem,
        world=world,
        passages=[_passage(name, found[name]) for name in names],
        declares=False,
    )


def _passages(text: str) -> dict[str, str]:
    heads = list(_HEAD.finditer(text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        if not _SKIPPED & set((head["tags"] or "").split()):
            end = following.start() if following else len(text)
            name = re.sub(r"\\(.)", r"\1", head["name"]).strip()
            found[name] = text[head.end() : end].strip()
    return found


def _start(found: dict[str, str], path: Path) -> str:
    start = "Start"
    if "StoryData" in found:
        try:
            start = json.loads(found["StoryData"]).get("start", start)
        except (json.JSONDecodeError, AttributeError, RecursionError):
            raise InputError("the passage StoryData holds no JSON object", file=path) from None
    if start not in found:
        raise InputError(f"there is no passage '{start}' to start with", file=path)
    return start


def _passage(name: str, text: str) -> Passage:
    links = [_target(match["inside"]) for match in _LINK.finditer(text)]
    prose = _MACRO.sub(" ", _LINK.sub(lambda m: _target(m["inside"])[0] + ".", text)).strip()
    prose = prose[:20_000] or name
    return Passage(
        id=name,
        scene=SceneText(
            title=name[:120],
            setting_description=name,
            place="",
            present=[],
            narrative_text=prose,
            dialogue=[],
            emotional_tone="",
            effects=[],
        ),
        links=[
            Link(id=f"{name}/{n}", branch=BranchDraft(choice=label, consequence=label), to=target)
            for n, (label, target) in enumerate(links, 1)
        ],
        ending=not links,
    )


def _target(inside: str) -> tuple[str, str]:
    """Label and target of `label->target`, `target<-label`, `label|target` or `target`."""
    if "->" in inside:
        label, _, target = inside.rpartition("->")
    elif "<-" in inside:
        target, _, label = inside.partition("<-")
    elif "|" in inside:
        label, _, target = inside.rpartition("|")
    else:
        label = target = inside
    return label.strip() or target.strip(), target.strip()
