"""`talewright write`: one story, from a world and a brief to a page that plays."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Breadth, Depth, Extend, Fresh, FromScene, Model, Redo, Scenes
from flows.orders.stories import StoryOrder
from tasks.core.settings import SandboxName

DEFAULTS = StoryOrder()


def write(
    world: Annotated[
        str, typer.Argument(help="A world file, or the name of a world that comes with Talewright.")
    ] = DEFAULTS.world,
    brief: Annotated[
        str, typer.Option(help="A brief file or name; the world's first if unset.")
    ] = "",
    depth: Depth = DEFAULTS.depth,
    breadth: Breadth = DEFAULTS.breadth,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed gives the same story.")
    ] = DEFAULTS.seed,
    model: Model = "",
    sandbox: Annotated[
        SandboxName | None, typer.Option(help="Where code in the story runs.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="What the run may spend, in USD.")
    ] = None,
    fresh: Fresh = False,
    scenes: Scenes = None,
    joins: Annotated[
        bool, typer.Option("--joins", help="Let the last choices of sibling scenes meet again.")
    ] = False,
    extend: Extend = "",
    from_scene: FromScene = "",
    redo: Redo = "",
    out: Annotated[Path, typer.Option(help="Folder for stories.")] = Path(DEFAULTS.out),
    json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Write a branching story and print where it lies and what it cost.

    Without arguments: a story of the world that comes with Talewright. Without a key of
    a provider the offline writer, which is not a model and costs nothing, does the writing.
    The same command again pays for nothing that has been paid already.
    """
    from flows.cli.run import run_story
    from flows.cli.stopping import run

    if bool(extend) != (bool(from_scene) ^ bool(redo)):
        raise typer.BadParameter("--extend goes with either --from or --redo")
    if extend and world != DEFAULTS.world:
        raise typer.BadParameter("with --extend, the story keeps its world: leave WORLD out")
    order = StoryOrder(
        world=world,
        brief=brief,
        depth=depth,
        breadth=breadth,
        seed=seed,
        model=model,
        sandbox=sandbox,
        max_cost_usd=None if max_cost is None else Decimal(str(max_cost)),
        fresh=fresh,
        most_scenes=scenes,
        joins=joins,
        extend=extend,
        from_scene=from_scene,
        redo=redo,
        out=str(out),
    )
    raise typer.Exit(run(run_story(order, as_json=json)))
