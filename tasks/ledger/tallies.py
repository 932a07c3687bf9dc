"""Sums over rows of the ledger: what something cost, by what it was for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, case, cast, func, select

from tasks.ledger.money import to_usd
from tasks.ledger.tables import attempts
from tasks.story.receipt import Tally

GROUPS: Mapping[str, ColumnElement[str]] = {
    "step": attempts.c.step,
    "scene": attempts.c.scene_id,
    "model": attempts.c.provider + ": " + attempts.c.model,
    "story": attempts.c.story_id,
    "prompt": attempts.c.prompt_id + "@" + cast(attempts.c.prompt_version, String),
    "reason": attempts.c.reason,
}
"""What rows can be summed by."""


@dataclass(frozen=True)
class Tallies:
    """The sums of some rows."""

    total: Tally
    by_step: list[Tally]
    by_scene: list[Tally]
    by_model: list[Tally]
    by_story: list[Tally]
    by_prompt: list[Tally]
    by_reason: list[Tally]


def tallies(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Tallies:
    """The sums of the rows that match all conditions."""
    return Tallies(
        total=_sums(connection, where)[0],
        **{f"by_{by}": _sums(connection, where, by) for by in GROUPS},
    )


def _sums(
    connection: Connection, where: Iterable[ColumnElement[bool]], by: str = ""
) -> list[Tally]:
    c = attempts.c
    columns: Sequence[Any] = (
        func.count(case((c.outcome != "cached", 1))),
        func.count(case((c.outcome == "cached", 1))),
        func.count(case((c.outcome.not_in(["ok", "cached", "in flight"]), 1))),
        func.count(case((c.job != "", 1))),
        func.count(case((c.outcome == "in flight", 1))),
        func.coalesce(func.sum(case((c.outcome == "in flight", c.reserved_nano))), 0),
        func.count(case((c.estimated.is_(True), 1))),
        *(func.coalesce(func.sum(c[name]), 0) for name in _SUMMED),
        # A batch job costs half of what its calls cost one by one.
        func.coalesce(func.sum(case((c.job != "", c.cost_nano))), 0),
    )
    query = select(GROUPS[by] if by else func.count(), *columns).where(*where)
    if by:
        query = query.group_by(GROUPS[by]).order_by(GROUPS[by])
    found = connection.execute(query)
    return [
        Tally(
            name=str(name) if by else "total",
            calls=calls,
            cached=cached,
            failed=failed,
            batched=batched,
            in_flight=in_flight,
            in_flight_usd=to_usd(int(aside)),
            estimated=estimated,
            tokens_in=int(sums[0]),
            tokens_cached=int(sums[1]),
            tokens_thinking=int(sums[2]),
            tokens_out=int(sums[3]),
            cost_usd=to_usd(int(sums[4])),
            saved_usd=to_usd(int(sums[5])),
            batch_saved_usd=to_usd(int(sums[6])),
        )
        for name, calls, cached, failed, batched, in_flight, aside, estimated, *sums in found
    ]


_SUMMED = (
    "tokens_in",
    "tokens_cached",
    "tokens_thinking",
    "tokens_out",
    "cost_nano",
    "saved_nano",
)
