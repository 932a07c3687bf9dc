"""Values for every variable a prompt may use, from the world that comes with Talewright."""

from functools import cache
from typing import Any

from tasks.story.ask import PathStep, SceneAsk
from tasks.story.code import Snippet
from tasks.story.scene import BranchDraft, DialogueLine, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Issue, Severity
from tasks.world.load import load_brief, load_world

WORLD = "the-lighthouse"


@cache
def samples() -> dict[str, Any]:
    """A scene in the middle of a story, with a refused branch, a failed snippet, a bad answer."""
    world = load_world(WORLD)
    brief = load_brief("", world, WORLD)
    facts = PathState.opening(world, brief).sentences(world)
    prose = "She walks along the quay, and the rain walks with her. " * (
        brief.words_per_scene // 11
    )
    scene = SceneText(
        title="The Quay",
        setting_description="Rain on the ferry quay, a little before ten at night.",
        place=str(brief.place),
        present=[brief.protagonist],
        narrative_text=prose,
        dialogue=[DialogueLine(character_id=brief.protagonist, text="Who is there?")],
        emotional_tone="wary",
        effects=[],
    )
    branch = BranchDraft(choice="Knock at the office", consequence="Nobody opens.")
    step = PathStep(scene_id="1", scene=scene, choice=branch.choice, consequence=branch.consequence)
    issue = Issue(
        check="D1",
        name="two places at once",
        category="timeline",
        severity=Severity.ERROR,
        message="Nobody can be in two places.",
        quote=branch.consequence,
        fact=facts[0],
    )
    return {
        "world": world,
        "brief": brief,
        "ask": SceneAsk(scene_id="1.1", path=[step], facts=facts),
        "scene": scene,
        "branch": branch,
        "ids": [f"{character.id} = {character.name}" for character in world.characters],
        "earlier": branch.consequence,
        "scene_is_judged": True,
        "effects": "moves ines ferry-quay",
        "changed": [],
        "branches": [{"id": "a", "text": branch.consequence, "effects": ""}],
        "suspicions": [],
        "refused": [branch],
        "issues": [issue],
        "facts": [f"[fact:{i}] {fact}" for i, fact in enumerate(facts[:24])],
        "snippet": Snippet(code="print(11 * 60)", first_line=1, last_line=3),
        "error": "NameError: name 'minutes' is not defined",
        "answer": scene.model_dump_json(),
        "errors": {"title": "too long"},
        "fields": ["title"],
    }
