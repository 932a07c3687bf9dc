"""A ledger in trouble is explained in one line, and no answer is paid twice for it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger import trouble
from tasks.ledger.ledger import Ledger
from tasks.ledger.tables import attempts
from tasks.ledger.trouble import LedgerTrouble
from tasks.llm.client import Client
from tests.ledger.conftest import PRICES, BilledProvider, prompt, purpose
from tests.ports import free_port


async def ask(settings: Settings, provider: BilledProvider, words: str = "x") -> str:
    async with Ledger.open(settings) as ledger:
        client = Client(settings, "run", ledger, PRICES, [provider])
        return (await client.ask(prompt(words), purpose())).text


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def garbage(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)


def newer(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def without_a_table(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE answers")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


TROUBLES: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncated, "is damaged"),
    "garbage": (garbage, "is damaged"),
    "newer": (newer, "newer Talewright"),
    "empty": (empty, "is empty"),
    "without a table": (without_a_table, "is damaged"),
    "a folder": (a_folder, "is no file"),
}


@pytest.mark.parametrize(("spoil", "said"), TROUBLES.values(), ids=TROUBLES)
async def test_what_is_wrong_is_said_in_one_line_before_any_call(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    settings, provider = Settings(talewright_home=tmp_path), BilledProvider()
    await ask(settings, provider)
    for more in ("-wal", "-shm"):
        (tmp_path / f"ledger.db{more}").unlink(missing_ok=True)
    spoil(tmp_path / "ledger.db")
    with pytest.raises(LedgerTrouble, match=said) as caught:
        await ask(settings, provider)
    assert str(tmp_path / "ledger.db") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert provider.calls == 1


async def test_every_command_says_so(tmp_path: Path) -> None:
    await ask(Settings(talewright_home=tmp_path), BilledProvider())
    newer(tmp_path / "ledger.db")
    for command in (["receipt"], ["cache"], ["doctor"], ["ledger", "release"]):
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *command],
            env=os.environ | {"TALEWRIGHT_HOME": str(tmp_path), "COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "newer Talewright" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


async def test_no_database_where_its_url_points(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://me:secret@127.0.0.1:{free_port()}/tales"
    settings = Settings(talewright_home=tmp_path, talewright_ledger_url=SecretStr(url))
    with pytest.raises(LedgerTrouble, match="TALEWRIGHT_LEDGER_URL") as caught:
        await ask(settings, BilledProvider())
    assert "secret" not in str(caught.value)


async def test_an_answer_that_cannot_be_booked_is_kept_and_not_paid_again(
    settings: Settings,
) -> None:
    """Also where the disk of a database on another machine is full."""
    provider = BilledProvider()
    async with Ledger.open(settings) as ledger:
        client = Client(settings, "run", ledger, PRICES, [provider])
        away = "ALTER TABLE answers RENAME TO away"
        asked = client.ask(prompt("x"), purpose())
        reserve = ledger.reserve

        async def reserved_and_gone(*args: object) -> object:
            got = await reserve(*args)  # type: ignore[arg-type]
            await ledger.run(lambda connection: connection.execute(text(away)))
            return got

        ledger.reserve = reserved_and_gone  # type: ignore[method-assign, assignment]
        first = await asked
        ledger.reserve = reserve  # type: ignore[method-assign]
        with pytest.raises(LedgerTrouble):
            await client.ask(prompt("y"), purpose())
        back = "ALTER TABLE away RENAME TO answers"
        await ledger.run(lambda connection: connection.execute(text(back)))
    assert await ask(settings, provider) == first.text
    assert provider.calls == 1
    async with Ledger.open(settings) as ledger:
        total = (await ledger.tally(run_id="run")).total
    assert total.cost_usd == provider.billed
    assert total.in_flight == 0


async def test_no_call_is_made_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "LEAST_FREE", 1 << 62)
    provider = BilledProvider()
    with pytest.raises(LedgerTrouble, match="is full"):
        await ask(Settings(talewright_home=tmp_path), provider)
    assert provider.calls == 0


async def test_what_a_dead_process_left_in_flight_is_named_and_freed(settings: Settings) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    async with Ledger.open(settings) as ledger:
        args: Any = (prompt("x"), purpose(), "request", "openai", "billed", Decimal("0.05"), {})
        mine, theirs = [int(str(await ledger.reserve(*args))) for _ in range(2)]
        owner = f"{os.uname().nodename}:{dead.pid}"
        change = update(attempts).where(attempts.c.id == theirs).values(owner=owner)
        await ledger.run(lambda connection: connection.execute(change))
        (lost,) = await ledger.lost()
        assert (lost.attempt, lost.most_usd) == (theirs, Decimal("0.05"))
        await ledger.give_up([lost])
        assert await ledger.lost() == []
        total = (await ledger.tally(run_id="run")).total
        assert total.in_flight_usd == Decimal("0.05"), f"{mine} is ours"
        sums = await ledger.settle(mine, "ok", Usage(), Decimal(0), 0.0)
    assert sums["total"] == 0
