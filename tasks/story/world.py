"""The world: what is true before the first scene, and what may never be."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, NaiveDatetime

from tasks.story.base import Id, Line, Model, Text
from tasks.story.effects import EffectKind


class Relationship(Model):
    """How one character stands to another when the story opens."""

    whom: Id = Field(description="Id of the other character.")
    kind: Line = Field(description="What they are to each other, e.g. 'sister', 'rival'.")
    value: float = Field(0.0, ge=-1, le=1, description="-1 hatred, 0 indifference, 1 devotion.")


class Character(Model):
    """Somebody who can act in the story."""

    id: Id = Field(description="The id effects and dialogue lines use.")
    name: Line = Field(description="Full name as the prose writes it.")
    aliases: list[Line] = Field([], description="Other names, titles and nicknames.")
    pronouns: Line = Field("they/them", description="E.g. 'she/her'.")
    born: date | None = Field(None, description="Date of birth, if ages matter.")
    status: Literal["alive", "dead", "absent"] = Field(
        "alive", description="When the story opens. The absent cannot act until they return."
    )
    place: Id | None = Field(None, description="Where the character is when the story opens.")
    items: list[Id] = Field([], description="Ids of the items the character holds at the start.")
    traits: list[Line] = Field([], description="Adjectives that stand after 'is': 'slow to trust'.")
    goals: list[Line] = Field([], description="Verbs that stand after 'wants to': 'find it'.")
    knowledge: list[Id] = Field([], description="Ids of the facts the character knows.")
    relationships: list[Relationship] = Field([], description="Who they have met, and how it is.")
    voice: Line | None = Field(None, description="Stands after 'speaks': 'in short sentences'.")


class Place(Model):
    """Somewhere a scene can happen."""

    id: Id
    name: Line
    aliases: list[Line] = []
    description: Text | None = None
    within: Id | None = Field(None, description="Id of the larger place this one is part of.")
    status: Literal["open", "closed", "destroyed"] = Field(
        "open", description="When the story opens. A closed place cannot be entered."
    )


class Road(Model):
    """A way between two places, usable in both directions."""

    between: tuple[Id, Id]
    minutes: int = Field(ge=0, description="The shortest time the way can take, in minutes.")
    by: Line = Field("on foot", description="How one travels.")


class Item(Model):
    """A thing that can be held, used, lost and destroyed."""

    id: Id
    name: Line
    aliases: list[Line] = []
    description: Text | None = None
    place: Id | None = Field(None, description="Where it lies, if nobody holds it.")


class Fact(Model):
    """Something true that characters can know or not know."""

    id: Id
    text: Line
    about: Id | None = Field(None, description="Id of the character, place or item it describes.")
    attribute: Line | None = Field(None, description="A single-valued attribute: 'eye colour'.")
    value: Line | None = Field(None, description="The attribute's value: 'grey'.")
    secret: bool = Field(False, description="Only those who know it may speak of it.")


class ForbidTerms(Model):
    """These words must not occur in a scene or a branch (whole words, any case)."""

    kind: Literal["forbid_terms"]
    terms: Annotated[list[Line], Field(min_length=1)]


class ForbidEffect(Model):
    """This effect must not happen; empty lists match everybody and everything."""

    kind: Literal["forbid_effect"]
    effect: EffectKind
    who: list[Id] = Field([], description="Only these characters are bound by it.")
    except_who: list[Id] = Field([], description="These characters may.")
    what: list[Id] = Field([], description="Only these items, places, facts or events count.")
    at: list[Id] = Field([], description="Only at these places.")


class LimitEffect(Model):
    """This effect may happen at most so often on one path."""

    kind: Literal["limit_effect"]
    effect: EffectKind
    at_most: int = Field(ge=0)
    who: list[Id] = []
    what: list[Id] = []


RuleForm = Annotated[ForbidTerms | ForbidEffect | LimitEffect, Field(discriminator="kind")]


class Rule(Model):
    """A law of the world, in words and, where it can be computed, in a form."""

    id: Id
    text: Line
    form: RuleForm | None = Field(None, description="Without a form only a judge can check it.")
    severity: Literal["error", "warning"] = "error"


class Event(Model):
    """Something that happened before the story opens, or may happen in it."""

    id: Id
    when: NaiveDatetime | None = Field(None, description="Past events need one; later ones may.")
    text: Line
    who: list[Id] = []
    where: Id | None = None
    causes: list[Id] = Field([], description="Ids of the events that had to happen first.")


class Boundary(Model):
    """What must not appear, or only faintly."""

    topic: Line
    level: Literal["off", "fade", "mild", "ok"] = Field(
        "off", description="off: never; fade: off-stage only; mild: no detail; ok: allowed."
    )
    terms: list[Line] = Field([], description="Words that show the topic is there.")


class BoundarySet(Model):
    """Boundaries and themes that belong together, such as those of a player or an age."""

    title: Line
    note: Text = Field(description="Whom it is for, and what it does not do.")
    boundaries: list[Boundary] = []
    themes: list[Line] = []


class World(Model):
    """Everything that holds before the first scene.

    Times are naive datetimes of the world's own calendar; travel is in minutes.
    """

    id: Id
    title: Line
    premise: Text
    style: Text = Field(description="How the prose should sound.")
    language: Line = "English"
    opens_at: NaiveDatetime = Field(description="Story time of the first scene.")
    characters: Annotated[list[Character], Field(min_length=1)]
    places: Annotated[list[Place], Field(min_length=1)]
    roads: list[Road] = []
    items: list[Item] = []
    facts: list[Fact] = []
    rules: list[Rule] = []
    timeline: list[Event] = []
    boundaries: list[Boundary] = []
    themes: list[Line] = []
