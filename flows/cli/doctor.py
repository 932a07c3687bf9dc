"""`talewright doctor`: is everything set up?"""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.core.settings import Settings

STYLES = {"ok": "green", "off": "yellow", "broken": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is set up and reachable, what it would cost, and what to do about the rest.

    Looks at providers, sandbox engines, the Prefect server and limits. Costs nothing, and never
    prints a key.

    Exit codes: 0 all that is set up works, 1 something is broken.
    """
    from tasks.doctor import Finding, examine

    findings: list[Finding] = asyncio.run(examine(Settings()))
    if as_json:
        print(json.dumps([finding.model_dump() for finding in findings], indent=2))
    else:
        console = Console()
        table = Table(box=None, pad_edge=False)
        for head in ("", "", "state"):
            table.add_column(head, no_wrap=True)
        table.add_column("", overflow="fold")
        table.add_column("cost", overflow="fold")
        for finding in findings:
            state = f"[{STYLES[finding.state]}]{finding.state}[/]"
            texts = (finding.detail, finding.cost)
            table.add_row(finding.area, finding.name, state, *map(escape, texts))
        console.print(table)
        for finding in findings:
            if finding.advice:
                console.print(f"- {escape(finding.name)}: {escape(finding.advice)}")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)
