"""`talewright compare`: which version of a prompt, or which model, is better, and what it costs."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from flows.cli.options import Fresh
from flows.orders.stories import DEFAULT_WORLD
from tasks.compare.comparison import Comparison, Vote
from tasks.compare.report import preferences
from tasks.ledger.receipt import money


def compare(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROMPTS", help="Versions of one prompt: scene@3 scene@4."),
    ] = None,
    models: Annotated[
        str, typer.Option(help="Models instead, with commas: gemini-2.5-flash,claude:NAME.")
    ] = "",
    world: Annotated[str, typer.Option(help="A world file or name.")] = DEFAULT_WORLD,
    briefs: Annotated[
        str, typer.Option(help="A folder of briefs or a CSV table; all of the world's if unset.")
    ] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Seeds per brief.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 1,
    margin: Annotated[
        float, typer.Option(min=0.001, max=1, help="A difference in score nobody would act on.")
    ] = 0.03,
    model: Annotated[str, typer.Option(help="The model that writes, for prompts.")] = "",
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="What the run may spend, in USD.")
    ] = None,
    fresh: Fresh = False,
    blind: Annotated[
        bool, typer.Option("--blind", help="Then read pairs on a local page and vote.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for comparisons.")] = Path("comparisons"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Write the same scenes with each version and say which is better.

    A pair is the opening of one brief with one seed. The answer may come before all pairs are
    written, and no more is spent then. What was written before is not paid again, so the same
    command with more --repeats pays for the new pairs only.
    """
    from flows.cli.run import run_comparison
    from flows.cli.stopping import run
    from flows.orders.comparison import CompareOrder

    named = [name.strip() for name in models.split(",") if name.strip()]
    names = named or prompts or []
    if bool(prompts) == bool(named) or len(set(names)) < max(2, len(names)):
        raise typer.BadParameter(
            "name two or more different versions of a prompt, or as many in --models"
        )
    order = CompareOrder(
        prompts=prompts or [],
        models=named,
        world=world,
        briefs=briefs,
        repeats=repeats,
        seed=seed,
        margin=margin,
        model=model,
        max_cost_usd=None if max_cost is None else Decimal(str(max_cost)),
        fresh=fresh,
        out=str(out),
    )
    ended = run(run_comparison(order))
    comparison = ended.results[0]
    if blind:
        comparison = read_blind(comparison, order.folder)
    if as_json:
        typer.echo(comparison.model_dump_json(indent=2))
    else:
        _show(comparison, order.folder, ended.url)
    raise typer.Exit(ended.leave(3 if comparison.ended == "stopped early" else 0))


def read_blind(comparison: Comparison, folder: Path) -> Comparison:
    """Serve pairs until all are voted on or the reader presses Ctrl-C; every vote is kept."""
    from tasks.compare.blind import BlindServer, questions
    from tasks.compare.keep import keep, read_comparison

    asked = questions(comparison, seed=len(comparison.votes))
    votes = list(comparison.votes)

    def on_vote(vote: Vote) -> None:
        votes.append(vote)
        keep(comparison.model_copy(update={"votes": votes}), folder)

    if not asked:
        typer.echo("There is no pair left to vote on.", err=True)
        return comparison
    with BlindServer(asked, on_vote) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        typer.echo(f"Read and vote: {server.url} (Ctrl-C when you have had enough)", err=True)
        try:
            server.done.wait()
        except KeyboardInterrupt:
            typer.echo("Enough. The votes are kept.", err=True)
        server.shutdown()
    return read_comparison(folder)


def _show(comparison: Comparison, folder: Path, run_url: str) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print()
    for contrast in comparison.contrasts:
        out.print(f"[bold]{escape(contrast.sentence)}[/]")
        for d in contrast.differences:
            if d.measure in ("score", "seconds", "USD") or (d.adjusted <= 0.05 and d.mean):
                n = d.digits
                out.print(
                    f"  {escape(d.measure):<26}{d.first:.{n}f} to {d.second:.{n}f}  "
                    f"({d.low:+.{n}f} to {d.high:+.{n}f}, p {d.adjusted:.4f})"
                )
        if said := preferences(comparison, contrast):
            out.print(f"  {escape(said)}")
        if contrast.worth:
            out.print(f"  {'score a dollar buys':<26}{contrast.worth.ratio:.2f} times as much")
    if comparison.why:
        out.print(f"  [yellow]{escape(comparison.why)}[/]")
    out.print(
        f"  Cost      {money(comparison.paid_usd)}, and {money(comparison.cached_usd)} from the "
        f"cache: {len(comparison.pairs)} of {comparison.planned} pairs, {comparison.ended}"
    )
    out.print(f"  Report    {escape(str(folder / 'index.html'))}")
    out.print(f"  Run       {run_url}")
