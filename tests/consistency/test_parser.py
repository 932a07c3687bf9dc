"""The parser: its worker process, its model, and a world whose names are words."""

from pathlib import Path

import pytest

from tasks.consistency.language import parser
from tasks.core.errors import UserError

SENTENCES = ["He opens the door.", "In walks John, and nobody laughs.", "“Müde,” she says."]


async def test_what_is_parsed_ahead_is_what_would_be_parsed_here() -> None:
    await parser.parse_ahead(SENTENCES)
    assert parser.parse(SENTENCES) == parser._parse(SENTENCES)


async def test_a_worker_that_was_ended_is_started_again() -> None:
    await parser.parse_ahead(["He waits."])
    process = parser._WORKER._process
    assert process is not None
    process.kill()
    process.wait()
    await parser.parse_ahead(["She waits."])
    assert parser._WORKER.running
    assert parser.parse(["She waits."]) == parser._parse(["She waits."])


def test_other_weights_are_refused(tmp_path: Path) -> None:
    for name in parser._WEIGHTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"other")
    with pytest.raises(UserError, match="is not the model Talewright was tested with"):
        parser._check(tmp_path)
