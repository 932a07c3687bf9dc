"""What is set up and reachable, what it would cost, and what to do about what is missing."""

import asyncio
import shutil
from collections.abc import Awaitable, Iterator
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

import httpx2
from prefect.settings import get_current_settings

from tasks.calls.errors import LLMError, NoPrice
from tasks.calls.prompt import Usage
from tasks.calls.providers import DEFAULT, OFFLINE, PROVIDERS
from tasks.core.count import counted
from tasks.core.errors import UserError
from tasks.core.plain_text import printable
from tasks.core.run_all import run_all
from tasks.core.scrub import without_user
from tasks.core.settings import SandboxName, Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Prices
from tasks.ledger.receipt import money
from tasks.ledger.trouble import check_room, place
from tasks.llm.chain import chain, has_key, open_provider
from tasks.sandbox import ENGINES, open_sandbox
from tasks.story.base import Model
from tasks.story.code import Snippet

State = Literal["ok", "off", "broken"]
Area = Literal["writing", "provider", "sandbox", "server", "ledger", "limit"]

PATIENCE = 30.0
"""Seconds one probe may take."""


class Finding(Model):
    """One thing that was looked at. `advice` says what to do unless it is ok."""

    area: Area
    name: str
    state: State
    detail: str
    cost: str = ""
    advice: str = ""


@runtime_checkable
class Reachable(Protocol):
    """A provider that can be asked whether it would answer, at no cost."""

    async def reach(self) -> None:
        """Raise LLMError if it would not."""


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, side by side. Costs nothing, changes nothing."""
    named = [name.strip() for name in settings.llm_chain.split(",")]
    providers = [row.name for row in PROVIDERS.values() if row.automatic or row.name in named]
    probes = [
        *(_probe("provider", name, examine_provider(name, settings)) for name in providers),
        *(
            _probe("sandbox", name, examine_sandbox(name, settings))
            for name in ENGINES
            if name != "none"
        ),
        _probe("server", "prefect", examine_server()),
        _probe("ledger", "ledger", examine_ledger(settings)),
    ]
    return [examine_chain(settings), *await run_all(*probes), *limits(settings)]


async def _probe(area: Area, name: str, looking: Awaitable[Finding]) -> Finding:
    """One finding in any case: a probe that fails or does not end is one broken thing."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await looking
    except TimeoutError:
        detail = f"no answer in {PATIENCE:.0f} s"
    except Exception as error:
        detail = printable(f"{type(error).__name__}: {error}")
    advice = "Try again; if it stays so, report it with this line."
    return Finding(area=area, name=name, state="broken", detail=detail, advice=advice)


def examine_chain(settings: Settings) -> Finding:
    """Who writes, in which order."""
    try:
        order = chain(settings)
    except UserError as error:
        return Finding(
            area="writing", name="chain", state="broken", detail=str(error), advice=str(error)
        )
    advice = ""
    if order == [OFFLINE]:
        advice = f"The offline writer is no model. Set {DEFAULT.key} for one."
    return Finding(
        area="writing", name="chain", state="ok", detail=" -> ".join(order), advice=advice
    )


async def examine_provider(name: str, settings: Settings) -> Finding:
    """Whether a provider has its key, its SDK and a server that knows the model."""
    row, model = PROVIDERS[name], settings.access(name).model
    cost = price(name, model, settings)
    if not has_key(row, settings):
        return Finding(
            area="provider",
            name=name,
            state="off",
            detail="no key",
            cost=cost,
            advice=f"Set {row.needs} to use it.",
        )
    try:
        provider = open_provider(name, settings)
        if isinstance(provider, Reachable):
            await provider.reach()
        remarks = getattr(provider, "remarks", "")
        await provider.close()
    except (UserError, LLMError) as error:
        return Finding(
            area="provider",
            name=name,
            state="broken",
            detail=str(error),
            cost=cost,
            advice=_advice(error),
        )
    detail = f"{model} answers" + (f" ({remarks})" if remarks else "")
    return Finding(area="provider", name=name, state="ok", detail=detail, cost=cost)


def _advice(error: Exception) -> str:
    if isinstance(error, LLMError) and error.retry:
        return "Check the network and the base URL, or try again later."
    return "Put right what the message names."


def price(provider: str, model: str, settings: Settings) -> str:
    """USD per million tokens: '$0.30 in, $2.50 out per million tokens'."""
    try:
        prices = Prices.read(settings)
        # By calls of a usual size: a million tokens at once have a price of their own.
        inward = prices.cost(provider, model, Usage(tokens_in=1_000)) * 1_000
        outward = prices.cost(provider, model, Usage(tokens_out=1_000)) * 1_000
    except (NoPrice, UserError):
        return "no known price" if model else ""
    return f"${inward:.2f} in, ${outward:.2f} out per million tokens"


