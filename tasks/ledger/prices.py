"""What a model costs: the list that comes with genai-prices, and a file of one's own on top.

The file is YAML, `MODEL: {in: USD, cached: USD, out: USD}`, each per million tokens.
"""

from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from pydantic import Field

from tasks.calls.errors import NoPrice
from tasks.calls.prompt import Prompt, Usage
from tasks.core.settings import Settings
from tasks.core.validation import validated
from tasks.core.yaml import read_yaml
from tasks.story.base import Model

MILLION = Decimal(1_000_000)
WRITTEN = Decimal("0.25")
"""Of the input price, which Claude asks on top for what it writes to its cache.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
LIST = f"genai-prices {version('genai-prices')}"
_PROVIDERS = {"gemini": "google", "claude": "anthropic", "openai": "openai"}


class Price(Model):
    """USD per million tokens."""

    input: Decimal = Field(ge=0, alias="in")
    cached: Decimal | None = Field(None, ge=0)
    output: Decimal = Field(ge=0, alias="out")


@dataclass(frozen=True)
class Prices:
    """Prices of models; `own` goes before the list."""

    own: dict[str, Price]

    @classmethod
    def read(cls, settings: Settings) -> "Prices":
        """With the file of LLM_PRICES, if there is one. Raises InputError."""
        return cls(_own(settings.llm_prices) if settings.llm_prices else {})

    def cost(self, provider: str, model: str, usage: Usage) -> Decimal:
        """USD for a usage; the offline writer is free. Raises NoPrice."""
        if provider == "offline":
            return Decimal(0)
        if usage.cost_usd is not None:
            return usage.cost_usd
        if (own := self.own.get(model)) is not None:
            cached = own.input if own.cached is None else own.cached
            fresh = usage.tokens_in - usage.tokens_cached
            parts = fresh * own.input + usage.tokens_cached * cached + usage.tokens_out * own.output
            if provider == "claude":
                parts += usage.tokens_cache_written * own.input * WRITTEN
            return parts / MILLION
        try:
            return calc_price(
                PricedUsage(
                    input_tokens=usage.tokens_in,
                    cache_read_tokens=usage.tokens_cached,
                    cache_write_tokens=usage.tokens_cache_written,
                    output_tokens=usage.tokens_out,
                ),
                model_ref=model,
                provider_id=_PROVIDERS.get(provider),
            ).total_price
        except LookupError:
            raise NoPrice(
                f"There is no price for {provider}'s model {model!r}, so no cap could hold. Check "
                "its name, or give its price in a file named by LLM_PRICES.",
                provider=provider,
            ) from None

    def worst(self, provider: str, model: str, prompt: Prompt) -> Decimal:
        """The most one attempt can cost: a token is at least a byte, all of the input is written
        to a cache, and the output limit, which includes thinking, is spent to the end.

        Raises NoPrice.
        """
        return self.cost(provider, model, worst_usage(prompt))


def worst_usage(prompt: Prompt) -> Usage:
    """An upper bound of the tokens of one attempt."""
    parts = (prompt.system, prompt.shared, prompt.text)
    # The schema is sent too, and the wire adds a little.
    schema = 16_384 if prompt.schema is not None else 256
    sent = sum(len(part.encode()) for part in parts) + schema
    return Usage(
        tokens_in=sent,
        tokens_cache_written=sent,
        tokens_out=prompt.max_output_tokens,
        estimated=True,
    )


def _own(path: Path) -> dict[str, Price]:
    return validated(dict[str, Price], read_yaml(path))
