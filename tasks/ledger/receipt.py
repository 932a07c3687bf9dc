"""The receipt of a run: from the ledger's sums to the page in the Prefect UI."""

from collections.abc import Sequence

from tasks.core.count import counted
from tasks.core.markdown import escape, table
from tasks.story.base import Usd
from tasks.story.receipt import Receipt, Tally


def money(usd: Usd) -> str:
    """USD to the micro-dollar: `$0.001234`."""
    return f"${usd:.6f}"


def receipt_markdown(receipt: Receipt) -> str:
    """The receipt as Markdown, for the UI and for reading."""
    parts = [
        f"# {escape(receipt.title)}: {receipt.outcome}",
        f"**{money(receipt.spent_usd)}** in {receipt.seconds:.1f} s, "
        f"written by **{escape(receipt.writer)}**.",
        *_caps(receipt),
        "## By step",
        _tallies(receipt.by_step, receipt.total),
        *(["## By story", _tallies(receipt.by_story, receipt.total)] if receipt.by_story else []),
        *(["## By scene", _tallies(receipt.by_scene, receipt.total)] if receipt.by_scene else []),
        "## By model",
        _tallies(receipt.by_model, receipt.total),
    ]
    if receipt.sandbox_seconds:
        parts.append(f"Sandbox: {receipt.sandbox_seconds:.1f} s, {money(receipt.sandbox_usd)}.")
    if receipt.rungs:
        rungs = ", ".join(f"{count} {escape(rung)}" for rung, count in receipt.rungs.items())
        parts.append(f"Scenes parsed: {rungs}.")
    parts += [
        f"## Refused branches: {len(receipt.refused)}",
        *(
            f"- *{escape(r.choice)}* (scene {r.scene_id}): {escape(r.reason)}"
            for r in receipt.refused
        ),
    ]
    if receipt.refused_drafts:
        parts += [f"## Refused drafts of scenes: {len(receipt.refused_drafts)}"]
        parts += [f"- {escape(line)}" for line in receipt.refused_drafts]
    if receipt.under_review:
        parts += [
            f"## Followed, but to be looked at: {len(receipt.under_review)}",
            *(
                f"- *{escape(r.choice)}* (scene {r.scene_id}): {escape(r.reason)}"
                for r in receipt.under_review
            ),
        ]
    if receipt.missing:
        cost = f", about {money(receipt.missing_usd)} more" if receipt.missing_usd else ""
        parts += [f"## Not written{cost}", *(f"- {escape(line)}" for line in receipt.missing)]
    parts += [f"> {escape(note)}" for note in receipt.notes]
    return "\n\n".join(part for part in parts if part).replace("\n\n- ", "\n- ") + "\n"


def summary(receipt: Receipt) -> str:
    """One line for a list of receipts: `2026-11-28: complete: $0.041200 (gemini-2.5-flash)`."""
    day = receipt.started.date().isoformat()
    return f"{day}: {receipt.outcome}: {money(receipt.spent_usd)} ({receipt.writer})"


async def publish_receipt(receipt: Receipt, brief: str = "") -> None:
    """Leave the receipt of a brief's story, or of the run, in the Prefect UI, under a key that
    stays the same from night to night."""
    # Commands that only print need not wait for Prefect.
    from prefect.artifacts import acreate_markdown_artifact

    await acreate_markdown_artifact(
        receipt_markdown(receipt),
        key="-".join(["receipt", *filter(None, [brief.replace("_", "-")])]),
        description=summary(receipt),
    )


def _caps(receipt: Receipt) -> list[str]:
    lines = []
    if receipt.cap_usd is not None:
        lines.append(f"Cap: {money(receipt.cap_usd)}.")
    if receipt.estimate_usd is not None:
        lines.append(f"Estimated before: {money(receipt.estimate_usd)}.")
    if receipt.total.saved_usd:
        lines.append(f"Saved by the cache: {money(receipt.total.saved_usd)}.")
    if receipt.total.batched:
        saved = money(receipt.total.batch_saved_usd)
        lines.append(f"Saved by batch jobs: {saved} on {counted(receipt.total.batched, 'call')}.")
    if receipt.total.estimated:
        lines.append(estimated(receipt.total))
    if receipt.total.in_flight:
        lines.append(in_flight(receipt.total))
    if receipt.prices_of:
        lines.append(f"Prices: {escape(receipt.prices_of)}.")
    return lines


def estimated(total: Tally) -> str:
    """A line about calls whose usage is not the provider's."""
    return (
        f"Estimated: {counted(total.estimated, 'call')}, whose usage was not reported or "
        "cannot be. They are booked at their upper bound."
    )


def in_flight(total: Tally) -> str:
    """A line about calls whose end nobody saw."""
    return (
        f"In flight, or cut off when a process was stopped: {counted(total.in_flight, 'call')}. "
        f"They may have been billed, {money(total.in_flight_usd)} at most, which stays set aside "
        "until `talewright ledger release` frees it."
    )


def _tallies(tallies: Sequence[Tally], total: Tally) -> str:
    head = ["", "USD", "calls", "cached", "failed", "in", "of it cached", "thinking", "out"]
    rows = [[escape(tally.name), *cells(tally)] for tally in tallies]
    return (
        table(head, [*rows, [f"**{cell}**" for cell in (total.name, *cells(total))]])
        if rows
        else ""
    )


def cells(tally: Tally) -> list[str]:
    """A tally's figures as text: USD, calls, cached, failed, tokens (in, of it cached, thinking,
    out)."""
    counts = (
        tally.calls,
        tally.cached,
        tally.failed,
        tally.tokens_in,
        tally.tokens_cached,
        tally.tokens_thinking,
        tally.tokens_out,
    )
    return [money(tally.cost_usd), *(f"{count:,}" for count in counts)]
