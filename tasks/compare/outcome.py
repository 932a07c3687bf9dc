"""What came of one scene of a comparison, and what of it is measured."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, get_args

from pydantic import Field

from tasks.answers.json import Rung
from tasks.story.base import Id, Line, Model, Usd
from tasks.story.quality import Quality
from tasks.story.scene import Branch, Scene
from tasks.story.verdict import Severity


class Variant(Model):
    """One side of a comparison: versions of prompts, or a model."""

    name: Line = Field(description="'scene@3', or the name of a model.")
    prompts: str = Field("", description="As TALEWRIGHT_PROMPT_VERSIONS.")
    hash: str = Field("", description="Of the prompt that is compared.")
    model: str = Field("", description="As an order's `model`; empty: the settings'.")


class Outcome(Model):
    """What one variant made of one brief and seed. A scene that failed has a score of 0."""

    variant: Line
    scene: Scene | None = None
    error: str = Field("", description="Why there is no scene.")
    seconds: float = Field(0.0, ge=0, description="Of its calls, when they were made.")
    cost_usd: Usd = Field(description="Of its calls, when they were made.")
    paid_usd: Usd = Field(description="Of that, what this run paid; the rest was cached.")

    @property
    def quality(self) -> Quality:
        """The scene's score with its parts."""
        return self.scene.quality if self.scene else Quality(score=0.0)


class Pair(Model):
    """The same brief and seed through the variants."""

    brief: Id
    seed: int
    outcomes: dict[str, Outcome] = Field(description="By the variants' names.")

    def difference(self, a: str, b: str) -> float:
        """How much better b scored than a."""
        return self.outcomes[b].quality.score - self.outcomes[a].quality.score


class Measure(NamedTuple):
    """Something measured of an outcome. `better` is the direction: 1 up, -1 down, 0 neither."""

    name: str
    better: int
    of: Callable[[Outcome], float]
    digits: int = 3


def measures(outcomes: Sequence[Outcome]) -> list[Measure]:
    """The score first, then its parts, then everything else."""
    parts = dict.fromkeys(part.name for o in outcomes for part in o.quality.parts)
    return [
        SCORE,
        *(Measure(f"score: {name}", 1, _part(name)) for name in parts),
        Measure("consistency findings", -1, _findings, 2),
        Measure("branches refused, share", -1, _refused),
        Measure("scenes failed, share", -1, lambda o: float(o.scene is None)),
        Measure("parsing rung needed", -1, _rung, 2),
        Measure("words", 0, _words, 0),
        Measure("seconds", -1, lambda o: o.seconds, 2),
        Measure("USD", -1, lambda o: float(o.cost_usd), 6),
    ]


def _part(name: str) -> Callable[[Outcome], float]:
    def of(outcome: Outcome) -> float:
        return next((p.value for p in outcome.quality.parts if p.name == name), 0.0)

    return of


def _findings(outcome: Outcome) -> float:
    """Errors and warnings on the scene and on all it proposed."""
    if outcome.scene is None:
        return 0.0
    verdicts = [outcome.scene.verdict, *(b.verdict for b in branches(outcome.scene))]
    return float(sum(i.severity > Severity.INFO for v in verdicts for i in v.issues))


def _refused(outcome: Outcome) -> float:
    if outcome.scene is None:
        return 1.0
    return len(outcome.scene.refused_branches) / max(1, len(branches(outcome.scene)))


def _rung(outcome: Outcome) -> float:
    """0 for an answer taken as it was, one more for each rung of the ladder."""
    rungs = get_args(Rung)
    return float(rungs.index(outcome.scene.written_by.rung)) if outcome.scene else len(rungs)


def _words(outcome: Outcome) -> float:
    return float(len(outcome.scene.narrative_text.split())) if outcome.scene else 0.0


def branches(scene: Scene) -> list[Branch]:
    """Every branch of a scene, refused ones too."""
    return [*scene.story_branches, *scene.spare_branches, *scene.refused_branches]


SCORE = Measure("score", 1, lambda outcome: outcome.quality.score)
"""The measure that decides."""
