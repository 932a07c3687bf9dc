"""The benchmark's branch proposals: 400 over 8 worlds, each labelled by hand.

Effects are written `kind argument argument ...`; their quote is the whole consequence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.world import World

HERE = Path(__file__).parent
KINDS = (
    "dead_acts", "dead_speaks", "absent_acts", "two_places", "too_fast", "not_held", "two_hands",
    "destroyed_item", "destroyed_place", "closed_place", "leaked_secret", "first_meeting",
    "broken_rule", "over_limit", "before_cause", "changed_fact",
)  # fmt: skip
Half = Literal["tuning", "final"]

_ARGUMENTS = {
    "moves": "who to", "gains": "who item", "loses": "who item", "uses": "who item",
    "dies": "who", "departs": "who", "returns": "who to", "learns": "who fact source",
    "tells": "who whom fact", "meets": "who whom", "feels": "who whom change",
    "promises": "who whom promise", "keeps": "who promise", "breaks": "who promise",
    "destroys": "what", "closes": "place", "opens": "place", "time_passes": "minutes",
    "happens": "event",
}  # fmt: skip
_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)


@dataclass(frozen=True)
class Proposal:
    """One branch, with what is known before it and its label."""

    world: World
    state: PathState
    scene: SceneText
    branch: BranchDraft
    half: Half
    kind: str
    """What it contradicts, or the trap that a clean one lays."""
    contradicts: bool

    @property
    def withheld(self) -> BranchDraft:
        """The same branch without its effects."""
        return self.branch.model_copy(update={"effects": []})


@cache
def proposals() -> tuple[Proposal, ...]:
    """All 400, world by world."""
    return tuple(p for file in sorted((HERE / "worlds").glob("*.yaml")) for p in read(file))


def read(file: Path) -> Iterator[Proposal]:
    """The proposals of one world's file."""
    data = YAML(typ="safe").load(file.read_text("utf-8"))
    world = World.model_validate(data["world"])
    state = PathState.opening(world).after([effect(*_split(line)) for line in data["path"]], "1")
    scene = _scene(data["scene"])
    for case in data["cases"]:
        yield Proposal(
            world,
            state,
            scene,
            BranchDraft(
                choice=case["choice"],
                consequence=case["then"],
                effects=[effect(line, case["then"]) for line in case["effects"]],
            ),
            data["half"],
            case.get("kind") or case["trap"],
            "kind" in case,
        )


def _split(line: str) -> tuple[str, str]:
    words, _, quote = line.partition("|")
    return words.strip(), quote.strip()


def effect(words: str, quote: str) -> Effect:
    """An effect from its short form."""
    kind, *values = words.split()
    return _EFFECT.validate_python(
        {"kind": kind, "quote": quote, **dict(zip(_ARGUMENTS[kind].split(), values, strict=False))}
    )


def _scene(data: dict[str, Any]) -> SceneText:
    return SceneText(
        title="So far",
        setting_description="The story has come to this point.",
        narrative_text="The story has come to this point.",
        dialogue=[],
        emotional_tone="",
        effects=[],
        **data,
    )
