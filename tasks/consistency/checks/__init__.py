"""The deterministic checks, by what they look at."""

from tasks.consistency.checks import (
    bans,
    boundaries,
    calendar,
    facts,
    form,
    items,
    knowledge,
    life,
    people,
    places,
    rules,
    strangers,
    timeline,
    traits,
    travel,
)
from tasks.consistency.examination import Check

CHECKS: tuple[Check, ...] = (
    *form.CHECKS,
    *life.CHECKS,
    *travel.CHECKS,
    *items.CHECKS,
    *places.CHECKS,
    *knowledge.CHECKS,
    *people.CHECKS,
    *strangers.CHECKS,
    *traits.CHECKS,
    *timeline.CHECKS,
    *calendar.CHECKS,
    *facts.CHECKS,
    *rules.CHECKS,
    *bans.CHECKS,
    *boundaries.CHECKS,
)
"""Every check, in the order reports list them."""
