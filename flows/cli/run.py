"""Run a flow in this process, with its records on a Prefect server, and print what came of it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from prefect import Flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.urls import url_for
from rich.console import Console
from rich.markup import escape

from flows.cli.ending import leave_without_server, server_given_up
from flows.cli.progress import progress_lines
from flows.cli.terminal import shown
from flows.compare_prompts import compare_prompts
from flows.orders.briefs import orders
from flows.orders.comparison import CompareOrder
from flows.orders.stories import BatchOrder, StoryOrder, Writing
from flows.results import BatchResult, StoryResult, batch_of, collecting
from flows.runs.server import ensure_server
from flows.story.source import read_source
from flows.write_stories import write_stories
from flows.write_story import write_story
from tasks.calls.errors import LLMError
from tasks.compare.comparison import Comparison
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.core.scrub import without_user
from tasks.ledger.receipt import money
from tasks.prompts.check import check_prompts
from tasks.story.receipt import Outcome

EXIT_CODES: dict[Outcome, int] = {
    "complete": 0,
    "failed": 1,
    "crashed": 1,
    "cap reached": 3,
    "partial": 4,
    "unjudged": 5,
    "cancelled": 130,
}


async def run_story(order: StoryOrder, *, as_json: bool) -> int:
    """Run `write_story` and print what came of it; returns the exit code.

    Raises InputError for a world, brief or prompt that cannot be used, before anything is started.
    """
    settings = order.settings()
    source = read_source(order, settings)
    check_prompts(settings)
    ended = await _run(write_story, order, sum(source.planned(order)), StoryResult)
    told: StoryResult = ended.results[0]
    if as_json:
        print(told.model_dump_json(indent=2))
    else:
        print_told(told, ended.url)
    return ended.leave(EXIT_CODES[told.receipt.outcome])


async def run_batch(batch: BatchOrder, *, as_json: bool) -> int:
    """Run `write_stories` and print what came of it; returns the exit code."""
    batch.check_batch_api()
    wanted = orders(batch)
    ended = await _run(write_stories, batch, len(wanted) * batch.scenes, BatchResult, len(wanted))
    done: BatchResult = ended.results[0] if ended.recorded else batch_of(ended.results)
    if as_json:
        print(done.model_dump_json(indent=2))
    else:
        print_batch(done, ended.url)
    return ended.leave(EXIT_CODES[done.outcome])


async def run_comparison(order: CompareOrder) -> "Ended":
    """Run `compare_prompts`.

    Raises InputError for prompts, worlds and briefs that cannot be used, before anything is
    started.
    """
    variants, pairs, settings = order.variants(), order.tasks(), order.settings()
    for pair in pairs:
        read_source(pair, settings)
    return await _run(compare_prompts, order, len(variants) * len(pairs), Comparison)


@dataclass(frozen=True)
class Ended:
    """What came of a run, and the address of its records; '' where the server has gone away and
    `results` are of its stories one by one."""

    results: list[Any]
    url: str = ""

    @property
    def recorded(self) -> bool:
        """Whether the server knows how the run ended."""
        return bool(self.url)

    def leave(self, code: int) -> int:
        """The exit code; without a server the process ends here, as its threads wait for it."""
        return code if self.recorded else leave_without_server(code)


async def _run(
    flow: Flow[[Any], Any],
    order: Writing,
    planned: int,
    kind: type[StoryResult | BatchResult | Comparison],
    stories: int = 1,
) -> Ended:
    """Run a flow; progress goes to stderr meanwhile."""
    progress = Console(stderr=True, highlight=False)
    api_url = ensure_server(lambda line: progress.print(escape(line)))
    with temporary_settings({PREFECT_API_URL: api_url}):
        with progress_lines(progress, planned), collecting() as results:
            running = asyncio.ensure_future(flow(order, return_state=True))
            away = asyncio.ensure_future(server_given_up(api_url, results, stories))
            try:
                await asyncio.wait({running, away}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                running.cancel()
                await asyncio.wait({running})
                raise
            finally:
                away.cancel()
            if not running.done():
                return Ended(results)
        state = running.result()
        result = await state.aresult(raise_on_failure=False)
        if isinstance(result, UserError | OSError):
            raise result
        if isinstance(result, LLMError):
            raise UserError(str(result))
        if not isinstance(result, kind):
            raise UserError(f"The run ended in state {state.name}: {state.message}")
        url = url_for("flow-run", obj_id=state.state_details.flow_run_id)
        return Ended([result], without_user(url or api_url))


def print_told(told: StoryResult, run_url: str) -> None:
    """What the story is, where it lies, what was refused and what it cost."""
    out = Console(highlight=False, soft_wrap=True)
    receipt = told.receipt
    style = "green" if receipt.outcome == "complete" else "yellow"
    out.print(f"\n[bold {style}]{shown(told.title)}[/]: {receipt.outcome}")
    if told.scenes:
        out.print(
            f"  {counted(told.scenes, 'scene')}, {counted(told.endings, 'ending')}, written by "
            f"{shown(receipt.writer)} in {receipt.seconds:.1f} s"
        )
        out.print(f"  Play it   {shown(str(told.folder / 'index.html'))}")
        out.print(f"  Data      {shown(str(told.folder / 'story.json'))}")
    if run_url:
        out.print(f"  Run       {run_url}")
    out.print(
        f"  Cost      {money(receipt.spent_usd)}: {counted(receipt.total.calls, 'call')}, "
        f"{receipt.total.tokens_in:,} tokens in, {receipt.total.tokens_out:,} out"
        + (
            f", {counted(receipt.total.cached, 'answer')} from the cache"
            if receipt.total.cached
            else ""
        )
    )
    if receipt.estimate_usd:
        out.print(f"  Estimate  {money(receipt.estimate_usd)} before the run")
    if receipt.missing_usd:
        out.print(f"  [yellow]The missing scenes would cost about {money(receipt.missing_usd)}[/]")
    out.print(f"  Refused   {counted(len(receipt.refused), 'branch', 'branches')}")
    for refused in receipt.refused:
        out.print(f"    {refused.scene_id}  {shown(refused.choice)}")
        out.print(f"       [dim]{shown(refused.reason)}[/]")
    if receipt.refused_drafts:
        out.print(f"  Refused   {counted(len(receipt.refused_drafts), 'draft')} of scenes")
    for draft in receipt.refused_drafts:
        out.print(f"       [dim]{shown(draft)}[/]")
    if receipt.under_review:
        branches = counted(len(receipt.under_review), "branch", "branches")
        out.print(f"  [yellow]Look at   {branches} that may contradict[/]")
    for one in receipt.under_review:
        out.print(f"    {one.scene_id}  {shown(one.choice)}")
        out.print(f"       [dim]{shown(one.reason)}[/]")
    for line in receipt.missing:
        out.print(f"  [yellow]Missing   {shown(line)}[/]")
    if told.error:
        out.print(f"  [yellow]{shown(told.error)}[/]")


def print_batch(batch: BatchResult, run_url: str) -> None:
    """One line a story, and what they cost together."""
    out = Console(highlight=False, soft_wrap=True)
    out.print()
    for told in batch.told:
        style = "green" if told.receipt.outcome == "complete" else "yellow"
        out.print(
            f"[{style}]{told.receipt.outcome:<12}[/] {shown(told.title)}, "
            f"{counted(told.scenes, 'scene')}, {money(told.receipt.spent_usd)}: "
            f"{shown(told.error or str(told.folder))}"
        )
    for name, why in batch.failed.items():
        out.print(f"[red]failed      [/] {shown(name)}: {shown(why)}")
    complete = counted(len(batch.complete), "story", "stories")
    out.print(f"{complete} complete, {money(batch.cost_usd)}. Run: {run_url}")
