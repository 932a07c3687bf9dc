"""Orders: what a person or a schedule asks for, one story or many."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from tasks.calls.providers import OFFLINE, model_help, split_model, with_batch_api
from tasks.core.errors import UserError
from tasks.core.settings import SandboxName, Settings
from tasks.llm.chain import chain
from tasks.story.base import Model

DEFAULT_WORLD = "the-lighthouse"


class Writing(Model):
    """How to write, for one story or many."""

    world: str = Field(
        DEFAULT_WORLD,
        description="A world file, or the name of a world that comes with Talewright.",
    )
    depth: int = Field(3, ge=0, le=12, description="Levels of choices below the opening.")
    breadth: int = Field(2, ge=1, le=5, description="Branches followed from each scene, at most.")
    most_scenes: int | None = Field(
        None,
        ge=1,
        description="Scenes of the whole story, at most; empty: as depth and breadth say.",
    )
    joins: bool = Field(False, description="Let the last choices of sibling scenes meet again.")
    seed: int = Field(1, ge=0, description="The same seed asks for the same story.")
    model: str = Field("", description=f"{model_help()}; empty: as the settings say.")
    sandbox: SandboxName | None = Field(
        None, description="Where code in the story runs; empty: TALEWRIGHT_SANDBOX."
    )
    max_cost_usd: Decimal | None = Field(
        None, gt=0, description="What the run may spend, in USD; empty: LLM_MAX_COST."
    )
    fresh: bool = Field(False, description="Ask the model again, even for answers already paid.")
    out: str = Field("stories", description="Folder in which each story gets one of its own.")
    publish_to: str = Field(
        "", description="Folder or storage URL complete stories are copied to; empty: nowhere."
    )
    approve: bool = Field(
        False,
        description="Ask a person before publishing, and for a higher cap when it is reached.",
    )

    @field_validator("model")
    @classmethod
    def _with_provider(cls, model: str) -> str:
        if model not in ("", OFFLINE):
            split_model(model)
        return model

    def settings(self) -> Settings:
        """The settings from the environment, with what the order says on top."""
        changes: dict[str, object] = {}
        if self.sandbox is not None:
            changes["talewright_sandbox"] = self.sandbox
        if self.max_cost_usd is not None:
            changes["llm_max_cost"] = self.max_cost_usd
        settings = Settings().model_copy(update=changes)
        if self.model in ("", OFFLINE):
            return settings.model_copy(update={"llm_chain": self.model or settings.llm_chain})
        provider, name = split_model(self.model)
        return settings.with_model(provider, name).model_copy(update={"llm_chain": provider})

    @property
    def scenes(self) -> int:
        """Scenes of a full tree of this depth and breadth, or the most there may be."""
        return sum(tree(self.breadth, self.depth, self.most_scenes))

    @property
    def folder(self) -> Path:
        """Where stories go."""
        return Path(self.out).expanduser()


def tree(breadth: int, depth: int, most: int | None = None) -> list[int]:
    """Scenes of each level of a full tree, from its root on; `most` of them all."""
    levels: list[int] = []
    for level in range(depth + 1):
        full = int(breadth**level)
        levels.append(full if most is None else min(full, most - sum(levels)))
    return levels


class StoryOrder(Writing):
    """One story to write."""

    brief: str = Field("", description="A brief file or name; empty: the world's first brief.")
    extend: str = Field(
        "", description="A story's folder or JSON file that is to go on, instead of a new story."
    )
    from_scene: str = Field("", description="With extend: the scene that gets new choices.")
    redo: str = Field("", description="With extend: the scene to write anew, with all below it.")

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if bool(self.extend) != (bool(self.from_scene) ^ bool(self.redo)):
            raise ValueError("extend goes with either from_scene or redo")
        return self


class Part(Model):
    """Which stories of a batch a run writes: each `of`-th, from `number` on, for the run `run_id`,
    whose cap it shares."""

    number: int = Field(ge=0)
    of: int = Field(ge=2)
    run_id: str


class BatchOrder(Writing):
    """Many stories to write in one run."""

    briefs: str = Field(
        "",
        description="A folder of brief files, or a CSV table with the columns `brief` and, where "
        "rows differ, `world`, `depth`, `breadth`, `seed`; empty: every brief of the world.",
    )
    repeats: int = Field(1, ge=1, description="Stories per brief, each with the next seed.")
    at_once: int = Field(20, ge=1, description="Stories written at the same time.")
    batch_api: bool = Field(
        False,
        description="Send the calls of all stories together as batch jobs, at half the price; "
        "each level of the stories may take up to a day.",
    )
    stories_per_run: int | None = Field(
        None,
        ge=1,
        description="On a worker: share a larger batch out to runs of so many stories, which other "
        "workers take; empty: one run writes all. A run takes seconds to start, so 20 or more pay.",
    )
    part: Part | None = Field(None, description="Leave empty: set where a batch is shared out.")

    def check_batch_api(self) -> None:
        """Raises UserError if the batch API is wanted and nobody who writes has one."""
        if self.batch_api and not set(chain(self.settings())) & set(with_batch_api()):
            rows = with_batch_api().values()
            raise UserError(
                f"The batch API needs a key for {' or '.join(row.title for row in rows)}, and none "
                f"of them writes here: set {' or '.join(row.key for row in rows)}, or ask without "
                "the batch API."
            )

    def parts(self, stories: int) -> int:
        """Runs that so many stories are shared out to; 1: they are not."""
        if self.stories_per_run is None or self.part is not None or self.batch_api:
            return 1
        return math.ceil(stories / self.stories_per_run)
