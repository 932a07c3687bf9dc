"""A batch: each story fenced from the others, one cap, one index page."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from examples import worlds
from flows.orders.briefs import orders
from flows.orders.stories import BatchOrder
from flows.results import BatchResult
from flows.write_stories import write_stories
from tasks.core.errors import InputError
from tests.flows.conftest import artifact


@dataclass(frozen=True)
class Night:
    """A finished run of write-stories."""

    flow_run_id: UUID
    state: str
    message: str
    batch: BatchResult


async def run_batch(batch: BatchOrder) -> Night:
    state = await write_stories(batch, return_state=True)
    result = await state.aresult(raise_on_failure=False)
    assert isinstance(result, BatchResult), state.message
    flow_run_id = state.state_details.flow_run_id
    assert flow_run_id is not None
    return Night(flow_run_id, str(state.name), str(state.message), result)


async def test_three_of_fifty_cannot_be_written_and_the_others_are_published(
    prefect_server: str, tmp_path: Path
) -> None:
    briefs = tmp_path / "briefs"
    briefs.mkdir()
    good = worlds()["the-lighthouse"].parent / "briefs" / "night-hum.yaml"
    for n in range(47):
        text = good.read_text().replace("id: night-hum", f"id: night-hum-{n}")
        (briefs / f"{n}.yaml").write_text(text)
    (briefs / "broken.yaml").write_text("id: broken\ntitle: [\n")
    (briefs / "nobody.yaml").write_text(good.read_text().replace("juno", "nobody"))
    (briefs / "empty.yaml").write_text("")
    out, site = tmp_path / "out", tmp_path / "site"
    run = await run_batch(
        BatchOrder(briefs=str(briefs), depth=0, out=str(out), publish_to=str(site), sandbox="none")
    )
    assert run.state == "Partial"
    assert run.message == "47 of 50 stories complete"
    reasons = {Path(name.split(" (")[0]).name: why for name, why in run.batch.failed.items()}
    assert set(reasons) == {"broken.yaml", "nobody.yaml", "empty.yaml"}
    assert all(f"{name}:" in why for name, why in reasons.items())
    published = json.loads((site / "stories.json").read_text())
    assert len(published) == len(run.batch.complete) == 47
    index = (site / "index.html").read_text()
    for story in published.values():
        assert story["page"] in index
        assert (site / story["page"]).exists()
    receipt = (await artifact(run.flow_run_id, "receipt")).replace("\\", "")
    assert "(47 of 50): partial" in receipt.splitlines()[0]
    assert all(f"night-hum-{n}-1" in receipt for n in range(47))
    for name in reasons:
        assert name in receipt


async def test_two_stories_of_a_batch_do_not_share_a_folder(
    prefect_server: str, tmp_path: Path
) -> None:
    brief = worlds()["the-lighthouse"].parent / "briefs" / "night-hum.yaml"
    (tmp_path / "briefs").mkdir()
    for name in ("first", "twin"):
        (tmp_path / "briefs" / f"{name}.yaml").write_text(brief.read_text())
    order = BatchOrder(
        briefs=str(tmp_path / "briefs"), depth=0, out=str(tmp_path / "out"), sandbox="none"
    )
    batch = (await run_batch(order)).batch
    assert len(batch.complete) == 1
    (why,) = batch.failed.values()
    assert "Another story of this run goes to" in why


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
        assert (await run_batch(batch)).state == "Completed"
    pages = sorted((tmp_path / "site").glob("*/*/index.html"))
    assert len(pages) == 2


def test_a_table_of_briefs(tmp_path: Path) -> None:
    table = tmp_path / "night.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["brief", "world", "seed"])
        writer.writerow(["fifty-boxes", "dracula", "7.0"])  # as some programs write a number
        writer.writerow(["last-ferry", "", ""])
    found = orders(BatchOrder(briefs=str(table), repeats=2))
    assert [(o.brief, o.world, o.seed) for o in found] == [
        ("fifty-boxes", "dracula", 7),
        ("fifty-boxes", "dracula", 8),
        ("last-ferry", "the-lighthouse", 1),
        ("last-ferry", "the-lighthouse", 2),
    ]


async def test_a_batch_of_which_nothing_is_written_has_failed(
    prefect_server: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.yaml").write_text("")
    run = await run_batch(BatchOrder(briefs=str(tmp_path), depth=0, sandbox="none"))
    assert run.batch.outcome == "failed"
    assert run.state == "Failed"
    assert run.message == "0 of 1 stories complete"
    assert "empty.yaml" in await artifact(run.flow_run_id, "receipt"), "the last says why"


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "night.csv"
    table.write_text("brief,seed\n\n")
    with pytest.raises(InputError, match="has no rows"):
        orders(BatchOrder(briefs=str(table)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("brief,colour\nx,red\n", 1),
        ("brief,depth\nx,1\ny,deep\n", 3),
        ("world\nx\n", 1),
        ("brief,seed\nx,1.5\n", 2),
        ("brief\nx\ny,1\n", 3),
    ],
)
def test_a_wrong_table_is_named_by_its_line(tmp_path: Path, text: str, line: int) -> None:
    table = tmp_path / "night.csv"
    table.write_text(text)
    with pytest.raises(InputError) as error:
        orders(BatchOrder(briefs=str(table)))
    assert error.value.line == line
