"""A person reads blind, over real HTTP, and nobody else can vote."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from threading import Thread

import httpx

from tasks.compare.blind import BlindServer, questions
from tasks.compare.comparison import Comparison, Vote
from tasks.compare.keep import read_comparison
from tasks.compare.votes import count
from tests.compare.conftest import VersionedServer
from tests.compare.scenes import NAMES, comparison


@contextmanager
def serving(found: Comparison, votes: list[Vote]) -> Iterator[httpx.Client]:
    with BlindServer(questions(found, seed=1), votes.append) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with httpx.Client(base_url=server.url, follow_redirects=True) as client:
            yield client
        server.shutdown()


def token(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found
    return found[1]


def test_a_person_votes_without_knowing_which_is_which() -> None:
    found, votes = comparison(), list[Vote]()
    with serving(found, votes) as client:
        shown = client.get("/").text
        for number in range(12):
            assert "scene@" not in shown
            form = {"token": token(shown), "number": str(number), "side": "left"}
            shown = client.post("/", data=form).text
        assert "Thank you" in shown
    assert {vote.preferred for vote in votes} == set(NAMES)
    assert {(vote.brief, vote.seed) for vote in votes} == {("b", i) for i in range(12)}
    counted = count(votes, *NAMES)
    assert counted.for_first + counted.for_second == 12
    assert questions(found.model_copy(update={"votes": votes}), seed=2) == []


def test_nobody_else_can_vote_and_nobody_twice() -> None:
    votes = list[Vote]()
    with serving(comparison(), votes) as client:
        good = {"token": token(client.get("/").text), "number": "0", "side": "neither"}
        assert client.post("/", data=good | {"token": "guessed"}).status_code == 403
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert client.post("/", data=good, headers={"Host": "evil.example"}).status_code == 403
        assert client.post("/", content=b"x" * 2000).status_code == 400
        assert votes == []
        client.post("/", data=good)
        client.post("/", data=good)
    assert [vote.preferred for vote in votes] == [""]


def test_the_command_compares_then_asks_a_reader_and_adds_the_votes(
    prefect_server: str, gemini: VersionedServer, tmp_path: Path
) -> None:
    ask = [sys.executable, "-m", "flows.cli", "compare", "scene@1", "scene@2"]
    ask += ["--repeats", "1", "--blind", "--out", str(tmp_path)]
    with subprocess.Popen(ask, stdout=PIPE, stderr=PIPE, text=True) as running:
        assert running.stderr is not None
        url = next(line.split()[3] for line in running.stderr if line.startswith("Read and vote"))
        with httpx.Client(base_url=url, follow_redirects=True) as reader:
            for number in range(2):
                form = {"token": token(reader.get("/").text), "number": str(number), "side": "left"}
                reader.post("/", data=form)
        shown = running.communicate(timeout=30)[0]
    assert running.returncode == 0
    assert "2 of 2 pairs, all pairs" in shown
    assert "Blind readers: " in shown
    folder = tmp_path / "scene-1-or-scene-2"
    assert len(read_comparison(folder).votes) == 2
    assert "Blind readers: " in (folder / "index.html").read_text("utf-8")
