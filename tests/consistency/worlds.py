"""One small world the consistency tests share, and branches in it."""

from collections.abc import Sequence

from tasks.consistency import check_branch
from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft, DialogueLine, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Verdict
from tasks.story.world import World
from tests.bench.consistency.cases import effect

WORLD = World.model_validate(
    {
        "id": "coast",
        "title": "The Coast",
        "premise": "A wreck and a lie.",
        "style": "Present tense.",
        "opens_at": "1887-03-14T21:30:00",
        "characters": [
            {
                "id": "mira",
                "name": "Mira Vane",
                "pronouns": "she/her",
                "born": "1860-01-01",
                "place": "pier",
                "items": ["lamp", "map"],
                "relationships": [{"whom": "corin", "kind": "brother", "value": 0.8}],
            },
            {"id": "corin", "name": "Corin Hale", "pronouns": "he/him", "place": "pier"},
            {
                "id": "isolde",
                "name": "Isolde",
                "pronouns": "she/her",
                "place": "peak",
                "items": ["key"],
                "knowledge": ["arson"],
            },
            {"id": "hob", "name": "Hob", "pronouns": "he/him", "place": "pier"},
        ],
        "places": [
            {"id": "pier", "name": "the Long Pier"},
            {"id": "peak", "name": "Storm Peak"},
            {"id": "archive", "name": "the Archive", "status": "closed"},
            {"id": "bridge", "name": "the Iron Bridge"},
        ],
        "roads": [
            {"between": ["pier", "peak"], "minutes": 120},
            {"between": ["pier", "archive"], "minutes": 5},
            {"between": ["pier", "bridge"], "minutes": 5},
        ],
        "items": [
            {"id": "lamp", "name": "the brass lamp"},
            {"id": "map", "name": "the tide map"},
            {"id": "key", "name": "the silver key"},
            {"id": "bell", "name": "the bell", "place": "pier"},
        ],
        "facts": [
            {"id": "arson", "text": "Hob set the fire in the old archive", "secret": True},
            {
                "id": "eyes",
                "text": "Mira's eyes are grey",
                "about": "mira",
                "attribute": "eye colour",
                "value": "grey",
            },
        ],
        "rules": [
            {
                "id": "no_magic",
                "text": "There is no magic",
                "form": {"kind": "forbid_terms", "terms": ["spell", "magic"]},
            },
            {
                "id": "bell_once",
                "text": "The bell is rung once",
                "form": {"kind": "limit_effect", "effect": "uses", "at_most": 1, "what": ["bell"]},
            },
            {
                "id": "hob_stays",
                "text": "Hob never leaves the pier",
                "form": {"kind": "forbid_effect", "effect": "moves", "who": ["hob"]},
            },
        ],
        "timeline": [
            {"id": "arrest", "text": "The constable arrests the keeper"},
            {"id": "trial", "text": "The keeper stands trial", "causes": ["arrest"]},
        ],
    }
)


def effects(*lines: str, quote: str = "so it is written") -> list[Effect]:
    """Effects from their short form: `effects('dies corin', 'moves mira peak')`."""
    return [effect(line, quote) for line in lines]


def state(*lines: str) -> PathState:
    """What holds once these effects have happened in scene 1."""
    return PathState.opening(WORLD).after(effects(*lines), "1")


def branch(text: str, *lines: str, choice: str = "Go on") -> BranchDraft:
    """A branch whose effects all rest on the whole consequence."""
    return BranchDraft(choice=choice, consequence=text, effects=effects(*lines, quote=text))


def scene(text: str = "The tide turns.", **changes: object) -> SceneText:
    """A scene at the pier with Mira."""
    values: dict[str, object] = {
        "title": "The pier",
        "setting_description": "The pier at night.",
        "place": "pier",
        "present": ["mira"],
        "narrative_text": text,
        "dialogue": [],
        "emotional_tone": "tense",
        "effects": [],
    }
    return SceneText.model_validate(values | changes)


def says(who: str, text: str) -> DialogueLine:
    """A line of dialogue."""
    return DialogueLine(character_id=who, text=text)


def verdict(
    before: PathState, proposed: BranchDraft, siblings: Sequence[BranchDraft] = ()
) -> Verdict:
    """The computed verdict on a branch after a scene at the pier."""
    return check_branch(WORLD, None, before, scene(), proposed, siblings)


def errors(found: Verdict) -> set[str]:
    """Ids of the checks that found an error."""
    return {issue.check for issue in found.issues if issue.severity == "error"}
