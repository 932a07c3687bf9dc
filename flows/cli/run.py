"""Run a story's flow in this process, with its records on a Prefect server."""

from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.urls import url_for
from rich.console import Console
from rich.markup import escape

from flows.cli.progress import progress_lines
from flows.order import StoryOrder
from flows.server import ensure_server
from flows.source import read_source
from flows.telling import Told
from flows.write_story import write_story
from tasks.errors import UserError
from tasks.receipt import money

EXIT_CODES = {"complete": 0, "failed": 1, "cap reached": 3, "partial": 4, "cancelled": 130}


async def run_story(order: StoryOrder, *, as_json: bool) -> int:
    """Run `write_story` and print what came of it; returns the exit code.

    Raises InputError for a world or brief that cannot be used, before anything is started.
    """
    read_source(order)
    progress = Console(stderr=True, highlight=False)
    api_url = ensure_server(lambda line: progress.print(escape(line)))
    with temporary_settings({PREFECT_API_URL: api_url}):
        with progress_lines(progress, order.scenes):
            state = await write_story(order, return_state=True)
        told = await state.aresult(raise_on_failure=False)
        if isinstance(told, UserError):
            raise told
        if not isinstance(told, Told):
            raise UserError(f"The run ended in state {state.name}: {state.message}")
        run_url = url_for("flow-run", obj_id=state.state_details.flow_run_id)
    if as_json:
        print(told.model_dump_json(indent=2))
    else:
        print_told(told, run_url or "")
    return EXIT_CODES[told.receipt.outcome]


def print_told(told: Told, run_url: str) -> None:
    """What the story is, where it lies, what was refused and what it cost."""
    out = Console(highlight=False, soft_wrap=True)
    receipt = told.receipt
    style = "green" if receipt.outcome == "complete" else "yellow"
    out.print(f"\n[bold {style}]{escape(told.title)}[/]: {receipt.outcome}")
    if told.scenes:
        out.print(
            f"  {told.scenes} scenes, {told.endings} endings, written by "
            f"{escape(receipt.writer)} in {receipt.seconds:.1f} s"
        )
        out.print(f"  Play it   {escape(str(told.folder / 'index.html'))}")
        out.print(f"  Data      {escape(str(told.folder / 'story.json'))}")
    out.print(f"  Run       {run_url}")
    out.print(
        f"  Cost      {money(receipt.spent_usd)}: {receipt.total.calls} calls, "
        f"{receipt.total.tokens_in:,} tokens in, {receipt.total.tokens_out:,} out"
        + (f", {receipt.total.cached} answers from the cache" if receipt.total.cached else "")
    )
    out.print(f"  Refused   {len(receipt.refused)} branches")
    for refused in receipt.refused:
        out.print(f"    {refused.scene_id}  {escape(refused.choice)}")
        out.print(f"       [dim]{escape(refused.reason)}[/]")
    for line in receipt.missing:
        out.print(f"  [yellow]Missing   {escape(line)}[/]")
    if told.error:
        out.print(f"  [yellow]{escape(told.error)}[/]")
