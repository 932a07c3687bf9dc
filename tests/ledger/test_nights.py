"""What was spent night by night, on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from xml.etree import ElementTree

from sqlalchemy import Connection

from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.nights import bars, nights
from tasks.ledger.tables import attempts


def spend(connection: Connection, day: str, run: str, model: str, usd: str) -> None:
    """An answer as the ledger books it."""
    row = dict.fromkeys(
        ("story_id", "scene_id", "step", "reason", "prompt_id", "prompt_hash", "request"), run
    )
    known = {"at": datetime.now(UTC), "day": day, "run_id": run, "prompt_version": 1}
    told = {"provider": "gemini", "model": model, "outcome": "ok"}
    nano = int(Decimal(usd) * 10**9)
    connection.execute(attempts.insert().values(**row, **known, **told, cost_nano=nano))


async def test_each_night_has_its_runs_calls_and_money_by_model(settings: Settings) -> None:
    def fill(connection: Connection) -> None:
        spend(connection, "2026-11-27", "a", "flash", "0.10")
        spend(connection, "2026-11-28", "b", "flash", "0.20")
        spend(connection, "2026-11-28", "c", "flash", "0.05")
        spend(connection, "2026-11-28", "c", "pro", "1.50")

    async with Ledger.open(settings) as ledger:
        assert await nights(ledger) == []
        await ledger.run(fill)
        newest, before = await nights(ledger)
        assert [night.day for night in await nights(ledger, most=1)] == ["2026-11-28"]
    assert (newest.day, newest.runs, newest.stories, newest.calls) == ("2026-11-28", 2, 2, 3)
    assert newest.usd == Decimal("1.75")
    assert newest.by_model == {"gemini: flash": Decimal("0.25"), "gemini: pro": Decimal("1.50")}
    assert before.by_model == {"gemini: flash": Decimal("0.10")}
    picture = ElementTree.fromstring(bars([before, newest], Decimal(2)))  # noqa: S314 - ours
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.index("$0.10") < texts.index("$1.75"), "the oldest first"
    assert "cap $2.000000" in texts
