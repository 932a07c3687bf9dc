"""From a batch to its orders: the briefs of a table, a folder or a world."""

import csv
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from examples import worlds
from flows.orders.stories import BatchOrder, StoryOrder, Writing
from tasks.core.errors import InputError
from tasks.core.files import regular
from tasks.core.validation import first_fault

COLUMNS = ("brief", "world", "depth", "breadth", "seed")


def orders(batch: BatchOrder) -> list[StoryOrder]:
    """One order a story of this run, in the order of the table or of file names.

    The briefs are read when their story is written, so that a broken one fails alone. Raises
    InputError for a folder or table that cannot be used.
    """
    shared = batch.model_dump(include=set(Writing.model_fields))
    rows = list(_rows(batch))
    if not rows:
        raise InputError("This table has no rows.", file=batch.briefs)
    wanted = [
        order.model_copy(update={"seed": order.seed + repeat})
        for order in (StoryOrder(**shared | row) for row in rows)
        for repeat in range(batch.repeats)
    ]
    return wanted[batch.part.number :: batch.part.of] if batch.part else wanted


def _rows(batch: BatchOrder) -> Iterator[dict[str, str]]:
    path = Path(batch.briefs).expanduser()
    if not batch.briefs:
        world = worlds().get(batch.world, Path(batch.world))
        yield from _files(world.parent / "briefs")
    elif path.is_dir():
        yield from _files(path)
    elif path.suffix.lower() == ".csv":
        yield from _table(path)
    else:
        raise InputError("This is neither a folder of briefs nor a .csv table.", file=path)


def _files(folder: Path) -> Iterator[dict[str, str]]:
    files = sorted(file for file in folder.glob("*.y*ml"))
    if not files:
        raise InputError("There is no brief (*.yaml) in this folder.", file=folder)
    yield from ({"brief": str(file)} for file in files)


def _table(path: Path) -> Iterator[dict[str, str]]:
    try:
        with regular(path).open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            unknown = set(table.fieldnames or ()) - set(COLUMNS)
            if unknown or "brief" not in (table.fieldnames or ()):
                raise InputError(
                    f"The columns must be `brief` and any of {', '.join(COLUMNS[1:])}; "
                    f"this has {', '.join(table.fieldnames or ['none'])}.",
                    file=path,
                    line=1,
                )
            for row in table:
                if None in row:
                    message = "This row has more cells than the table has columns."
                    raise InputError(message, file=path, line=table.line_num)
                cells = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
                _check(cells, path, table.line_num)
                yield cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"This table cannot be read: {error}", file=path) from None


def _check(cells: dict[str, str], path: Path, line: int) -> None:
    try:
        StoryOrder.model_validate(cells)
    except ValidationError as error:
        field, message = first_fault(error)
        raise InputError(message, file=path, line=line, field=field) from None
