"""`talewright check`: does a story contradict itself?"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from flows.cli.run import EXIT_CODES
from flows.cli.terminal import shown
from flows.story.judging import judge_story
from flows.story.source import read_story
from tasks.consistency.accepted_findings import AcceptedFinding, read_accepted
from tasks.consistency.checks import CHECKS
from tasks.consistency.graph import Graph, from_story
from tasks.consistency.paths import StoryCheck, check_story
from tasks.consistency.report import page, tally
from tasks.consistency.twee import read_twee
from tasks.core.count import counted
from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.export import EXPORTS, export_story
from tasks.llm.client import Client
from tasks.story.receipt import Receipt
from tasks.story.story import Story
from tasks.story.verdict import Issue, Severity, Verdict
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
    judge: Annotated[
        bool, typer.Option("--judge", help="Ask a model too, and keep its verdicts in the story.")
    ] = False,
    checks: Annotated[bool, typer.Option("--list", help="List the checks and stop.")] = False,
) -> None:
    """Check a story against its world, along every path. Nothing is generated, and nothing is sent
    without --judge, which judges a story of ours as it stands, at a cost.

    What you mean to be so goes into NAME.intended.yaml beside the story: a list of
    {check, quote, reason}.

    Exit codes: 0 clean, 2 bad input, 4 contradictions, 5 the judge could not be asked.
    """
    if checks:
        list_checks()
        return
    if story is None:
        raise InputError("name a story to check", file="talewright check")
    if story.is_dir():
        story = story / "story.json"
    accepted = read_accepted(_beside(story, "intended.yaml"))
    found = check_story(read(story, world), accepted)
    unjudged = ""
    if judge:
        judged = asyncio.run(_judge(story, accepted))
        unjudged = judged.unjudged
        found = with_judge(found, judged)
    if html:
        ours = read_story(story) if story.suffix == ".json" else None
        html.write_text(page(found, ours), encoding="utf-8")
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        show(found, html)
    if not found.clean or (strict and found.findings):
        raise typer.Exit(FINDINGS)
    if unjudged:
        typer.echo(f"The judge could not be asked: {unjudged}", err=True)
        raise typer.Exit(EXIT_CODES["unjudged"])


async def _judge(path: Path, accepted: Sequence[AcceptedFinding]) -> Story:
    """A story of ours with the judge's verdicts, which its folder has then too."""
    if path.suffix != ".json":
        raise InputError("only a story.json can be judged", file=path)
    story, settings = read_story(path), Settings()
    async with Client.open(settings, run_id=f"check-{story.id}") as client:
        judged = await judge_story(story, client, accepted)
    export_story(judged, path.parent, _receipt(path.with_name(EXPORTS["receipt"].file), judged))
    return judged


def _receipt(path: Path, story: Story) -> Receipt | None:
    """The receipt beside a story, which is complete once it is judged; None if there is none."""
    if not path.exists():
        return None
    receipt = Receipt.model_validate_json(path.read_bytes())
    if receipt.outcome == "unjudged" and not story.unjudged:
        return receipt.model_copy(update={"outcome": "complete"})
    return receipt


def with_judge(found: StoryCheck, story: Story) -> StoryCheck:
    """A check with what the judge found in the scenes and branches of a story."""
    ruled = {scene.scene_id: scene.verdict for scene in story.scenes}
    ruled |= {b.branch_id: b.verdict for scene in story.scenes for b in scene.branches}
    examined = [
        one.model_copy(update={"issues": [*one.issues, *_by_judge(ruled.get(one.id))]})
        for one in found.examined
    ]
    return found.model_copy(update={"examined": examined})


def _by_judge(verdict: Verdict | None) -> list[Issue]:
    return [issue for issue in verdict.issues if issue.found_by == "judge"] if verdict else []


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