async def examine_sandbox(name: SandboxName, settings: Settings) -> Finding:
    """Whether an engine runs code here; one that would cost something is not started."""
    row = ENGINES[name]
    if row.key:
        ready = getattr(settings, row.key.lower()) is not None
        return Finding(
            area="sandbox",
            name=name,
            state="ok" if ready else "off",
            detail="key set, not tried" if ready else "no key",
            cost=row.cost,
            advice="" if ready else f"Set {row.key} to run code there.",
        )
    snippet = Snippet(code="print(6 * 7)", first_line=1, last_line=1, expected_output="42")
    try:
        async with open_sandbox(settings, name, run_id="doctor", story_id="doctor") as sandbox:
            ran = await sandbox.run(snippet)
    except UserError as error:
        return Finding(
            area="sandbox", name=name, state="off", detail=str(error), advice=_help(name)
        )
    works = ran.verdict == "passed"
    return Finding(
        area="sandbox",
        name=name,
        state="ok" if works else "broken",
        detail=f"ran code in {ran.seconds:.2f} s" if works else f"{ran.verdict}: {ran.error}",
        cost=row.cost,
        advice="" if works else _help(name),
    )


def _help(name: str) -> str:
    if name != "bubblewrap":
        return "Reinstall talewright."
    if shutil.which("bwrap") is None:
        return "Install it: apt install bubblewrap."
    return "Code runs in Monty instead, or in E2B with E2B_API_KEY."


async def examine_server() -> Finding:
    """Whether the configured Prefect server answers."""
    url = get_current_settings().api.url
    if not url:
        return Finding(
            area="server",
            name="prefect",
            state="ok",
            detail="none configured; commands start one on this machine",
            cost="free",
        )
    try:
        async with httpx2.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{url}/health")
    except httpx2.HTTPError as error:
        detail, works = f"{without_user(url)} does not answer ({type(error).__name__})", False
    else:
        detail, works = f"{without_user(url)} answers {answer.status_code}", answer.is_success
    return Finding(
        area="server",
        name="prefect",
        state="ok" if works else "broken",
        detail=detail,
        cost="free",
        advice="" if works else "Start it, or unset PREFECT_API_URL.",
    )


async def examine_ledger(settings: Settings) -> Finding:
    """Whether the ledger can be read and written, and which calls in it nobody waits for."""
    try:
        check_room(settings)
        async with Ledger.open(settings) as ledger:
            answers, _ = await ledger.kept()
            lost = await ledger.lost()
    except (UserError, OSError) as error:
        detail = str(error)
        return Finding(area="ledger", name="ledger", state="broken", detail=detail, advice=detail)
    detail = f"{place(settings)}, {counted(answers, 'answer')} kept"
    if not lost:
        return Finding(area="ledger", name="ledger", state="ok", detail=detail)
    most = money(sum((one.most_usd for one in lost), Decimal(0)))
    return Finding(
        area="ledger",
        name="ledger",
        state="ok",
        detail=f"{detail}; {most} set aside for {counted(len(lost), 'call')} of ended processes",
        advice="`talewright ledger release` shows these calls and frees what is set aside.",
    )


def limits(settings: Settings) -> Iterator[Finding]:
    """The limits that hold, and those it would be wise to set."""
    values = {
        "LLM_MAX_COST": settings.llm_max_cost,
        "LLM_MAX_COST_PER_DAY": settings.llm_max_cost_per_day,
        "LLM_MAX_COST_TOTAL": settings.llm_max_cost_total,
        "LLM_RATE_LIMIT": settings.llm_rate_limit,
        "LLM_TOKENS_PER_MINUTE": settings.llm_tokens_per_minute,
        "LLM_REQUESTS_PER_DAY": settings.llm_requests_per_day,
        "LLM_CONCURRENCY": settings.llm_concurrency,
    }
    advice = {
        "LLM_MAX_COST": "Set it, in USD, so that no run can spend more.",
        "LLM_RATE_LIMIT": "Set it to your quota in requests per minute.",
    }
    for name, value in values.items():
        yield Finding(
            area="limit",
            name=name,
            state="off" if value is None else "ok",
            detail="not set" if value is None else str(value),
            advice=advice.get(name, "") if value is None else "",
        )
