"""What is left behind by a run that was cancelled or died: a receipt, and no sandbox."""

from datetime import UTC, datetime

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State

from tasks.llm.ledger import Ledger
from tasks.receipt import receipt_markdown
from tasks.settings import Settings
from tasks.story.receipt import Receipt


async def leave_receipt(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Write the receipt of a run from the ledger alone, as its process may be gone."""
    run_id = str(flow_run.id)
    async with Ledger.open(Settings()) as ledger:
        tallies = await ledger.tally(run_id=run_id)
    now = datetime.now(UTC)
    started = flow_run.start_time or now
    receipt = Receipt(
        run_id=run_id,
        title=flow_run.name,
        outcome="cancelled" if state.is_cancelled() or state.is_cancelling() else "failed",
        started=started,
        seconds=(now - started).total_seconds(),
        writer=", ".join(tally.name for tally in tallies.by_model) or "nobody yet",
        total=tallies.total,
        by_step=tallies.by_step,
        by_scene=tallies.by_story,
        by_model=tallies.by_model,
        notes=[f"The run ended as {state.name}. Started again, it pays for nothing twice."],
    )
    async with get_client() as client:
        await client.create_artifact(
            ArtifactCreate(
                key="receipt",
                type="markdown",
                description=f"{receipt.outcome}: ${receipt.spent_usd:.6f}",
                data=receipt_markdown(receipt),
                flow_run_id=flow_run.id,
            )
        )
