"""A comparison in its folder: the page, the pairs as CSV, and everything as JSON."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from tasks.compare.comparison import Comparison, Vote
from tasks.compare.outcome import Variant, measures
from tasks.compare.report import page
from tasks.core.errors import InputError
from tasks.core.files import regular, replace_file
from tasks.core.validation import first_fault

DATA, PAGE, TABLE = "comparison.json", "index.html", "pairs.csv"


def keep(comparison: Comparison, folder: Path) -> None:
    """Write a comparison, each file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        DATA: comparison.model_dump_json(indent=1),
        PAGE: page(comparison),
        TABLE: _table(comparison),
    }
    for name, text in texts.items():
        replace_file(folder / name, text)


def read_comparison(folder: Path) -> Comparison:
    """The comparison in a folder. Raises InputError."""
    file = folder / DATA
    try:
        return Comparison.model_validate_json(regular(file).read_bytes())
    except OSError as error:
        raise InputError(f"there is no comparison here: {error.strerror}", file=file) from None
    except ValidationError as error:
        raise InputError(f"is no comparison: {first_fault(error)[1]}", file=file) from None


def kept(folder: Path, variants: Sequence[Variant], planned: int) -> tuple[int, list[Vote]]:
    """How often these variants were planned by now, and the votes there are on them.

    A plan that grows after its end was seen is another chance to be wrong, so it is counted.
    """
    if not (folder / DATA).exists():
        return 1, []
    before = read_comparison(folder)
    if [v.hash for v in before.variants] != [v.hash for v in variants]:
        return 1, []
    return before.plans + (planned > before.planned), before.votes


def _table(comparison: Comparison) -> str:
    """A row for each outcome."""
    text = io.StringIO()
    outcomes = [o for pair in comparison.pairs for o in pair.outcomes.values()]
    measured = measures(outcomes)
    writer = csv.writer(text)
    writer.writerow(
        ["brief", "seed", "variant", "prompt_hash", "model", "rung", "error"]
        + [measure.name for measure in measured]
    )
    for pair in comparison.pairs:
        for outcome in pair.outcomes.values():
            by = outcome.scene.written_by if outcome.scene else None
            writer.writerow(
                [
                    *(pair.brief, pair.seed, outcome.variant),
                    *(by.prompt_hash if by else "", by.model if by else ""),
                    *(by.rung if by else "", _inert(outcome.error)),
                    *(f"{measure.of(outcome):.6g}" for measure in measured),
                ]
            )
    return text.getvalue()


def _inert(cell: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
