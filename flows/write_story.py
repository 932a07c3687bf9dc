"""The flow `write-story`: one story from a world and a brief."""

from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.order import StoryOrder
from flows.telling import Told, tell
from tasks.llm.client import Client

STATES = {
    "complete": "Completed",
    "partial": "Partial",
    "cap reached": "CapReached",
    "failed": "Failed",
}
"""The name of the run's final state by the outcome on the receipt."""


def final_state(told: Told) -> State[Any]:
    """The state a run ends in: only a complete story is a green run. Its data is `told`."""
    name = STATES[told.receipt.outcome]
    if told.receipt.outcome == "complete":
        return Completed(message=f"{told.scenes} scenes in {told.folder}", data=told)
    return Failed(name=name, message=told.error, data=told)


def _run_name() -> str:
    order = StoryOrder.model_validate(runtime.flow_run.parameters["order"])
    return f"{order.brief or order.world} (depth {order.depth}, seed {order.seed})"


@flow(name="write-story", flow_run_name=_run_name)
async def write_story(order: StoryOrder) -> Told:
    """Write one branching story and refuse the branches that contradict it.

    Leaves a page that plays, the story as JSON and other formats, and a receipt of every cent. A
    run that ends early keeps what it wrote; started again, it pays for nothing a second time.
    """
    async with Client.open(order.settings(), run_id=str(runtime.flow_run.id)) as client:
        told = await tell(order, client)
    return final_state(told)  # type: ignore[return-value]
