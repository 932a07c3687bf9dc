"""What goes to a model, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from pydantic import BaseModel

Reason = Literal[
    "first", "retry", "repair", "re-ask", "revise", "mend", "more branches", "fallback", "vote"
]
Step = Literal["generate", "parse", "run_code", "score", "check_branches"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt.

    `shared` is the part all calls of a story have in common (world, rules), sent first so that
    providers can cache it; `text` is the rest. `variables` are the values it was rendered from:
    the offline writer reads them, no provider sends them.
    """

    id: str
    version: int
    hash: str
    text: str
    shared: str = ""
    system: str = ""
    schema: type[BaseModel] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    seed: int = 0
    temperature: float | None = None
    max_output_tokens: int = 8192
    thinking_budget: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt. `tokens_cached` is part of `tokens_in`, `tokens_thinking` of
    `tokens_out`."""

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_thinking: int = 0
    tokens_out: int = 0
    estimated: bool = False
    """The provider reported nothing; these are upper bounds."""
    tokens_cache_written: int = 0
    """Part of `tokens_in`: put into Claude's cache, which costs a quarter more."""
    cost_usd: Decimal | None = None
    """What the server itself says it takes for the attempt."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. `cost_usd` is zero for the offline writer and for cached answers."""

    text: str
    usage: Usage
    finish_reason: str
    provider: str
    model: str
    cost_usd: Decimal = Decimal(0)
    seconds: float = 0.0
    cached: bool = False
    stand_in: bool = False
    """The offline writer answered in place of a model that was asked for."""
    safety: Mapping[str, str] = field(default_factory=dict)
    """Safety ratings the provider gave: category to level."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a call is for: the columns by which the ledger sums."""

    run_id: str
    story_id: str
    scene_id: str
    step: Step
    reason: Reason = "first"


class Provider(Protocol):
    """One model behind one SDK. `generate` makes exactly one attempt, without retries."""

    name: str
    """As in LLM_CHAIN: 'gemini', for instance."""
    model: str

    async def generate(self, prompt: Prompt) -> Reply:
        """Ask once; raises one of `tasks.calls.errors`. `cost_usd` is left at zero: the purse
        prices the usage."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
