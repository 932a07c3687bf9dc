"""A Gemini server whose answers depend on the version of the prompt, and a folder of versions."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.prompts.render import FOLDER
from tests.emulators.gemini import GeminiServer

MARK = "Version two asks for the brass key."
"""What version 2 of the scene prompt says and version 1 does not."""


PROSE = """
Rain had followed the ferry all the way in, and now it waited with her under the awning of the
quay. Somewhere above the roofs the light turned, slow and sure, as if nothing had ever gone wrong
up there. The brass key was warm from her hand. Why had it failed for eleven minutes? She counted
the steps to the causeway, lost the number, and began again from one. A stopped watch would have
been right twice today; she had not been right once. Then a door opened on the far side of the
square, and voices came out before the people did.
"""

CHOICE = "Follow the voices across the square"
CONSEQUENCE = "You keep to the wall, and the rain covers your steps."


class VersionedServer(GeminiServer):
    """The same good scene every time, except that half of them are silent: nobody speaks. With MARK
    in the prompt none is, and answers take twice the tokens."""

    silent, silent_with_mark = 0.5, 0.0

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        told = json.loads(super().write(body, raw))
        if "narrative_text" not in told:
            return json.dumps(told)
        told["narrative_text"] = PROSE
        told["story_branches"] = [{"choice": CHOICE, "consequence": CONSEQUENCE, "effects": []}]
        luck = hashlib.sha256(raw).digest()[0] / 256
        if luck < (self.silent_with_mark if MARK in json.dumps(body) else self.silent):
            told["dialogue"] = []
        return json.dumps(told)

    def usage(self, body: Mapping[str, Any], text: str) -> dict[str, int]:
        counted = super().usage(body, text)
        if MARK in json.dumps(body):
            counted["candidatesTokenCount"] *= 2
            counted["totalTokenCount"] += counted["candidatesTokenCount"] // 2
        return counted


@pytest.fixture
def server() -> Iterator[VersionedServer]:
    with VersionedServer() as running:
        yield running


@pytest.fixture
def second_version(tmp_path: Path) -> Path:
    """A folder with a second version of the scene prompt."""
    return add_version(tmp_path / "prompts", 2, MARK)


def add_version(folder: Path, version: int, says: str) -> Path:
    text = (FOLDER / "scene" / "1.md").read_text("utf-8")
    text = text.replace("version: 1\n", f"version: {version}\n", 1)
    text = text.replace("\nWhat holds now:", f"\n{says}\nWhat holds now:", 1)
    (folder / "scene").mkdir(parents=True, exist_ok=True)
    (folder / "scene" / f"{version}.md").write_text(text, "utf-8")
    return folder


@pytest.fixture
def gemini(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: VersionedServer, second_version: Path
) -> VersionedServer:
    """The environment of a person with a key, a ledger of their own, and two versions."""
    for name, value in {
        "GEMINI_API_KEY": "not-a-key",
        "GEMINI_BASE_URL": server.url,
        "TALEWRIGHT_HOME": str(tmp_path / "home"),
        "TALEWRIGHT_PROMPTS": str(second_version),
        "TALEWRIGHT_SANDBOX": "none",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    return server
