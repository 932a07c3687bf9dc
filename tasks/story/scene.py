"""Scenes and branches: what the model returns, and what the story keeps."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from tasks.story.base import Line, Model, Text, Usd
from tasks.story.brief import EndingKind
from tasks.story.code import CodeReport
from tasks.story.effects import Effect, Quote
from tasks.story.quality import Quality
from tasks.story.verdict import Verdict

SceneId = Annotated[str, Field(pattern=r"^1(\.[1-9][0-9]*)*$")]
"""`1` is the opening; `1.2` follows from the second branch of `1`."""


class DialogueLine(Model):
    """One thing somebody says."""

    character_id: str = Field(description="Character id of the speaker.")
    text: Text = Field(description="The words, without quotation marks.")
    emotion: str = Field("", description="How it is said, in a word: 'wary', 'tender'.")


class BranchDraft(Model):
    """A choice the player may take, as the model proposes it."""

    choice: Text = Field(description="What the player reads and chooses: 'Climb down the well'.")
    consequence: Text = Field(description="What happens then, in one to three sentences.")
    effects: list[Effect] = Field(
        [], description="What the choice changes; quotes come from choice or consequence."
    )


class Beat(Model):
    """One thing that happens in a scene, and where the prose tells it."""

    text: Line = Field(description="What happens, in one short sentence.")
    quote: Quote


class SceneText(Model):
    """What a scene says, and what it changes."""

    title: Annotated[str, Field(max_length=120)] = Field(description="A title of a few words.")
    setting_description: Text = Field(description="Where we are, in one or two sentences.")
    place: str = Field(description="Id of the place the scene happens in.")
    present: list[str] = Field(description="Ids of the characters who are there.")
    narrative_text: Text = Field(description="The prose of the scene, without the dialogue.")
    beats: list[Beat] = Field([], description="What happens, in the order it is told.")
    dialogue: list[DialogueLine] = Field(description="What is said, in order.")
    emotional_tone: str = Field(description="The scene's tone in a word or two.")
    effects: list[Effect] = Field(
        description="Everything the scene changes; quotes come from its own text."
    )


class SceneDraft(SceneText):
    """A scene as the model returns it: this is the response schema.

    How many beats there are, and whether their quotes stand in the prose, is for the score.
    """

    beats: list[Beat] = Field(
        description="Five to eight beats: what happens, in the order narrative_text tells it, from "
        "its first paragraph to its last; each quote is copied exactly from narrative_text."
    )
    story_branches: list[BranchDraft] = Field(
        description="The choices at its end; none if the scene is an ending."
    )


class BranchDrafts(Model):
    """New choices for a scene that was left without any."""

    story_branches: list[BranchDraft]


class Branch(BranchDraft):
    """A proposed branch with its verdict; `leads_to` is set once the next scene exists."""

    branch_id: str = Field(description="Scene id and a letter: '1.2b'.")
    verdict: Verdict
    leads_to: SceneId | None = None
    revised: bool = Field(False, description="Rewritten once after a refusal.")


class Provenance(Model):
    """Who wrote something, with which prompt."""

    provider: str = Field(description="As in LLM_CHAIN: 'gemini' or 'offline', for instance.")
    model: str
    prompt_id: str
    prompt_version: int
    prompt_hash: str = Field(description="First 12 hex digits of the prompt file's SHA-256.")
    seed: int
    stand_in: bool = Field(False, description="The offline writer stood in for a model.")
    rung: str = Field("as is", description="Rung of the parsing ladder that was needed.")


class Scene(SceneText):
    """A scene as it stands in the story, with everything known about it."""

    scene_id: SceneId
    story_branches: list[Branch] = Field([], description="Accepted branches, in order.")
    spare_branches: list[Branch] = Field([], description="Accepted, but beyond the breadth.")
    refused_branches: list[Branch] = []
    verdict: Verdict = Field(description="The verdict on the scene's own text and effects.")
    refused_drafts: list[Line] = Field([], description="Why drafts before this were refused.")
    ending: EndingKind | None = Field(None, description="Set if the path ends here.")
    code: list[CodeReport] = []
    quality: Quality
    written_by: Provenance
    cost_usd: Usd = Field(Decimal(0), description="Everything spent on it, refused branches too.")

    @property
    def branches(self) -> list[Branch]:
        """All that were proposed: to follow, spare, refused."""
        return [*self.story_branches, *self.spare_branches, *self.refused_branches]
