"""Effects: what a scene or a branch changes in the world, each with its evidence."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.story.base import Model

Quote = Annotated[
    str,
    Field(
        description="The words this rests on, copied exactly from the text it belongs to.",
        max_length=500,
    ),
]


class Moves(Model):
    """A character goes somewhere."""

    kind: Literal["moves"]
    who: str = Field(description="Character id.")
    to: str = Field(description="Place id.")
    quote: Quote


class Gains(Model):
    """A character comes to hold an item; whoever held it before no longer does."""

    kind: Literal["gains"]
    who: str = Field(description="Character id.")
    item: str = Field(description="Item id.")
    quote: Quote


class Loses(Model):
    """A character no longer holds an item."""

    kind: Literal["loses"]
    who: str = Field(description="Character id.")
    item: str = Field(description="Item id.")
    quote: Quote


class Uses(Model):
    """A character uses an item they hold."""

    kind: Literal["uses"]
    who: str = Field(description="Character id.")
    item: str = Field(description="Item id.")
    quote: Quote


class Dies(Model):
    """A character dies."""

    kind: Literal["dies"]
    who: str = Field(description="Character id.")
    quote: Quote


class Departs(Model):
    """A character leaves the stage alive and cannot act until they return."""

    kind: Literal["departs"]
    who: str = Field(description="Character id.")
    quote: Quote


class Returns(Model):
    """An absent character comes back, at a place."""

    kind: Literal["returns"]
    who: str = Field(description="Character id.")
    to: str = Field(description="Place id.")
    quote: Quote


class Learns(Model):
    """A character comes to know a fact."""

    kind: Literal["learns"]
    who: str = Field(description="Character id.")
    fact: str = Field(description="Fact or event id.")
    source: str | None = Field(None, description="Character id of who told it, if somebody did.")
    quote: Quote


class Tells(Model):
    """A character tells another a fact they know; the other then knows it too."""

    kind: Literal["tells"]
    who: str = Field(description="Character id.")
    whom: str = Field(description="Character id.")
    fact: str = Field(description="Fact or event id.")
    quote: Quote


class Meets(Model):
    """Two characters who did not know each other meet."""

    kind: Literal["meets"]
    who: str = Field(description="Character id.")
    whom: str = Field(description="Character id.")
    quote: Quote


class Feels(Model):
    """A relationship changes."""

    kind: Literal["feels"]
    who: str = Field(description="Character id.")
    whom: str = Field(description="Character id.")
    change: float = Field(ge=-2, le=2, description="Added to the relationship, which is -1 to 1.")
    quote: Quote


class Promises(Model):
    """A character promises something to another."""

    kind: Literal["promises"]
    who: str = Field(description="Character id.")
    whom: str = Field(description="Character id.")
    promise: str = Field(description="A short id for the promise, e.g. 'return_by_dawn'.")
    quote: Quote


class Keeps(Model):
    """A promise is kept."""

    kind: Literal["keeps"]
    who: str = Field(description="Character id.")
    promise: str = Field(description="The promise's id.")
    quote: Quote


class Breaks(Model):
    """A promise is broken."""

    kind: Literal["breaks"]
    who: str = Field(description="Character id.")
    promise: str = Field(description="The promise's id.")
    quote: Quote


class Destroys(Model):
    """A place or an item is gone for good."""

    kind: Literal["destroys"]
    what: str = Field(description="Place or item id.")
    quote: Quote


class Closes(Model):
    """A place can no longer be entered."""

    kind: Literal["closes"]
    place: str = Field(description="Place id.")
    quote: Quote


class Opens(Model):
    """A closed place can be entered again."""

    kind: Literal["opens"]
    place: str = Field(description="Place id.")
    quote: Quote


class TimePasses(Model):
    """Story time goes on."""

    kind: Literal["time_passes"]
    minutes: int = Field(ge=0, le=52_560_000, description="Minutes, up to a hundred years.")
    quote: Quote


class Happens(Model):
    """An event of the world's timeline takes place."""

    kind: Literal["happens"]
    event: str = Field(description="Event id.")
    quote: Quote


Effect = Annotated[
    Moves
    | Gains
    | Loses
    | Uses
    | Dies
    | Departs
    | Returns
    | Learns
    | Tells
    | Meets
    | Feels
    | Promises
    | Keeps
    | Breaks
    | Destroys
    | Closes
    | Opens
    | TimePasses
    | Happens,
    Field(discriminator="kind"),
]

EffectKind = Literal[
    "moves",
    "gains",
    "loses",
    "uses",
    "dies",
    "departs",
    "returns",
    "learns",
    "tells",
    "meets",
    "feels",
    "promises",
    "keeps",
    "breaks",
    "destroys",
    "closes",
    "opens",
    "time_passes",
    "happens",
]
