"""`talewright prompts`: the versions of every prompt, their text, what changed, what is amiss."""

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.calls.errors import NoPrice
from tasks.core.errors import InputError
from tasks.core.plain_text import printable
from tasks.core.settings import Settings
from tasks.ledger.receipt import money
from tasks.prompts.lint import Size, remarks, size
from tasks.prompts.render import folders, load, prompt_ids, versions

app = typer.Typer(
    help="Prompts are text files with versions. Your own stand in the folder of "
    "TALEWRIGHT_PROMPTS as ID/VERSION.md; TALEWRIGHT_PROMPT_VERSIONS=scene@1 holds one back.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="As scene or scene@2; without a version the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every version of every prompt with its hash and its author's note."""
    files = [load(name, _where()) for prompt_id in prompt_ids(_where()) for name in _all(prompt_id)]
    if as_json:
        rows = [f.front.model_dump() | {"hash": f.hash, "file": str(f.path)} for f in files]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("prompt", "hash", "variables", "note"):
        table.add_column(column, no_wrap=column in ("prompt", "hash"))
    for file in files:
        note = escape(printable(file.front.note))
        table.add_row(file.name, file.hash, ", ".join(file.front.variables), note)
    Console(highlight=False).print(table)


@app.command()
def show(name: Name) -> None:
    """Print a prompt file as it is."""
    typer.echo(_text(load(name, _where()).path), nl=False)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(help="As scene@1.")],
    second: Annotated[str, typer.Argument(help="As scene@2; the newest if unset.")] = "",
) -> None:
    """Print what changed between two versions. Exit code 1 if anything did."""
    files = [load(name, _where()) for name in (first, second or first.partition("@")[0])]
    before, after = (_text(file.path).splitlines() for file in files)
    names = (files[0].name, files[1].name)
    changed = list(difflib.unified_diff(before, after, *names, lineterm=""))
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in changed:
        typer.secho(line, fg=colours.get(line[0]))
    raise typer.Exit(1 if changed else 0)


@app.command()
def lint(
    name: Annotated[str, typer.Argument(help="Only this prompt, or scene@2.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check prompts: variables, fences, size and cost. Exit code 1 if there are remarks.

    Size and cost are those of one call in a story of the world that comes with Talewright, with an
    answer as long as it may be.
    """
    wanted = [name] if name else prompt_ids(_where())
    found: list[str] = []
    sizes: dict[str, Size] = {}
    for one in (n for w in wanted for n in ([w] if "@" in w else _all(w))):
        try:
            file = load(one, _where())
            found += [str(remark) for remark in remarks(file)]
            sizes[one] = size(file, Settings())
        except (InputError, NoPrice) as error:
            found.append(str(error))
    if as_json:
        rows = [{"prompt": n, **vars(s), "usd": str(s.usd)} for n, s in sizes.items()]
        typer.echo(json.dumps({"remarks": found, "prompts": rows}, indent=2))
    else:
        _show(sizes, list(dict.fromkeys(found)))
    raise typer.Exit(1 if found else 0)


def _where() -> tuple[Path, ...]:
    return folders(Settings())


def _all(prompt_id: str) -> list[str]:
    return [f"{prompt_id}@{version}" for version in versions(prompt_id, _where())]


def _text(path: Path) -> str:
    """A file's text, without what would move a terminal's cursor."""
    text = path.read_text("utf-8")
    return "".join(
        c if c.isprintable() or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _show(sizes: dict[str, Size], found: list[str]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("prompt")
    for column in ("tokens in", "shared", "out, at most", "USD, at most"):
        table.add_column(column, justify="right")
    table.add_column("model")
    for name, of in sizes.items():
        tokens = (f"{of.tokens_in:,}", f"{of.tokens_shared:,}", f"{of.tokens_out:,}")
        table.add_row(name, *tokens, money(of.usd), escape(of.model))
    Console(highlight=False).print(table)
    for remark in found:
        typer.secho(remark, fg="yellow", err=True)
    if not found:
        typer.echo("Nothing to remark on.")
