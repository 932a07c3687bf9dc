"""Ledgers on SQLite and on PostgreSQL, and a provider whose bills are known."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tasks.calls.errors import QuotaGone, Refused, TryLater
from tasks.calls.prompt import Prompt, Purpose, Reply, Usage
from tasks.core.settings import Settings
from tasks.ledger.prices import Price, Prices
from tests.postgres import postgresql

PRICES = Prices({"billed": Price.model_validate({"in": "1", "out": "10"})})
_names = itertools.count()


@dataclass
class BilledProvider:
    """Answers after a moment, with a random bill up to the worst case; `billed` is the truth."""

    seed: int = 0
    failures: float = 0.0
    seconds: float = 0.002
    name: str = "openai"
    model: str = "billed"
    calls: int = 0
    billed: Decimal = Decimal(0)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    async def generate(self, prompt: Prompt) -> Reply:
        self.calls += 1
        await asyncio.sleep(self.seconds * self._dice.random())
        usage = Usage(
            tokens_in=len(prompt.text), tokens_out=self._dice.randint(1, prompt.max_output_tokens)
        )
        if self._dice.random() < self.failures:
            match self._dice.randint(1, 3):
                case 1:
                    raise QuotaGone("no more today")
                case 2:
                    raise TryLater("busy", delay=0.0)
            self.billed += PRICES.cost(self.name, "billed", usage)
            raise Refused("refused", usage=usage)
        self.billed += PRICES.cost(self.name, "billed", usage)
        return Reply(f"answer to {prompt.text}", usage, "STOP", self.name, self.model)

    async def close(self) -> None:
        pass


def prompt(text: str, room: int = 500) -> Prompt:
    return Prompt("scene", 1, "0" * 12, text, max_output_tokens=room)


def purpose(run_id: str = "run") -> Purpose:
    return Purpose(run_id, "story", "1", "generate")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty ledger of either kind."""
    if request.param == "sqlite":
        return Settings(talewright_home=tmp_path)
    server: str = request.getfixturevalue("postgres_server")
    name = f"ledger{next(_names)}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    url = server.rpartition("/")[0] + f"/{name}"
    return Settings(talewright_home=tmp_path, talewright_ledger_url=SecretStr(url))
