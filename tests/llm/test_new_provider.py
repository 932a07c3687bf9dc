"""A class and a row are a provider: the chain, the doctor, the keys of workers, the prices and the
help have it without another line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY

KEY = {"MISTRAL_API_KEY": CANARY}
BROKEN = {**KEY, "MISTRAL_BASE_URL": "http://127.0.0.1:1"}
MODEL = "mistral-large-latest"


def run(*commands: tuple[list[str], dict[str, str]], cwd: Path) -> list[str]:
    """What commands print with Mistral in the table, in a process of their own: the table is read
    when the settings are first imported."""
    plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.llm.mistral", json.dumps(commands)],
        cwd=cwd,
        env=os.environ | plain,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert CANARY not in ran.stdout + ran.stderr
    printed: list[str] = json.loads(ran.stdout)
    return printed


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    commands = {
        "without a key": (["doctor", "--json"], {}),
        "with a key": (["doctor", "--json"], KEY),
        "broken": (["doctor", "--json"], BROKEN),
        "help": (["write", "--help"], {}),
        "bare": (["estimate", "--model", MODEL], {}),
        "prefixed": (["estimate", "--model", f"mistral:{MODEL}"], {}),
    }
    told = run(*commands.values(), cwd=tmp_path_factory.mktemp("mistral"))
    return dict(zip(commands, told, strict=True))


def findings(printed: str) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in json.loads(printed)}


def test_the_doctor_finds_it_with_its_price(printed: dict[str, str]) -> None:
    without = findings(printed["without a key"])["mistral"]
    assert (without["state"], without["advice"]) == ("off", "Set MISTRAL_API_KEY to use it.")
    found = findings(printed["with a key"])
    assert found["chain"]["detail"] == "mistral"
    assert found["mistral"]["state"] == "ok"
    assert found["mistral"]["detail"] == "mistral-small-latest answers"
    assert "per million tokens" in found["mistral"]["cost"]


def test_a_fault_of_its_class_is_one_line_of_the_doctor(printed: dict[str, str]) -> None:
    found = findings(printed["broken"])
    assert found["mistral"]["state"] == "broken"
    assert found["mistral"]["detail"] == "KeyError: 'a fault of this class'"
    assert found["monty"]["state"] == "ok", "the others are looked at all the same"


def test_the_help_and_the_estimate_know_it(printed: dict[str, str]) -> None:
    assert "'mistral:NAME'" in printed["help"]
    assert f"write mistral:{MODEL}" in printed["bare"]
    assert f"by {MODEL}" in printed["prefixed"]


async def test_it_writes_a_story_that_is_paid_for_and_its_key_is_kept_for_workers(
    prefect_server: str, tmp_path: Path
) -> None:
    home = {"TALEWRIGHT_HOME": str(tmp_path / "home"), **KEY}
    (told,) = run((["write", "--depth", "0", "--sandbox", "none"], home), cwd=tmp_path)
    (file,) = tmp_path.glob("stories/*/receipt.json")
    assert "written by mistral-small-latest" in told
    assert float(json.loads(file.read_text())["total"]["cost_usd"]) > 0
    program = "import tests.llm.mistral; from flows.runs.keys import KEYS; print(*KEYS)"
    keys = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"MISTRAL_API_KEY" in keys.stdout.split()
