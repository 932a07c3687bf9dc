"""`talewright check`: does a story contradict itself?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from flows.cli.terminal import shown
from flows.story.source import read_story
from tasks.consistency.accepted_findings import read_accepted
from tasks.consistency.checks import CHECKS
from tasks.consistency.graph import Graph, from_story
from tasks.consistency.paths import StoryCheck, check_story
from tasks.consistency.report import page, tally
from tasks.consistency.twee import read_twee
from tasks.core.count import counted
from tasks.core.errors import InputError
from tasks.story.verdict import Severity
from tasks.world.load import load_world

TWEE = (".tw", ".twee", ".tw3")

LONGEST = 200
"""Characters shown of a message or a quotation."""

FINDINGS = 4
"""Exit code if something contradicts."""


def check(
    story: Annotated[
        Path | None, typer.Argument(help="A story's folder or story.json, or a Twee 3 file.")
    ] = None,
    world: Annotated[
        str, typer.Option(help="World file or name; for Twee also NAME.world.yaml beside it.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    strict: Annotated[bool, typer.Option(help="Warnings count too.")] = False,
    checks: Annotated[bool, typer.Option("--list", help="List the checks and stop.")] = False,
) -> None:
    """Check a story against its world, along every path. Nothing is generated or sent.

    What you mean to be so goes into NAME.intended.yaml beside the story: a list of
    {check, quote, reason}.

    Exit codes: 0 clean, 2 bad input, 4 contradictions.
    """
    if checks:
        list_checks()
        return
    if story is None:
        raise InputError("name a story to check", file="talewright check")
    if story.is_dir():
        story = story / "story.json"
    found = check_story(read(story, world), read_accepted(_beside(story, "intended.yaml")))
    if html:
        ours = read_story(story) if story.suffix == ".json" else None
        html.write_text(page(found, ours), encoding="utf-8")
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        show(found, html)
    if not found.clean or (strict and found.findings):
        raise typer.Exit(FINDINGS)


def read(path: Path, world: str) -> Graph:
    """A story of ours or in Twee 3, as a graph. Raises InputError."""
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    if path.suffix in TWEE:
        beside = _beside(path, "world.yaml")
        if not world and not beside.exists():
            raise InputError(f"name its world with --world, or put it in {beside.name}", file=path)
        return read_twee(path, load_world(world or beside))
    if path.suffix != ".json":
        message = f"this is neither a story.json nor a Twee 3 file ({', '.join(TWEE)})"
        raise InputError(message, file=path)
    graph = from_story(read_story(path))
    return graph.model_copy(update={"world": load_world(world)}) if world else graph


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}.{ending}")


def show(found: StoryCheck, written: Path | None) -> None:
    """The findings, with both quotes, on a terminal."""
    out = Console(highlight=False, soft_wrap=True)
    for examined, issue in found.findings:
        colour = "red" if issue.severity is Severity.ERROR else "yellow"
        title = shown(examined.title, 60)
        out.print(f"[{colour}]{issue.severity}[/] {shown(examined.id, LONGEST)} {title}")
        out.print(f"  {shown(issue.message, LONGEST)} [dim]({issue.check} {escape(issue.name)})[/]")
        if issue.quote:
            out.print(f"  here   {shown(issue.quote, LONGEST)}")
        if issue.fact:
            out.print(
                f"  there  {shown(issue.fact, LONGEST)} [dim]({shown(issue.source, LONGEST)})[/]"
            )
        if issue.suggested_fix:
            out.print(f"  fix    {shown(issue.suggested_fix, LONGEST)}")
    errors = sum(issue.severity is Severity.ERROR for _, issue in found.findings)
    out.print(
        f"{shown(found.title, LONGEST)}: {tally(found)}: {counted(errors, 'contradiction')}, "
        f"{counted(len(found.findings) - errors, 'warning')}"
    )
    if written:
        out.print(f"Report: {escape(str(written))}")


def list_checks() -> None:
    """Every check with an example and its counter-example."""
    out = Console(highlight=False, soft_wrap=True)
    for one in CHECKS:
        out.print(f"[bold]{one.id}[/] {escape(one.name)} ({one.category}, {one.severity})")
        out.print(f"  finds   {escape(one.example)}")
        out.print(f"  passes  {escape(one.counter_example)}")
