"""What a model costs: the list that comes with genai-prices, and a file of one's own on top.

The file is YAML, `MODEL: {in: USD, cached: USD, out: USD}`, each per million tokens, or one figure
for both ways. A server on this machine costs nothing, unless it passes models of the list on.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from pydantic import BeforeValidator, Field, model_validator

from tasks.calls.errors import NoPrice
from tasks.calls.prompt import Prompt, Usage
from tasks.calls.providers import OFFLINE, PROVIDERS
from tasks.core.settings import Settings
from tasks.core.validation import validated
from tasks.core.yaml import read_yaml
from tasks.story.base import Model

MILLION = Decimal(1_000_000)
LIST = f"genai-prices {version('genai-prices')}"
FREE = "a server on this machine costs nothing"


def _exact(value: Any) -> Any:
    """A figure of YAML as it is written: 0.1 is a tenth."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return Decimal(str(value)) if plain or isinstance(value, str) else value
    except InvalidOperation:
        return value


Figure = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]


class Price(Model):
    """USD per million tokens."""

    input: Figure = Field(alias="in")
    cached: Figure | None = None
    output: Figure = Field(alias="out")

    @model_validator(mode="before")
    @classmethod
    def _one_figure(cls, value: Any) -> Any:
        plain = isinstance(value, int | float | str) and not isinstance(value, bool)
        return {"in": value, "out": value} if plain else value


@dataclass(frozen=True)
class Prices:
    """Prices of models; `own` goes before the list. `server` is the base URL of another server
    than OpenAI's for its protocol, whose models may be in the list too."""

    own: dict[str, Price]
    server: str = ""

    @classmethod
    def read(cls, settings: Settings) -> "Prices":
        """With the file of LLM_PRICES, if there is one. Raises InputError."""
        own = _own(settings.llm_prices) if settings.llm_prices else {}
        return cls(own, settings.access("openai").base_url)

    @property
    def said(self) -> str:
        """Where the prices are from, for people."""
        free = f"; {FREE}" if on_this_machine(self.server) else ""
        return f"{'LLM_PRICES, then ' if self.own else ''}{LIST}{free}"

    def cost(self, provider: str, model: str, usage: Usage) -> Decimal:
        """USD for a usage; the offline writer is free. Raises NoPrice."""
        if provider == OFFLINE:
            return Decimal(0)
        if usage.cost_usd is not None:
            return usage.cost_usd
        row = PROVIDERS[provider]
        if (own := self.own.get(model)) is not None:
            cached = own.input if own.cached is None else own.cached
            fresh = usage.tokens_in - usage.tokens_cached
            parts = fresh * own.input + usage.tokens_cached * cached + usage.tokens_out * own.output
            parts += usage.tokens_cache_written * own.input * row.cache_write_share
            return parts / MILLION
        for place in self._places(provider):
            try:
                return calc_price(
                    PricedUsage(
                        input_tokens=usage.tokens_in,
                        cache_read_tokens=usage.tokens_cached,
                        cache_write_tokens=usage.tokens_cache_written,
                        output_tokens=usage.tokens_out,
                    ),
                    model_ref=model,
                    **place,
                ).total_price
            except LookupError:
                continue
        if row.keyless and on_this_machine(self.server):
            return Decimal(0)
        raise NoPrice(
            f"There is no price for {provider}'s model {model!r}, so no cap could hold. Check its "
            "name, or name a file by LLM_PRICES with a line such as "
            f"'{model}: {{in: 0.10, out: 0.40}}', USD per million tokens.",
            provider=provider,
        )

    def _places(self, provider: str) -> list[dict[str, Any]]:
        """Where the list has a provider's models: under the server's URL, then its own name."""
        url: dict[str, Any] = {"provider_api_url": self.server}
        row = PROVIDERS[provider]
        name: dict[str, Any] = {"provider_id": row.price_id}
        return [url, name] if row.keyless and self.server else [name]

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


def on_this_machine(url: str) -> bool:
    """Whether a URL is of a server on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _own(path: Path) -> dict[str, Price]:
    return validated(dict[str, Price], read_yaml(path))
