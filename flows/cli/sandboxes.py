"""`talewright sandboxes`: what is left behind in E2B, and a snippet run again."""

import asyncio
from pathlib import Path
from typing import Annotated, cast

import typer

from tasks.core.errors import InputError, UserError
from tasks.core.files import regular
from tasks.core.plain_text import printable
from tasks.core.settings import SandboxName, Settings
from tasks.story.code import CodeReport, Snippet

app = typer.Typer(help="Sandboxes for the code in stories.", no_args_is_help=True)


@app.command()
def sweep(
    run: Annotated[str, typer.Option(help="Only the sandboxes of this run.")] = "",
) -> None:
    """Kill what Talewright left running in E2B. Do not do it while stories are written."""
    from tasks.sandbox.e2b import APP, TROUBLE, said
    from tasks.sandbox.e2b import sweep as swept

    mark = {"app": APP, "run": run} if run else {"app": APP}
    try:
        killed = asyncio.run(swept(Settings(), mark))
    except TROUBLE as error:
        raise UserError(f"{said(error)}.") from None
    typer.echo(f"{killed} killed")


@app.command("run")
def run_file(
    file: Annotated[Path, typer.Argument(help="A file of Python, such as a report names.")],
    engine: Annotated[str, typer.Option(help="e2b, bubblewrap, monty or compile.")] = "auto",
) -> None:
    """Run a snippet again, where it can do no harm. Exit code 1 if it does not pass."""
    try:
        code = regular(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(error), file=file) from None
    name = cast(SandboxName, "none" if engine == "compile" else engine)
    if name not in ("auto", "e2b", "bubblewrap", "monty", "none"):
        raise UserError(f"There is no engine {engine}: use e2b, bubblewrap, monty or compile.")
    from tasks.core.plain_text import clean

    report = asyncio.run(_run(name, code))
    typer.echo(clean(report.stdout), nl=False)
    said = printable(report.error or "no error", 500)
    typer.echo(f"{report.verdict} on {report.engine}: {said}", err=True)
    raise typer.Exit(0 if report.verdict == "passed" else 1)


async def _run(name: SandboxName, code: str) -> CodeReport:
    from tasks.sandbox import open_sandbox

    snippet = Snippet(code=code, first_line=1, last_line=code.count("\n") + 1)
    async with open_sandbox(Settings(), name, run_id="by-hand", story_id="by-hand") as sandbox:
        return await sandbox.run(snippet)
