"""The E2B path, by the official SDK over HTTP."""

import asyncio
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from anyio import move_on_after
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.core.settings import Settings
from tasks.sandbox import open_sandbox
from tasks.sandbox.e2b import AT_ONCE, CREATES, E2B, sweep
from tasks.sandbox.engine import Limits, Run
from tasks.story.code import CodeReport, Snippet
from tests.emulators.e2b import STRANGE, E2BEmulator, Fault
from tests.ports import free_port


def settings(e2b: E2BEmulator, home: Path, **more: Any) -> Settings:
    values = {"e2b_creates_per_second": 50, "talewright_home": home, **e2b.settings(), **more}
    return Settings(_env_file=None, **values)


async def run(of: Settings, *programs: str, story: str = "s") -> list[CodeReport]:
    async with open_sandbox(of, "e2b", run_id="r", story_id=story) as sandbox:
        return [
            await sandbox.run(Snippet(code=code, first_line=1, last_line=1)) for code in programs
        ]


async def once(of: Settings, program: str, story: str = "s") -> Run:
    """One program in a story of its own, waiting briefly for a full account."""
    engine = E2B(of, "r", story, backoff_seconds=0.05)
    try:
        return await engine.run(program)
    finally:
        await engine.close()


async def test_a_story_has_one_sandbox_and_leaves_none(e2b: E2BEmulator, tmp_path: Path) -> None:
    reports = await run(settings(e2b, tmp_path), "x = 6\nprint(x * 7)", "print(x)", "1/0")
    assert [r.verdict for r in reports] == ["passed", "raised", "raised"]
    assert reports[0].stdout == "42\n"
    assert reports[1].error == "NameError: name 'x' is not defined"
    assert reports[0].cost_usd > 0
    assert len(e2b.bodies) == 1
    assert e2b.bodies[0]["metadata"] == {"app": "talewright", "run": "r", "story": "s"}
    assert e2b.bodies[0]["allow_internet_access"] is False
    assert not e2b.running


async def test_a_timeout_that_cancels_again_and_again_leaves_none(
    e2b: E2BEmulator, tmp_path: Path
) -> None:
    with move_on_after(60) as flow:
        async with open_sandbox(settings(e2b, tmp_path), "e2b", run_id="r", story_id="s") as box:
            await box.run(Snippet(code="print(1)", first_line=1, last_line=1))
            assert e2b.running
            flow.cancel()
            await asyncio.sleep(60)
    assert flow.cancelled_caught
    assert not e2b.running


async def test_a_known_verdict_is_not_paid_twice(e2b: E2BEmulator, tmp_path: Path) -> None:
    await run(settings(e2b, tmp_path), "print(1)")
    [again] = await run(settings(e2b, tmp_path), "print(1)")
    assert again.verdict == "passed"
    assert again.stdout == "1\n"
    assert again.cost_usd == 0
    assert len(e2b.bodies) == 1


async def test_deadlines_hold(e2b: E2BEmulator, tmp_path: Path) -> None:
    short = Limits(wall_seconds=1.0)
    engine = E2B(settings(e2b, tmp_path), "r", "s", short)
    late = await engine.run("import time\ntime.sleep(60)")
    after = await engine.run("print('on')")
    await engine.close()
    assert late.verdict == "timeout"
    assert 1.0 <= late.seconds < 5
    assert after.stdout == "on\n"
    assert not e2b.running


async def test_a_flood_is_cut_with_memory_flat(e2b: E2BEmulator, tmp_path: Path) -> None:
    await run(settings(e2b, tmp_path), "print(1)")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [report] = await run(settings(e2b, tmp_path), "for i in range(50): print('x' * 1024 * 1024)")
    assert report.verdict == "resource"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 25 * 1024
    assert not e2b.running


async def test_a_full_account_is_waited_for(e2b: E2BEmulator, tmp_path: Path) -> None:
    e2b.faults.extend(["429", "429", "503", "500", "reset"])
    ran = await once(settings(e2b, tmp_path), "print(1)")
    assert ran.verdict == "passed"
    assert e2b.refused == 2
    assert not e2b.running


@pytest.mark.parametrize(
    ("fault", "said"), [("401", "check E2B_API_KEY"), ("404", "template 'base' not found")]
)
async def test_what_waiting_does_not_mend_is_told(
    e2b: E2BEmulator, tmp_path: Path, fault: Any, said: str
) -> None:
    e2b.faults.append(fault)
    [report] = await run(settings(e2b, tmp_path, e2b_template="base"), "print(1)")
    assert report.verdict == "infra_error"
    assert said in (report.error or "")
    assert not report.to_blame


@pytest.mark.parametrize("fault", STRANGE)
async def test_an_answer_that_is_not_of_its_api_is_not_the_storys_fault(
    e2b: E2BEmulator, tmp_path: Path, fault: Fault
) -> None:
    e2b.faults.append(fault)
    [report] = await run(settings(e2b, tmp_path), "print(1)")
    assert report.verdict == "infra_error"
    assert "check E2B_API_URL" in (report.error or "")
    assert not e2b.running


async def test_without_prefect_nothing_starts_and_the_story_goes_on(
    e2b: E2BEmulator, tmp_path: Path
) -> None:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        [report] = await run(settings(e2b, tmp_path), "print(1)")
    assert report.verdict == "infra_error"
    assert "Prefect gives no slot" in (report.error or "")
    assert not report.to_blame
    assert not e2b.bodies


async def test_a_limit_that_somebody_deletes_is_made_again(
    e2b: E2BEmulator, tmp_path: Path
) -> None:
    for program in ("print(1)", "print(2)"):
        [report] = await run(settings(e2b, tmp_path), program)
        assert report.verdict == "passed"
        async with get_client() as client:
            await client.delete_global_concurrency_limit_by_name(AT_ONCE)
            await client.delete_global_concurrency_limit_by_name(CREATES)
    assert not e2b.running


async def test_a_sandbox_that_dies_is_replaced_once(e2b: E2BEmulator, tmp_path: Path) -> None:
    faults: list[Fault] = ["dies", "cut"]
    for number, fault in enumerate(faults):
        e2b.faults.append(fault)
        [report] = await run(settings(e2b, tmp_path), f"print(-{number})")
        assert report.verdict == "passed"
    e2b.faults.extend(["dies", "dies"])
    [report] = await run(settings(e2b, tmp_path), "print(2)")
    assert report.verdict == "infra_error"
    assert len(e2b.bodies) == 6
    assert not e2b.running


async def test_many_stories_in_bad_weather_leave_none(e2b: E2BEmulator, tmp_path: Path) -> None:
    e2b.faults.extend(["429", "503", "slow", "reset", "500", "dies"])
    # Prefect lets those that wait for a slot sleep for seconds: one of nine does.
    of = settings(e2b, tmp_path, e2b_sandboxes_at_once=8)
    ran = await asyncio.gather(*(once(of, f"print({i})", f"s{i}") for i in range(9)))
    assert {one.verdict for one in ran} == {"passed"}
    assert e2b.most <= 8
    assert not e2b.running


async def test_sweep_ends_what_a_killed_process_left(e2b: E2BEmulator, tmp_path: Path) -> None:
    of = settings(e2b, tmp_path)
    left = E2B(of, "r", "killed")
    await left.run("print(1)")
    assert len(e2b.running) == 1
    started = time.monotonic()
    assert await sweep(of) == 1
    assert time.monotonic() - started < 5
    assert not e2b.running
    await left.close()
