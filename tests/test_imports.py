"""Imports point one way: each room knows only the rooms below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ROOMS = (
    "tasks.story",
    "tasks.calls",
    "tasks.core",
    "tasks.world",
    "tasks.ledger",
    "tasks.offline",
    "tasks.llm",
    "tasks.prompts",
    "tasks.answers",
    "tasks.sandbox",
    "tasks.consistency",
    "tasks.scoring",
    "tasks.export",
    "tasks.compare",
    "tasks",
    "flows",
)
"""From the ground up; `tasks` and `flows` are the files that lie in them directly."""

NEVER = {
    "tasks.core": {"tasks.story"},
    "tasks.llm": {"tasks.story", "tasks.world", "tasks.export"},
    "tasks.sandbox": {"tasks.llm", "tasks.prompts"},
}
"""Rooms below that a room must not know all the same."""


def room(module: str) -> str:
    """The room a module lies in: `tasks.llm` for `tasks.llm.batch.jobs`."""
    if module.startswith("flows"):
        return "flows"
    parent = ".".join(module.split(".")[:2])
    return parent if parent in ROOMS else "tasks"


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """The line and name of every module of ours that a file imports."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_knows_only_rooms_below_it(name: str) -> None:
    above = set(ROOMS[ROOMS.index(name) + 1 :]) | NEVER.get(name, set())
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {module}"
        for folder in ("tasks", "flows")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if room(".".join(file.relative_to(ROOT).with_suffix("").parts)) == name
        for line, module in imports(file)
        if module.startswith(("tasks.", "flows.")) and room(module) in above
    ]
    assert not wrong, "\n".join(wrong)
