"""A batch: each story fenced from the others, one cap, one index page."""

import csv
import json
from pathlib import Path

import pytest

from examples import worlds
from flows.briefs import orders
from flows.order import BatchOrder
from flows.write_stories import Batch, write_stories
from tasks.errors import InputError


async def run_batch(batch: BatchOrder) -> tuple[str, Batch]:
    state = await write_stories(batch, return_state=True)
    result = await state.aresult(raise_on_failure=False)
    assert isinstance(result, Batch), state.message
    return str(state.name), result


async def test_a_story_that_fails_is_reported_and_the_others_finish(
    prefect_server: str, tmp_path: Path
) -> None:
    briefs = tmp_path / "briefs"
    briefs.mkdir()
    good = worlds()["the-lighthouse"].parent / "briefs" / "night-hum.yaml"
    for n in range(4):
        text = good.read_text().replace("id: night-hum", f"id: night-hum-{n}")
        (briefs / f"{n}.yaml").write_text(text)
    (briefs / "broken.yaml").write_text("id: broken\ntitle: [\n")
    (briefs / "nobody.yaml").write_text(good.read_text().replace("juno", "nobody"))
    out, site = tmp_path / "out", tmp_path / "site"
    state, batch = await run_batch(
        BatchOrder(briefs=str(briefs), depth=1, out=str(out), publish_to=str(site))
    )
    assert state == "Partial"
    assert len(batch.complete) == 4
    assert len(batch.failed) == 2
    assert any("broken.yaml:" in why for why in batch.failed.values())
    assert len(json.loads((site / "stories.json").read_text())) == 4
    index = (site / "index.html").read_text()
    for published in json.loads((site / "stories.json").read_text()).values():
        assert published["page"] in index
        assert (site / published["page"]).exists()


async def test_publishing_again_replaces_what_was_there(
    prefect_server: str, tmp_path: Path
) -> None:
    batch = BatchOrder(
        briefs=str(worlds()["the-lighthouse"].parent / "briefs"),
        depth=0,
        out=str(tmp_path / "out"),
        publish_to=str(tmp_path / "site"),
    )
    for _ in range(2):
        state, _done = await run_batch(batch)
        assert state == "Completed"
    pages = sorted((tmp_path / "site").glob("*/*/index.html"))
    assert len(pages) == 2


def test_a_table_of_briefs(tmp_path: Path) -> None:
    table = tmp_path / "night.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["brief", "world", "seed"])
        writer.writerow(["fifty-boxes", "dracula", "7"])
        writer.writerow(["last-ferry", "", ""])
    found = orders(BatchOrder(briefs=str(table), repeats=2))
    assert [(o.brief, o.world, o.seed) for o in found] == [
        ("fifty-boxes", "dracula", 7),
        ("fifty-boxes", "dracula", 8),
        ("last-ferry", "the-lighthouse", 1),
        ("last-ferry", "the-lighthouse", 2),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("brief,colour\nx,red\n", 1), ("brief,depth\nx,1\ny,deep\n", 3), ("world\nx\n", 1)],
)
def test_a_wrong_table_is_named_by_its_line(tmp_path: Path, text: str, line: int) -> None:
    table = tmp_path / "night.csv"
    table.write_text(text)
    with pytest.raises(InputError) as error:
        orders(BatchOrder(briefs=str(table)))
    assert error.value.line == line
