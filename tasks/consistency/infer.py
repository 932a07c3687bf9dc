"""Effects read from prose that declares none. They warn; they do not condemn."""

from collections.abc import Iterator

from tasks.consistency.examination import Case
from tasks.story import effects as fx
from tasks.story.effects import Effect

MARK = " (read from the prose)"
"""Ends the source of a fact that rests on an inferred effect."""


def infer(case: Case) -> list[Effect]:
    """What the prose plainly says happens, as effects, in order."""
    return list(_effects(case))


def _effects(case: Case) -> Iterator[Effect]:
    for claim in case.claims:
        if not claim.strong:
            continue
        quote = claim.quote[:500]
        if claim.kind == "dies" and claim.who:
            yield fx.Dies(kind="dies", who=claim.who, quote=quote)
        elif claim.kind == "destroys" and claim.what:
            yield fx.Destroys(kind="destroys", what=claim.what, quote=quote)
        elif claim.kind == "gains" and claim.what and claim.who:
            yield fx.Gains(kind="gains", who=claim.who, item=claim.what, quote=quote)
        elif claim.kind == "loses" and claim.what:
            yield fx.Loses(kind="loses", who=claim.who, item=claim.what, quote=quote)
        elif claim.kind == "moves" and claim.what:
            yield fx.Moves(kind="moves", who=claim.who, to=claim.what, quote=quote)
