"""The order of a comparison: which versions or models, over which briefs and seeds."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from slugify import slugify

from flows.orders.briefs import orders
from flows.orders.stories import BatchOrder, StoryOrder, Writing
from tasks.compare.contrast import MARGIN
from tasks.compare.outcome import Variant
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.prompts.check import check_prompts
from tasks.prompts.render import folders, load


class CompareOrder(Writing):
    """What to compare: each pair is the opening scene of a brief with one seed."""

    prompts: list[str] = Field([], description="Versions of one prompt: 'scene@3', 'scene@4'.")
    models: list[str] = Field([], description="Models instead, as in the field `model`.")
    briefs: str = Field("", description="As for a batch: a folder or table; empty: the world's.")
    repeats: int = Field(5, ge=1, description="Seeds per brief.")
    margin: float = Field(MARGIN, gt=0, le=1, description="A difference nobody would act on.")
    out: str = Field("comparisons", description="Folder in which each comparison gets its own.")

    @model_validator(mode="after")
    def _at_least_two(self) -> Self:
        names = self.models or self.prompts
        if bool(self.prompts) == bool(self.models) or len(set(names)) < max(2, len(names)):
            raise ValueError("name at least two different versions of a prompt, or models")
        return self

    def variants(self) -> list[Variant]:
        """What is compared, every prompt tried. Raises InputError, UserError."""
        settings = self.settings()
        if self.models:
            scene = load("scene", folders(settings))
            return [Variant(name=m, model=m, hash=scene.hash) for m in self.models]
        files = [load(name, folders(settings)) for name in self.prompts]
        if len({file.front.id for file in files}) > 1:
            raise UserError("Versions of one prompt can be compared, not different prompts.")
        if len({file.name for file in files}) < len(files):
            raise UserError("Two of these are the same version.")
        held = settings.talewright_prompt_versions
        variants = [
            Variant(name=f.name, prompts=f"{held},{f.name}", hash=f.hash, model=self.model)
            for f in files
        ]
        for variant in variants:
            check_prompts(self.settings_of(variant))
        return variants

    def tasks(self) -> list[StoryOrder]:
        """A story order for each pair. Raises InputError."""
        shared = self.model_dump(include=set(BatchOrder.model_fields) - {"out", "model"})
        found = orders(BatchOrder.model_validate(shared))
        # Seeds take turns over the briefs, so that an early end has seen them all.
        return sorted(found, key=lambda order: order.seed)

    @property
    def title(self) -> str:
        """`scene@3 or scene@4`."""
        return " or ".join(self.models or self.prompts)

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return super().folder / slugify(self.title)

    def settings_of(self, variant: Variant) -> Settings:
        """The settings one variant writes with."""
        settings = self.model_copy(update={"model": variant.model}).settings()
        if not variant.prompts:
            return settings
        return settings.model_copy(update={"talewright_prompt_versions": variant.prompts})
