"""The brief: what one story should be about."""

from typing import Literal

from pydantic import Field

from tasks.story.base import Id, Line, Model, Text
from tasks.story.world import Boundary

EndingKind = Literal["triumph", "loss", "bittersweet", "escape", "discovery", "open"]


class Brief(Model):
    """What the designer asks of one story in a world."""

    id: Id
    title: Line
    ask: Text = Field(description="What the story is about, in a few sentences.")
    protagonist: Id = Field(description="Id of the character the player follows.")
    place: Id | None = Field(None, description="Where it opens; the protagonist's place if unset.")
    cast: list[Id] = Field([], description="Characters it should use first.")
    tone: Line = Field("suspenseful", description="The emotional tone of the whole.")
    endings: list[EndingKind] = Field(["triumph", "loss", "bittersweet"])
    words_per_scene: int = Field(
        180,
        ge=40,
        le=1500,
        description="Words of prose, without the dialogue. The offline writer has 150 to 500.",
    )
    must_include: list[Line] = Field([], description="What has to turn up in the story.")
    boundaries: list[Boundary] = Field([], description="The stricter of these and the world's win.")
    themes: list[Line] = []
    code: bool = Field(False, description="Let scenes carry runnable code, such as a puzzle.")
