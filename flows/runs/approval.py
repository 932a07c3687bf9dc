"""A person's word before a run goes on: Prefect's pause, with a form in the UI."""

from decimal import Decimal
from typing import TypeVar

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.results import StoryResult
from tasks.core.count import counted
from tasks.core.markdown import escape
from tasks.ledger.receipt import money

DAY = 24 * 3600
"""Seconds a run waits for a person."""

Form = TypeVar("Form", bound=RunInput)


class Approval(RunInput):
    """Whether a story is published."""

    publish: bool = Field(True, description="No: the story stays where it is, unpublished.")


class HigherCap(RunInput):
    """What the run may spend from here on."""

    max_cost_usd: Decimal = Field(description="USD the whole run may spend; as before: stop.")


async def approved(told: StoryResult) -> bool:
    """Ask whether to publish a story; waits up to a day, then no."""
    form = Approval.with_initial_data(
        description=f"**{escape(told.title)}** is written: {counted(told.scenes, 'scene')}, "
        f"{counted(told.endings, 'ending')}, "
        f"{money(told.receipt.spent_usd)}. Read it at `{told.folder / 'index.html'}`.\n\n"
        "Publish it?",
        publish=True,
    )
    answer = await _ask(form)
    return answer is not None and answer.publish


async def higher_cap(title: str, reached: Decimal) -> Decimal | None:
    """Ask for a higher cap; None if it stays, as it does after a day without an answer."""
    form = HigherCap.with_initial_data(
        description=f"**{escape(title)}** reached its cap of ${reached}. Raise it to go on.",
        max_cost_usd=reached,
    )
    answer = await _ask(form)
    return answer.max_cost_usd if answer and answer.max_cost_usd > reached else None


async def _ask(form: type[Form]) -> Form | None:
    """The answer of a person; a run can be paused by one question at a time."""
    try:
        return await apause_flow_run(wait_for_input=form, timeout=DAY, poll_interval=2)
    except FlowPauseTimeout:
        return None
