"""The rubric: a model rates a scene by six criteria and has to quote what each rests on.

The criteria are those of HANNA (Chhun et al., 2022), by which people rated 1,056 stories. A rating
whose quotation does not stand in the scene counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Literal, Protocol, get_args

from pydantic import Field

from tasks.answers.json import parse
from tasks.calls.errors import CapReached, LLMError
from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.core.quotes import grounded
from tasks.core.settings import Settings
from tasks.prompts.render import render
from tasks.story.base import Model
from tasks.story.brief import Brief
from tasks.story.quality import QualityPart
from tasks.story.scene import SceneText

Criterion = Literal["relevance", "coherence", "empathy", "surprise", "engagement", "complexity"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
LOWEST, HIGHEST = 1, 5

WEIGHT = 1 / len(CRITERIA)
"""Of a criterion; all six together weigh as much as plan and fidelity."""


class Rating(Model):
    """One criterion."""

    rating: int = Field(ge=LOWEST, le=HIGHEST, description="1 poor, 5 excellent.")
    quote: str = Field(description="The scene's words it rests on, copied exactly.")


class Ratings(Model):
    """The six ratings of one scene."""

    relevance: Rating
    coherence: Rating
    empathy: Rating
    surprise: Rating
    engagement: Rating
    complexity: Rating


class Asks(Protocol):
    """What rating needs of tasks.llm.client.Client."""

    settings: Settings

    async def ask(self, prompt: Prompt, purpose: Purpose) -> Reply:
        """One answer."""
        ...


async def rate(
    scene: SceneText, brief: Brief, client: Asks, purpose: Purpose, *, votes: int
) -> list[QualityPart]:
    """The medians of `votes` answers, as parts of the score; empty if no answer could be had.

    Raises CapReached.
    """
    ballots: list[Ratings] = []
    for vote in range(votes):
        prompt = render(
            "score",
            {"brief": brief, "scene": scene},
            seed=vote,
            schema=Ratings,
            settings=client.settings,
        )
        why = purpose if vote == 0 else replace(purpose, reason="vote")
        try:
            reply = await client.ask(prompt, why)
            ballots.append(parse(reply.text, Ratings).value)
        except CapReached:
            raise
        except LLMError:
            continue
    text = _shown(scene)
    return [part for name in CRITERIA if (part := _part(name, ballots, text))]


def _part(name: Criterion, ballots: Sequence[Ratings], text: str) -> QualityPart | None:
    given: list[Rating] = [getattr(ballot, name) for ballot in ballots]
    proven = [rating for rating in given if grounded(rating.quote, text)]
    if not proven:
        return None
    middle = median(rating.rating for rating in proven)
    return QualityPart(
        name=name,
        kind="judge",
        value=(middle - LOWEST) / (HIGHEST - LOWEST),
        weight=WEIGHT,
        note=f"{len(proven)} of {len(given)} with proof: “{proven[0].quote[:200]}”",
    )


def _shown(scene: SceneText) -> str:
    """What the prompt shows of a scene."""
    spoken = "\n".join(line.text for line in scene.dialogue)
    return f"{scene.title}\n{scene.setting_description}\n{scene.narrative_text}\n{spoken}"
