"""A person reads blind, over real HTTP, and nobody else can vote."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import httpx

from tasks.compare.blind import BlindServer, questions
from tasks.compare.comparison import Comparison, Vote
from tasks.compare.votes import count
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
