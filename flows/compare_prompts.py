"""The flow `compare-prompts`: the same briefs and seeds through versions of a prompt, or models."""

import asyncio
from contextlib import AsyncExitStack

from prefect import flow, runtime

from flows.orders.comparison import CompareOrder
from flows.results import note
from flows.runs.keys import load_keys
from flows.runs.receipts import WEEK, leave_receipt
from flows.runs.tuning import quiet_steps
from flows.story.comparing import Comparing
from flows.story.source import read_source
from tasks.calls.providers import DEFAULT
from tasks.compare.comparison import Comparison
from tasks.compare.keep import keep
from tasks.compare.publish import publish_comparison
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.llm.client import Client


def _run_name() -> str:
    return CompareOrder.model_validate(runtime.flow_run.parameters["order"]).title


@flow(
    name="compare-prompts",
    flow_run_name=_run_name,
    persist_result=True,
    timeout_seconds=WEEK,
    on_cancellation=[leave_receipt],
    on_crashed=[leave_receipt],
    on_failure=[leave_receipt],
)
async def compare_prompts(order: CompareOrder) -> Comparison:
    """Write the same scenes with each version, side by side, until the answer is clear.

    Leaves a report as an artifact and as a page, every pair as a table, and pays for nothing that
    was answered before. Ends early at a clear answer, at a reached cap, or when nobody answers.
    """
    await load_keys()
    variants = order.variants()
    pairs, settings = order.tasks(), order.settings()
    sources = [await asyncio.to_thread(read_source, pair, settings) for pair in pairs]
    run_id = str(runtime.flow_run.id)
    async with AsyncExitStack() as stack:
        clients: dict[str, Client] = {}
        desks: dict[str, tuple[Settings, Client]] = {}
        for variant in variants:
            settings = order.settings_of(variant)
            if variant.model not in clients:
                opened = Client.open(settings, run_id=run_id, fresh=order.fresh)
                clients[variant.model] = await stack.enter_async_context(opened)
            desks[variant.name] = (settings, clients[variant.model])
        if order.prompts and any(client.offline for client in clients.values()):
            raise UserError(
                "The offline writer does not read prompts, so there is nothing to compare. Set "
                f"{DEFAULT.key}, or name a model."
            )
        with quiet_steps():
            comparison = await Comparing(order, variants, pairs, sources, desks, run_id).compare()
    await asyncio.to_thread(keep, comparison, order.folder)
    note(comparison)
    await publish_comparison(comparison, order.folder)
    return comparison
