"""Blind reading: a page on this machine that shows two scenes and asks which is better.

Which version stands left is drawn for each pair, and nothing on the page tells. The page is served
on 127.0.0.1 only; a vote needs the token that the page was given, so no other site can cast one.
"""

import hmac
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs

from tasks.compare.comparison import Comparison, Vote
from tasks.compare.outcome import Outcome, Pair
from tasks.compare.report import head, scene

LARGEST_FORM = 1_000
"""Bytes of a vote."""


SIDES = {"left": "Left is better", "neither": "Neither", "right": "Right is better"}


class Question(NamedTuple):
    """Two scenes of one pair, in the order in which they are shown."""

    pair: Pair
    left: Outcome
    right: Outcome


def questions(comparison: Comparison, seed: int) -> list[Question]:
    """Every pair of scenes that has no vote yet, in random order and on random sides."""
    draw = random.Random(seed)
    voted = {(v.brief, v.seed, frozenset((v.first, v.second))) for v in comparison.votes}
    first, *rest = [variant.name for variant in comparison.variants]
    asked = []
    for pair in comparison.pairs:
        for name in rest:
            sides = [pair.outcomes[n] for n in (first, name) if n in pair.outcomes]
            known = (pair.brief, pair.seed, frozenset((first, name))) in voted
            if len(sides) == 2 and all(side.scene for side in sides) and not known:
                draw.shuffle(sides)
                asked.append(Question(pair, *sides))
    draw.shuffle(asked)
    return asked


def vote(question: Question, side: str) -> Vote:
    """A vote for `left`, `right` or `neither`."""
    preferred = {"left": question.left.variant, "right": question.right.variant}.get(side, "")
    return Vote(
        brief=question.pair.brief,
        seed=question.pair.seed,
        first=question.left.variant,
        second=question.right.variant,
        preferred=preferred,
    )


class BlindServer(ThreadingHTTPServer):
    """Asks one question after the other; `on_vote` gets every vote."""

    daemon_threads = True

    def __init__(self, asked: Sequence[Question], on_vote: Callable[[Vote], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = asked
        self.on_vote = on_vote
        self.at = 0
        self.done = threading.Event()
        """Set when the last vote was thanked for."""
        self.token = secrets.token_urlsafe(16)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where a person reads."""
        return f"http://127.0.0.1:{self.server_port}/"

    @property
    def ended(self) -> bool:
        """Whether everything was voted on."""
        return self.at >= len(self.asked)

    def page(self) -> str:
        """The next question, or the end."""
        if self.ended:
            return f"{head('Blind reading')}<h1>Thank you</h1><p>That was all.</p></html>\n"
        return "".join(self._question(self.asked[self.at]))

    def cast(self, form: dict[str, list[str]]) -> bool:
        """Take the vote in a form; whether it came from the page."""
        token, number, side = (form.get(name, [""])[0] for name in ("token", "number", "side"))
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return False
        with self._lock:
            # A page sent twice counts once.
            if number == str(self.at) and not self.ended:
                self.on_vote(vote(self.asked[self.at], side))
                self.at += 1
        return True

    def _question(self, question: Question) -> Iterator[str]:
        yield head("Blind reading")
        yield "<h1>Which scene is better?</h1>"
        yield f"<p>Pair {self.at + 1} of {len(self.asked)}, brief {escape(question.pair.brief)}"
        yield f' <progress value="{self.at}" max="{len(self.asked)}"></progress></p>'
        yield '<div class="sides">'
        for name, outcome in (("Left", question.left), ("Right", question.right)):
            yield f"<div><h2>{name}</h2>"
            yield from scene(outcome, blind=True)
            yield "</div>"
        yield '</div><form method="post" class="vote">'
        yield f'<input type="hidden" name="token" value="{self.token}">'
        yield f'<input type="hidden" name="number" value="{self.at}">'
        for side, text in SIDES.items():
            yield f'<button name="side" value="{side}">{text}</button>'
        yield "</form></html>\n"


class _Handler(BaseHTTPRequestHandler):
    server: BlindServer

    def do_GET(self) -> None:
        """Show the next question."""
        if self._here():
            self._answer(200, self.server.page())

    def do_POST(self) -> None:
        """Take a vote."""
        if not self._here():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_FORM:
            self._answer(400, "This is no vote.")
        elif not self.server.cast(parse_qs(self.rfile.read(int(length)).decode("latin-1"))):
            self._answer(403, "This vote does not come from the page.")
        elif self.server.ended:
            self._answer(200, self.server.page())
            self.server.done.set()
        else:
            self._answer(303, "")

    def _here(self) -> bool:
        """Whether the browser asks for this server by its own name (no DNS rebinding)."""
        port = self.server.server_port
        if self.headers.get("Host") in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return True
        self._answer(403, "Wrong host.")
        return False

    def _answer(self, status: int, text: str) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        if status == 303:
            self.send_header("Location", "/")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""
