"""The doctor finds what is missing, says what to do, and never shows a key."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from flows.cli.doctor import doctor
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer, error
from tests.emulators.http import Answer, HttpServer, Request

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


def run(*options: str, **env: str) -> Result:
    result = CliRunner().invoke(app, options, env=env)
    assert CANARY not in result.output
    return result


def findings(**env: str) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in json.loads(run("--json", **env).stdout)}


def test_without_anything_set_up() -> None:
    found = findings()
    assert found["chain"]["detail"] == "offline"
    assert "GEMINI_API_KEY" in found["chain"]["advice"]
    assert found["gemini"]["state"] == "off"
    assert "$0.30 in, $2.50 out" in found["gemini"]["cost"]
    assert found["monty"]["state"] == "ok"
    assert "LLM_MAX_COST" in found


@pytest.mark.parametrize("name", ["gemini", "gemini-legacy"])
def test_a_provider_that_answers(server: GeminiServer, name: str) -> None:
    env = {"GEMINI_API_KEY": CANARY, "GEMINI_BASE_URL": server.url, "LLM_CHAIN": name}
    found = findings(**env)
    assert found["chain"]["detail"] == name
    assert found[name]["state"] == "ok", found[name]
    assert server.calls == [], "looking costs nothing"


def test_a_wrong_key_is_broken_and_says_what_to_do() -> None:
    class Refusing(HttpServer):
        async def answer(self, request: Request) -> Answer:
            return error(400, f"API key {CANARY} not valid.", reason="API_KEY_INVALID")

    with Refusing() as server:
        result = run(GEMINI_API_KEY=CANARY, GEMINI_BASE_URL=server.url)
    assert result.exit_code == 1
    assert "broken" in result.output
    assert "Check the key" in " ".join(result.output.split())


def test_a_chain_without_its_key_is_broken() -> None:
    found = findings(LLM_CHAIN="claude,offline")
    assert found["chain"]["state"] == "broken"
    assert "ANTHROPIC_API_KEY" in found["chain"]["advice"]
