"""The receipt of a whole run, from the ledger alone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tasks.ledger.ledger import Ledger
from tasks.story.base import Usd
from tasks.story.receipt import Outcome, Receipt


async def run_receipt(
    ledger: Ledger,
    run_id: str,
    title: str,
    outcome: Outcome,
    *,
    started: datetime | None,
    cap_usd: Usd | None = None,
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Receipt:
    """What a run did cost by step, story and model; the process that ran it may be gone."""
    tallies = await ledger.tally(run_id=run_id)
    now = datetime.now(UTC)
    return Receipt(
        run_id=run_id,
        title=title,
        outcome=outcome,
        started=started or now,
        seconds=(now - (started or now)).total_seconds(),
        writer=", ".join(tally.name for tally in tallies.by_model) or "nobody yet",
        total=tallies.total,
        by_step=tallies.by_step,
        by_story=tallies.by_story,
        by_model=tallies.by_model,
        cap_usd=cap_usd,
        missing=list(missing),
        notes=list(notes),
    )
