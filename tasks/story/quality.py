"""The score of a scene, with its parts."""

from typing import Literal

from pydantic import Field

from tasks.story.base import Model

Basis = Literal["form only", "form and judge"]


class QualityPart(Model):
    """One measured aspect of a scene."""

    name: str
    kind: Literal["gate", "plan", "fidelity", "code", "penalty", "judge"]
    value: float = Field(ge=0, le=1)
    weight: float = Field(ge=0)
    note: str = Field("", description="What was seen, for the designer.")


class Quality(Model):
    """How good a scene is, 0 to 1, and what that number rests on."""

    score: float = Field(ge=0, le=1)
    basis: Basis = "form only"
    parts: list[QualityPart] = []
