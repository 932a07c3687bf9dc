"""Publishing to S3-compatible storage, by the official SDK over HTTP."""

import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from flows.orders.stories import StoryOrder
from tasks.core.errors import UserError
from tasks.export import EXPORTS, export_story
from tasks.publish import publish
from tests.emulators.s3 import BUCKET, S3Emulator
from tests.flows.conftest import Run, run_story
from tests.stories import make_story


class Reader(S3Emulator):
    """Opens every page the index names each time the index changes."""

    broken = 0

    def put(self, key: str, body: bytes) -> None:
        super().put(key, body)
        if key == "site/index.html":
            pages = re.findall(r'href="([^"]+)"', body.decode())
            self.broken += not pages or any(f"site/{page}" not in self.objects for page in pages)


@pytest.mark.skipif(find_spec("s3fs") is None, reason="the extra `s3` is not installed")
async def test_a_story_is_published_to_s3_and_never_half_of_it(
    prefect_server: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = f"s3://{BUCKET}/site"
    with Reader() as storage:
        for name, value in storage.environment().items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            await run_story(StoryOrder(depth=0, out=str(tmp_path), publish_to=to, sandbox="none"))
        publish.fn(run.story.model_copy(update={"id": "another"}), run.told.folder, to)
        stories = {key.split("/")[1] for key in storage.objects if key.count("/") > 2}
        records = [key for key in storage.objects if key.startswith("site/published/")]
        pages = [key for key in storage.objects if key.endswith("/index.html")]
        assert len(pages) == 3, "an index, and each story once"
        assert stories == {"last-ferry-1", "another"}
        assert len(records) == 2
        assert not [key for key in storage.objects if key.endswith(".new")]
        assert storage.broken == 0
        with pytest.raises(UserError, match="s3://elsewhere"):
            publish.fn(run.story, run.told.folder, "s3://elsewhere/site")


def test_a_record_of_an_older_version_stays_on_the_index(run: Run, tmp_path: Path) -> None:
    old = {
        "id": "older",
        "title": "Before",
        "written_by": "offline writer",
        "scenes": 1,
        "at": "2026-01-01T00:00:00Z",
        "page": "older/00000000/index.html",
    }
    (tmp_path / "published").mkdir()
    (tmp_path / "published/older.00000000.json").write_text(json.dumps(old))
    publish.fn(run.story, run.told.folder, str(tmp_path))
    index = (tmp_path / "index.html").read_text()
    assert "older/00000000/index.html" in index
    assert run.story.world.title in index


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("s-1.evil", "../precious/index.html"),
        ("s-1.evil", "precious/0123abcd/index.html"),
        ("precious.0123abcd", "precious/0123abcd/index.html"),
    ],
)
def test_a_strangers_record_takes_nothing_away(tmp_path: Path, name: str, page: str) -> None:
    site = tmp_path / "site"
    kept = (site / page).parent
    (site / "published").mkdir(parents=True)
    kept.mkdir(parents=True)
    (kept / "thesis").write_text("x")
    record = {"id": "s-1", "title": "x", "written_by": "x", "scenes": 1, "at": "2020-01-01T00:00Z"}
    (site / "published" / f"{name}.json").write_text(json.dumps(record | {"page": page}))
    story = make_story(1, 0, 1).model_copy(update={"id": "s-1"})
    out = tmp_path / "out"
    export_story(story, out)
    publish.fn(story, out, str(site))
    publish.fn(story, out, str(site))
    assert (kept / "thesis").exists()
    [published] = json.loads((site / "stories.json").read_text()).values()
    assert (site / published["page"]).exists()
    assert len(list((site / "s-1").iterdir())) == 1


def test_only_exports_are_published(tmp_path: Path) -> None:
    story, out = make_story(1, 0, 1), tmp_path / "out"
    export_story(story, out)
    (tmp_path / "key").write_text("secret")
    (out / "key").write_text("secret")
    (out / "map.png").unlink()
    (out / "map.png").symlink_to(tmp_path / "key")
    publish.fn(story, out, str(tmp_path / "site"))
    [page] = (tmp_path / "site").glob("*/*/index.html")
    published = {path.name for path in page.parent.iterdir()}
    assert published == {export.file for export in EXPORTS.values()} - {"map.png", "receipt.json"}


MANY = """
import sys, time
from pathlib import Path
from flows.story.source import read_story
from tasks.publish import publish

name, folder, to = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
story = read_story(folder / "story.json")
time.sleep(max(0, float(sys.argv[4]) - time.time()))
for n in range(12):
    publish.fn(story.model_copy(update={"id": f"{name}-{n}"}), folder, to)
"""


@pytest.mark.parametrize("machines", [1, 2])
def test_two_processes_that_publish_at_once_lose_no_story(
    prefect_server: str, run: Run, tmp_path: Path, machines: int
) -> None:
    to = tmp_path / "site"
    arguments = [str(run.told.folder), str(to), str(time.time() + 3)]
    # Machines do not share the lock that lies at home.
    homes = [tmp_path / "a", tmp_path / "b"][:machines] * 2
    publishing = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, name, *arguments],
            env=os.environ | {"HOME": str(home), "TALEWRIGHT_HOME": str(home)},
        )
        for name, home in zip("ab", homes, strict=False)
    ]
    assert [process.wait(60) for process in publishing] == [0, 0]
    named = re.findall(r'href="([^"]+)"', (to / "index.html").read_text())
    assert len(named) == len(json.loads((to / "stories.json").read_text())) == 24
    assert all((to / page).exists() for page in named)
