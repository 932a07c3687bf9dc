"""`talewright estimate`: what a story will cost, before anything is spent."""

import asyncio
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from flows.cli.options import Breadth, Depth, Extend, FromScene, Model, Redo, Scenes
from flows.orders.stories import StoryOrder
from flows.story.source import read_source
from tasks.calls.providers import DEFAULT, OFFLINE, PROVIDERS, with_batch_api
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import LIST, Prices
from tasks.ledger.receipt import money
from tasks.llm.batch.jobs import usual_seconds
from tasks.llm.chain import chain
from tasks.prompts.estimate import BatchEstimate, Estimate, Shape, by_batch
from tasks.prompts.estimate import estimate as guess
from tasks.story.ask import SPARE_BRANCHES

DEFAULTS = StoryOrder()


def estimate(
    world: Annotated[str, typer.Argument(help="A world file or name.")] = DEFAULTS.world,
    brief: Annotated[str, typer.Option(help="A brief file or name.")] = "",
    depth: Depth = DEFAULTS.depth,
    breadth: Breadth = DEFAULTS.breadth,
    scenes: Scenes = None,
    extend: Extend = "",
    from_scene: FromScene = "",
    redo: Redo = "",
    model: Model = "",
    batch: Annotated[
        bool, typer.Option("--batch", help="Compare with the provider's batch API: USD and hours.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate calls, tokens, USD and minutes of a story. Needs no key and sends nothing."""
    order = StoryOrder(
        world=world,
        brief=brief,
        depth=depth,
        breadth=breadth,
        most_scenes=scenes,
        extend=extend,
        from_scene=from_scene,
        redo=redo,
        model=model,
    )
    provider, name = _model(order)
    settings = order.settings()
    source = read_source(order, settings)
    breadth = source.so_far.breadth if source.so_far else breadth
    planned = source.planned(order)
    shape = Shape(planned, breadth + SPARE_BRANCHES)
    estimates = guess(
        shape,
        source.world,
        source.brief,
        settings,
        Prices.read(settings),
        provider,
        name,
    )
    batched = None
    if batch:
        if provider not in with_batch_api():
            there = " and ".join(with_batch_api())
            raise UserError(f"There is no batch API for {provider}; for {there}.")
        usual = asyncio.run(_usual_seconds(settings, provider, name))
        batched = by_batch(estimates, shape, settings, usual)
    if as_json:
        told = {"one_by_one": estimates, "batch": batched} if batched else estimates
        print(TypeAdapter(type(told)).dump_json(told, indent=2).decode())
    else:
        _show(estimates, f"{counted(sum(planned), 'scene')} by {name}")
        if batched:
            _show_batch(batched)


async def _usual_seconds(settings: Settings, provider: str, model: str) -> float | None:
    async with Ledger.open(settings) as ledger:
        return await usual_seconds(ledger, provider, model)


def _show_batch(batch: BatchEstimate) -> None:
    usd = ", ".join(f"{name} {money(usd)}" for name, usd in batch.usd.items())
    hours = f"at most {batch.most_hours:g} h"
    if batch.hours is not None:
        hours = f"about {batch.hours:.1f} h as jobs went of late, {hours}"
    print(f"By batch: {usd}. {counted(batch.jobs, 'job')}, one after the other: {hours}.")


def _model(order: StoryOrder) -> tuple[str, str]:
    """The provider and model to price: the first of the chain, or the default without a key."""
    settings = order.settings()
    asked = settings.llm_chain.split(",")[0].strip()
    provider = asked or next((p for p in chain(settings) if p != OFFLINE), DEFAULT.name)
    return provider, settings.access(provider).model if provider in PROVIDERS else "offline writer"


def _show(estimates: list[Estimate], title: str) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for column in ("calls", "tokens in", "tokens out", "USD", "minutes"):
        table.add_column(column, justify="right")
    for one in estimates:
        cells = (f"{one.calls:,}", f"{one.tokens_in:,}", f"{one.tokens_out:,}", money(one.usd))
        table.add_row(one.name, *cells, f"{one.minutes:.1f}")
    out = Console(highlight=False)
    out.print(table)
    out.print(f"Prices: {LIST}. The receipt compares after the run.")
