"""`talewright batch`: many stories in one run."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Breadth, Depth, Fresh, Model
from flows.orders.stories import BatchOrder
from tasks.core.settings import SandboxName

DEFAULTS = BatchOrder()


def batch(
    briefs: Annotated[
        str,
        typer.Argument(help="A folder of briefs or a CSV table; the world's briefs if unset."),
    ] = "",
    world: Annotated[str, typer.Option(help="A world file or name.")] = DEFAULTS.world,
    repeats: Annotated[
        int, typer.Option(min=1, help="Stories per brief, each with the next seed.")
    ] = DEFAULTS.repeats,
    depth: Depth = DEFAULTS.depth,
    breadth: Breadth = DEFAULTS.breadth,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = DEFAULTS.seed,
    model: Model = "",
    sandbox: Annotated[
        SandboxName | None, typer.Option(help="Where code in the stories runs.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="What all stories together may spend, in USD.")
    ] = None,
    at_once: Annotated[
        int, typer.Option(min=1, help="Stories written at the same time.")
    ] = DEFAULTS.at_once,
    batch_api: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Use the provider's batch API: half the price, and up to a day for each level "
            "of the stories.",
        ),
    ] = False,
    fresh: Fresh = False,
    publish_to: Annotated[
        str, typer.Option(help="Folder or storage URL for complete stories, with an index page.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder for stories.")] = Path(DEFAULTS.out),
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write many stories side by side, under one rate and one cap.

    A story that fails is reported and the others finish; the exit code is then 4. The same command
    again pays for nothing that has been paid already.
    """
    from flows.cli.run import run_batch
    from flows.cli.stopping import run

    order = BatchOrder(
        briefs=briefs,
        world=world,
        repeats=repeats,
        depth=depth,
        breadth=breadth,
        seed=seed,
        model=model,
        sandbox=sandbox,
        max_cost_usd=None if max_cost is None else Decimal(str(max_cost)),
        at_once=at_once,
        batch_api=batch_api,
        fresh=fresh,
        publish_to=publish_to,
        out=str(out),
    )
    raise typer.Exit(run(run_batch(order, as_json=json)))
