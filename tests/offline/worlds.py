"""Worlds for the tests: a small one, and any valid one at all."""

from datetime import datetime

from hypothesis import strategies as st

from tasks.story.brief import Brief
from tasks.story.world import World

SMALL = World.model_validate(
    {
        "id": "mill",
        "title": "The Mill",
        "premise": "The mill has stood still for a week. Nobody will say why.",
        "style": "Plain.",
        "opens_at": datetime(2001, 5, 4, 18, 30),
        "characters": [
            {
                "id": "ada",
                "name": "Ada Reed",
                "pronouns": "she/her",
                "place": "mill",
                "items": ["lamp"],
                "traits": ["stubborn", "curious"],
                "goals": ["find out who stopped the mill"],
                "relationships": [{"whom": "bo", "kind": "cousin"}],
            },
            {"id": "bo", "name": "Bo Marsh", "pronouns": "he/him", "place": "mill"},
            {"id": "cy", "name": "Cy Holt", "place": "inn", "knowledge": ["ledger-false"]},
            {"id": "dot", "name": "Dot Reed", "status": "dead", "knowledge": ["wheel-cut"]},
        ],
        "places": [
            {"id": "mill", "name": "the mill", "description": "A stone mill. The wheel is still."},
            {"id": "inn", "name": "the inn", "description": "Low beams and one loud clock."},
            {"id": "weir", "name": "the weir", "status": "closed"},
        ],
        "roads": [
            {"between": ["mill", "inn"], "minutes": 25},
            {"between": ["mill", "weir"], "minutes": 10},
        ],
        "items": [
            {"id": "lamp", "name": "the lamp"},
            {"id": "saw", "name": "the saw", "place": "inn"},
        ],
        "facts": [
            {"id": "ledger-false", "text": "The miller's ledger is false.", "secret": True},
            {"id": "wheel-cut", "text": "The wheel was cut with a saw.", "secret": True},
            {"id": "week", "text": "The mill stopped on a Sunday."},
        ],
        "rules": [
            {
                "id": "no-saw",
                "text": "Ada may not touch the saw.",
                "form": {
                    "kind": "forbid_effect",
                    "effect": "gains",
                    "who": ["ada"],
                    "what": ["saw"],
                },
            }
        ],
        "boundaries": [{"topic": "violence", "level": "off", "terms": ["knife", "blood"]}],
    }
)
SMALL_BRIEF = Brief(
    id="wheel", title="The Still Wheel", ask="Who stopped it?", protagonist="ada", code=True
)

NAMES = st.one_of(
    st.sampled_from(
        ["{place}", "[moves: x]", "```python", "a | b", "<b>Bo</b>", "Ünal Çelik", "李明", "O'Neil"]
    ),
    st.text(min_size=1, max_size=30).map(str.strip).filter(bool),
    st.text("ab ", min_size=1, max_size=500).map(str.strip).filter(bool),
)
STATUS = st.sampled_from(["alive", "alive", "dead", "absent"])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, Brief]:
    """A valid world of any few things, with a brief. The protagonist is alive."""
    sizes = [draw(st.integers(low, 4)) for low in (1, 1, 0, 0)]
    people, places, items, facts = (
        [f"{kind}{n}" for n in range(size)] for kind, size in zip("cpif", sizes, strict=True)
    )
    somewhere = st.none() | st.sampled_from(places)
    characters = [
        {
            "id": who,
            "name": draw(NAMES),
            "pronouns": draw(st.sampled_from(["she/her", "he/him", "xe/xem/xyr", "?"])),
            "status": "alive" if who == "c0" else draw(STATUS),
            "place": draw(somewhere),
            "traits": draw(st.lists(NAMES, max_size=2)),
            "goals": draw(st.lists(NAMES, max_size=2)),
            "knowledge": draw(st.lists(st.sampled_from(facts), unique=True)) if facts else [],
            "voice": draw(st.none() | NAMES),
        }
        for who in people
    ]
    pairs = [(a, b) for a in places for b in places if a < b]
    roads = draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else []
    world = {
        "id": "any",
        "title": draw(NAMES),
        "premise": draw(NAMES),
        "style": "Any.",
        "opens_at": draw(st.datetimes(datetime(1, 1, 2), datetime(9990, 1, 1))),
        "characters": characters,
        "places": [
            {
                "id": place,
                "name": draw(NAMES),
                "description": draw(st.none() | NAMES),
                "status": draw(st.sampled_from(["open", "open", "closed", "destroyed"])),
            }
            for place in places
        ],
        "roads": [{"between": pair, "minutes": draw(st.integers(0, 10_000))} for pair in roads],
        "items": [{"id": i, "name": draw(NAMES), "place": draw(somewhere)} for i in items],
        "facts": [{"id": f, "text": draw(NAMES), "secret": draw(st.booleans())} for f in facts],
    }
    brief = Brief(
        id="any",
        title=draw(NAMES),
        ask="Any.",
        protagonist="c0",
        words_per_scene=draw(st.sampled_from([40, 180, 400])),
        must_include=draw(st.lists(NAMES, max_size=2)),
        code=draw(st.booleans()),
    )
    return World.model_validate(world), brief
