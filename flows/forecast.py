"""What a story should cost, and what the scenes it lacks would cost."""

from decimal import Decimal

from flows.growth import Growth
from tasks.llm.estimate import Shape, estimate
from tasks.story.ask import SPARE_BRANCHES


def likely_usd(growth: Growth) -> Decimal:
    """The likely cost of the whole story, as estimated before it began."""
    desk = growth.desk
    first = desk.client.chain[0]
    shape = Shape(
        [desk.breadth**level for level in range(growth.depth + 1)], desk.breadth + SPARE_BRANCHES
    )
    guesses = estimate(
        shape, desk.world, desk.brief, desk.settings, desk.client.prices, first.name, first.model
    )
    return next(guess.usd for guess in guesses if guess.name == "likely")


def missing_usd(growth: Growth, spent: Decimal) -> Decimal | None:
    """What the missing scenes, and those that would follow them, cost at this story's own price a
    scene; None if nothing is missing."""
    if not growth.missing:
        return None
    breadth = growth.desk.breadth
    lacking = sum(
        int(breadth**below)
        for missing in growth.missing
        for below in range(growth.depth - missing.scene_id.count(".") + 1)
    )
    each = spent / len(growth.scenes) if growth.scenes else likely_usd(growth)
    return each * lacking
