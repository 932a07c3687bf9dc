"""The providers of models: one table, read by everything that names or counts them.

A new provider is a class in tasks/llm/providers, a row here and, for its SDK, an extra in
pyproject.toml. Its settings, its place in the chain, its prices, `talewright doctor`,
`talewright deploy` and the help follow from the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

OFFLINE = "offline"
"""The offline writer, which is no model: it has no key, no price and no limit."""

Counted = Literal["input", "input and room", "input and answer"]
"""What a limit of tokens a minute counts: the input alone; with the room for the answer; or the
input that is not cached, with the answer."""


@dataclass(frozen=True, kw_only=True)
class ProviderRow:
    """One provider. `key`, `model` and `base_url` are the names of its settings, and `code` and
    `batch` are `module:Class`, imported where they are first used."""

    name: str
    title: str
    key: str
    model: str
    base_url: str
    code: str
    default_model: str = ""
    keyless: bool = False
    """A base URL is enough: servers of one's own need no key."""
    extra: str = ""
    """The extra of pyproject.toml that installs its SDK; '': it is always there."""
    batch: str = ""
    """Its `BatchAPI`, if it sells answers that can wait at half the price."""
    price_id: str
    """In genai-prices."""
    telemetry_id: str
    """In OpenTelemetry's conventions for generative AI (`gen_ai.provider.name`)."""
    counts: Counted = "input"
    cache_write_share: Decimal = Decimal(0)
    """Of the input price, asked on top for tokens that are written to its cache."""
    begins: str = ""
    """How the names of its models begin: they are no other provider's."""
    day: tuple[str, str] = ("midnight UTC", "UTC")
    """When a day's quota begins anew, and the time zone of that."""
    automatic: bool = True
    """Joins the chain by itself when it has a key; else only where LLM_CHAIN names it."""

    @property
    def needs(self) -> str:
        """What to set so that it can be asked: 'OPENAI_API_KEY or OPENAI_BASE_URL'."""
        return f"{self.key} or {self.base_url}" if self.keyless else self.key


_ROWS = (
    ProviderRow(
        name="gemini",
        title="Gemini",
        key="GEMINI_API_KEY",
        model="GEMINI_MODEL",
        base_url="GEMINI_BASE_URL",
        default_model="gemini-2.5-flash",
        code="tasks.llm.providers.gemini:Gemini",
        batch="tasks.llm.batch.gemini:GeminiBatch",
        price_id="google",
        telemetry_id="gcp.gemini",
        begins="gemini",
        # ai.google.dev/gemini-api/docs/rate-limits
        day=("midnight Pacific time", "America/Los_Angeles"),
    ),
    ProviderRow(
        name="claude",
        title="Claude",
        key="ANTHROPIC_API_KEY",
        model="CLAUDE_MODEL",
        base_url="CLAUDE_BASE_URL",
        default_model="claude-haiku-4-5",
        code="tasks.llm.providers.claude:Claude",
        extra="anthropic",
        batch="tasks.llm.batch.claude:ClaudeBatch",
        price_id="anthropic",
        telemetry_id="anthropic",
        counts="input and answer",
        # https://platform.claude.com/docs/en/build-with-claude/prompt-caching
        cache_write_share=Decimal("0.25"),
        begins="claude",
    ),
    ProviderRow(
        name="openai",
        title="OpenAI",
        key="OPENAI_API_KEY",
        model="OPENAI_MODEL",
        base_url="OPENAI_BASE_URL",
        keyless=True,
        code="tasks.llm.providers.openai_compatible:OpenAICompatible",
        extra="openai",
        price_id="openai",
        telemetry_id="openai",
        counts="input and room",
        begins="gpt",
    ),
    ProviderRow(
        name="gemini-legacy",
        title="Gemini through google-generativeai",
        key="GEMINI_API_KEY",
        model="GEMINI_MODEL",
        base_url="GEMINI_BASE_URL",
        default_model="gemini-2.5-flash",
        code="tasks.llm.providers.gemini_legacy:GeminiLegacy",
        extra="google-generativeai",
        price_id="google",
        telemetry_id="gcp.gemini",
        day=("midnight Pacific time", "America/Los_Angeles"),
        automatic=False,
    ),
)

PROVIDERS: dict[str, ProviderRow] = {row.name: row for row in _ROWS}
DEFAULT = _ROWS[0]
"""Whose models need no prefix."""


def split_model(model: str) -> tuple[str, str]:
    """The provider and its model's name: 'claude:NAME', 'openai:NAME'; a bare NAME is Gemini's.

    Raises ValueError for a provider that is not there or a bare name of another one's.
    """
    provider, colon, name = model.partition(":")
    if colon:
        if provider not in PROVIDERS:
            raise ValueError(f"there is no provider {provider}; write {' or '.join(_prefixed())}")
        return provider, name
    for row in PROVIDERS.values():
        if row is not DEFAULT and row.begins and model.startswith(row.begins):
            raise ValueError(f"this is no {DEFAULT.title} model; write {row.name}:{model}")
    return DEFAULT.name, model


def model_help() -> str:
    """What may be named as a model, for help and descriptions."""
    others = ", ".join(f"'{named}'" for named in _prefixed())
    return f"A {DEFAULT.title} model, '{OFFLINE}', {others}"


def with_batch_api() -> Mapping[str, ProviderRow]:
    """The providers that have one."""
    return {name: row for name, row in PROVIDERS.items() if row.batch}


def _prefixed() -> list[str]:
    others = (row for row in PROVIDERS.values() if row is not DEFAULT and row.automatic)
    return [f"{row.name}:NAME" for row in others]
