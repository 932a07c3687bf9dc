"""The command line as a person uses it: as processes, with a real server behind them."""

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from flows.cli import main
from flows.cli.stopping import PATIENCE
from flows.story.source import read_story
from tasks.export import export_story
from tests.canary import CANARY, find_canary
from tests.emulators.gemini import GeminiServer
from tests.emulators.relay import Relay
from tests.stories import make_story

STOPPED = [
    "Stopping; Ctrl-C again to stop at once.",
    "Interrupted. What was written is kept; the same command goes on.",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.cli", *arguments]


def talewright(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def gemini(prefect_server: str, tmp_path: Path) -> dict[str, str]:
    """An environment with a Gemini key, a ledger and results of its own."""
    return {
        "GEMINI_API_KEY": CANARY,
        "TALEWRIGHT_HOME": str(tmp_path / "home"),
        "PREFECT_LOCAL_STORAGE_PATH": str(tmp_path / "results"),
    }


def test_a_broken_world_is_one_clear_message_and_no_story(
    prefect_server: str, tmp_path: Path
) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("id: broken\ntitle: 7\n  premise: x\n")
    done = talewright("write", str(world), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{world}:" in done.stderr
    assert not (tmp_path / "stories").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["write", "--max-cost", "0"], 2, "max_cost_usd: Input should be greater than 0"),
        (["batch", "--max-cost", "0"], 2, "max_cost_usd: Input should be greater than 0"),
        (["compare", "--models", "a,a,b"], 2, "different versions"),
        (["estimate", "--model", "nonsense"], 1, "There is no price for gemini's model"),
        (
            ["check", "FOLDER/story.json", "--html", "/nowhere/x"],
            1,
            "No such file or directory: /nowhere/x",
        ),
        (["batch", "--batch"], 1, "The batch API needs a key for Gemini or Claude"),
        (["check", "FOLDER/story.ink"], 2, "neither a story.json nor a Twee 3 file"),
        (["receipt", "--day", "2026-13-01"], 2, "no such date: 2026-13-01"),
        (["cache", "--days", "9999999"], 2, "36500"),
    ],
)
def test_what_options_refuse_is_said_in_a_line(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    export_story(make_story(depth=0), tmp_path)
    arguments = [argument.replace("FOLDER", str(tmp_path)) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["talewright", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_it_says_where_the_story_lies_and_what_it_cost(prefect_server: str, tmp_path: Path) -> None:
    done = talewright(
        "write", "--depth", "1", "--out", "there", cwd=tmp_path, PREFECT_LOGGING_LEVEL="INFO"
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "there" / "last-ferry-1" / "index.html") in done.stdout
    assert "$0.000000" in done.stdout
    assert "offline writer" in done.stdout
    assert "/runs/flow-run/" in done.stdout
    scenes = [line for line in done.stderr.splitlines() if "score" in line]
    assert [line.split(",")[0] for line in sorted(scenes)] == [
        f"last-ferry-1: scene {scene_id}" for scene_id in ("1", "1.1", "1.2")
    ]


def test_no_key_shows_anywhere(gemini: dict[str, str], tmp_path: Path) -> None:
    with GeminiServer() as server:
        done = talewright(
            "write", "--depth", "1", cwd=tmp_path, **gemini, GEMINI_BASE_URL=server.url
        )
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert not find_canary([tmp_path, Path(os.environ["PREFECT_HOME"])])


def test_killed_in_the_middle_it_goes_on_without_paying_again(
    gemini: dict[str, str], tmp_path: Path
) -> None:
    with GeminiServer(latency=0.3) as server:
        environment = os.environ | gemini | {"GEMINI_BASE_URL": server.url}
        first = subprocess.Popen(
            command("write", "--depth", "3"), cwd=tmp_path, env=environment, start_new_session=True
        )
        while server.counts()["answered"] < 8:
            time.sleep(0.02)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(0.5)
        before = server.counts()
        again = talewright(
            "write", "--depth", "3", cwd=tmp_path, **gemini, GEMINI_BASE_URL=server.url
        )
        after = server.counts()
    assert again.returncode == 0, again.stderr
    story = read_story(tmp_path / "stories" / "last-ferry-1" / "story.json")
    assert len(story.scenes) == 15
    # What was in flight when the process died may have to be asked again, and nothing else.
    assert after["requests_answered_twice"] <= before["most_in_flight"]


def test_a_reached_cap_keeps_what_is_done_and_a_higher_one_goes_on(
    gemini: dict[str, str], tmp_path: Path
) -> None:
    with GeminiServer() as server:
        url = {"GEMINI_BASE_URL": server.url}
        capped = talewright(
            "write", "--depth", "3", "--max-cost", "0.055", "--json", cwd=tmp_path, **gemini, **url
        )
        spent = server.counts()
        more = talewright("write", "--depth", "3", "--max-cost", "2", cwd=tmp_path, **gemini, **url)
        all_of_it = server.counts()
    assert capped.returncode == 3, capped.stderr
    receipt = json.loads(capped.stdout)["receipt"]
    assert Decimal(receipt["total"]["cost_usd"]) <= Decimal("0.055")
    assert receipt["missing"]
    assert more.returncode == 0, more.stderr
    assert all_of_it["requests_answered_twice"] == 0
    assert all_of_it["calls"] > spent["calls"] > 0


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_what_is_done(
    sent: signal.Signals, code: int, gemini: dict[str, str], tmp_path: Path
) -> None:
    with GeminiServer(latency=0.3) as server:
        running = begin("write", "--depth", "4", cwd=tmp_path, server=server, **gemini)
        running.send_signal(sent)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == code, errors
    assert errors.splitlines()[-2:] == STOPPED
    folder = tmp_path / "stories" / "last-ferry-1"
    assert read_story(folder / "story.json").scenes
    assert json.loads((folder / "receipt.json").read_text())["outcome"] == "cancelled"


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_in_time_where_no_server_answers(
    times: int, prefect_server: str, gemini: dict[str, str], tmp_path: Path
) -> None:
    prefect = int(prefect_server.removesuffix("/api").rpartition(":")[2])
    with Relay(prefect) as relay, GeminiServer(latency=0.3) as server:
        api = {"PREFECT_API_URL": f"http://127.0.0.1:{relay.port}/api"}
        running = begin("write", "--depth", "4", cwd=tmp_path, server=server, **gemini, **api)
        relay.stop()
        server.stop()
        time.sleep(0.5)
        stopped = time.monotonic()
        for _ in range(times):
            running.send_signal(signal.SIGINT)
            time.sleep(0.5)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert errors.splitlines()[-2:] == STOPPED
    assert "Traceback" not in errors
    assert time.monotonic() - stopped < (PATIENCE + 5 if times == 1 else 3)
    if times == 1:
        assert read_story(tmp_path / "stories" / "last-ferry-1" / "story.json").scenes


def begin(
    *arguments: str, cwd: Path, server: GeminiServer, **environment: str
) -> subprocess.Popen[str]:
    """A command that is in the middle of its work."""
    running = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=os.environ | environment | {"GEMINI_BASE_URL": server.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    while server.counts()["answered"] < 8:
        time.sleep(0.02)
    return running
