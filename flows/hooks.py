"""What is left behind by a run that was cancelled or died: a receipt, and no sandbox."""

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State

from flows.run_receipt import run_receipt
from tasks.llm.ledger import Ledger
from tasks.receipt import money, receipt_markdown
from tasks.settings import Settings


async def leave_receipt(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Write the receipt of a run from the ledger alone, as its process may be gone."""
    async with Ledger.open(Settings()) as ledger:
        receipt = await run_receipt(
            ledger,
            str(flow_run.id),
            flow_run.name,
            "cancelled" if state.is_cancelled() or state.is_cancelling() else "failed",
            started=flow_run.start_time,
            notes=[f"The run ended as {state.name}. Started again, it pays for nothing twice."],
        )
    async with get_client() as client:
        await client.create_artifact(
            ArtifactCreate(
                key="receipt",
                type="markdown",
                description=f"{receipt.outcome}: {money(receipt.spent_usd)}",
                data=receipt_markdown(receipt),
                flow_run_id=flow_run.id,
            )
        )
