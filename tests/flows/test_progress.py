"""What a person sees while they wait: each text as it grows, over a real stream."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from flows.cli.progress import progress_lines
from flows.order import StoryOrder
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import run_story


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("terminal", [True, False])
async def test_a_terminal_shows_a_scene_grow(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=StringIO(), force_terminal=terminal, width=120)
    with GeminiServer(pause=0.15) as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        with progress_lines(console, 1):
            order = StoryOrder(depth=0, seed=90 + terminal, sandbox="none", out=str(tmp_path))
            run = await run_story(order)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert run.told.receipt.outcome == "complete"
    assert ("scene 1:" in shown and "characters" in shown) is terminal
    assert server.streamed == terminal
