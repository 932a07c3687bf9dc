"""What a story should cost, and what the scenes it lacks would cost."""

from collections.abc import Sequence
from decimal import Decimal

from flows.story.scene import Desk
from flows.story.tree import Growth
from tasks.prompts.estimate import Shape, estimate
from tasks.story.ask import SPARE_BRANCHES


def likely_usd(desk: Desk, planned: Sequence[int]) -> Decimal:
    """The likely cost of so many scenes on each level, as estimated before they were begun."""
    first = desk.client.chain[0]
    shape = Shape(list(planned), desk.breadth + SPARE_BRANCHES)
    guesses = estimate(
        shape, desk.world, desk.brief, desk.settings, desk.client.prices, first.name, first.model
    )
    return next(guess.usd for guess in guesses if guess.name == "likely")


def missing_usd(
    growth: Growth, planned: Sequence[int], written: int, spent: Decimal
) -> Decimal | None:
    """What the missing scenes, and those that would follow them, cost at the price of the scenes
    written so far; None if nothing is missing."""
    if not growth.missing:
        return None
    breadth = growth.desk.breadth
    lacking = sum(
        int(breadth**below)
        for missing in growth.missing
        for below in range(growth.depth - missing.scene_id.count(".") + 1)
    )
    each = spent / written if written else likely_usd(growth.desk, planned) / sum(planned)
    return each * lacking
