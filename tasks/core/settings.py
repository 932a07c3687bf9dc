"""Settings from the environment and `.env`; parameters of a flow or command go before them."""

import codecs
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, create_model
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.calls.providers import OFFLINE, PROVIDERS
from tasks.core.errors import InputError

SandboxName = Literal["auto", "e2b", "bubblewrap", "monty", "none"]


def _plain(value: object) -> object:
    """A key as a server takes it. Raises ValueError, which does not show it."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    for at, character in enumerate(key, 1):
        if not "!" <= character <= "~":
            raise ValueError(
                f"character {at} of {len(key)} (U+{ord(character):04X}) cannot be in a key, as a "
                "curly quote or an invisible space cannot; copy the key again, without it"
            )
    return key


Key = Annotated[SecretStr, BeforeValidator(_plain)]


class Access(NamedTuple):
    """What the settings say of one provider; '' where they say nothing."""

    key: SecretStr
    model: str
    base_url: str


def _of_providers() -> dict[str, Any]:
    """The fields of the table's rows."""
    fields: dict[str, Any] = {}
    for row in PROVIDERS.values():
        key = Field(None, description=f"Key of {row.title}.")
        fields.setdefault(row.key.lower(), (Key | None, key))
    for row in PROVIDERS.values():
        model = Field(row.default_model, description=f"Model of {row.title}.")
        url = Field("", description=f"Another server than that of {row.title}.")
        fields.setdefault(row.model.lower(), (str, model))
        fields.setdefault(row.base_url.lower(), (str, url))
    return fields


if TYPE_CHECKING:
    _WithProviders = BaseSettings
else:
    _WithProviders = create_model("_WithProviders", __base__=BaseSettings, **_of_providers())


class Settings(_WithProviders):
    """Every setting, by the name of its environment variable in lower case. Those of the providers
    come from their table (`access`).

    Raises InputError for values that cannot be, without repeating them: they may be secret.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**{"_env_file_encoding": _encoding(Path(".env"))} | values)
        except UnicodeError:
            raise InputError("is not UTF-8 text; save it as UTF-8", file=".env") from None
        except ValidationError as error:
            wrong, *more = error.errors(include_url=False, include_input=False)
            raise _fault(wrong, [_fault(other) for other in more]) from None

    e2b_api_key: Key | None = None

    use_real_llm: bool | None = Field(
        None, description="false: the offline writer even with a key. Unset: a key decides."
    )
    llm_chain: str = Field(
        "",
        description=f"Who answers, in order and with commas: {', '.join(PROVIDERS)}, {OFFLINE}. "
        "Empty: every provider that has a key.",
    )
    judge_model: str = Field("", description="Model that judges branches; the writer's if empty.")
    judge_votes: Annotated[Literal[1, 3, 5], BeforeValidator(int)] = Field(
        1, description="Times the judge is asked of a branch."
    )
    score_votes: Annotated[Literal[0, 1, 3, 5], BeforeValidator(int)] = Field(
        0, description="Times a model is asked to rate a scene; 0: its form only."
    )
    llm_timeout: float = Field(120.0, gt=0, description="Seconds one attempt may take.")
    llm_deadline: float = Field(
        600.0, gt=0, description="Seconds a call with its retries may take."
    )
    llm_temperature: float = Field(0.9, ge=0, le=2)
    llm_max_output_tokens: int = Field(8192, ge=256)
    llm_thinking_budget: int | None = Field(None, ge=0, description="Tokens; unset: the model's.")

    llm_rate_limit: int | None = Field(None, gt=0, description="Requests per minute.")
    llm_tokens_per_minute: int | None = Field(None, gt=0)
    llm_requests_per_day: int | None = Field(None, gt=0)
    llm_concurrency: int | None = Field(
        None, gt=0, description="Calls in flight over all processes; unset: 100 in each."
    )
    llm_burst: int | None = Field(None, gt=0, description="Requests; unset: a tenth of a minute's.")

    llm_batch_deadline: float = Field(
        86_400.0, gt=0, description="Seconds a batch job may take; then its calls go one by one."
    )
    llm_batch_poll: float = Field(
        30.0, gt=0, description="Seconds between two looks at a batch job."
    )

    llm_max_cost: Decimal | None = Field(None, gt=0, description="USD a run may spend.")
    llm_max_cost_per_day: Decimal | None = Field(None, gt=0)
    llm_max_cost_total: Decimal | None = Field(None, gt=0, description="USD a project may spend.")
    llm_prices: Path | None = Field(None, description="A YAML file of prices on top of the list.")

    talewright_embeddings: Path | None = Field(
        None, description="Folder of a model2vec model that chooses facts for the judge."
    )
    talewright_prompts: Path | None = Field(
        None, description="A folder of prompts of one's own, beside those of Talewright."
    )
    talewright_prompt_versions: str = Field(
        "", description="Prompts held at a version: 'scene@3,judge@1'; the others: the newest."
    )
    talewright_boundaries: str = Field(
        "", description="Sets of boundaries, by name or file, that every story has to keep."
    )
    talewright_sandbox: SandboxName = "auto"
    e2b_template: str = Field("", description="Template of E2B sandboxes; E2B's own if empty.")
    e2b_api_url: str = Field("", description="E2B's API, where it is not E2B's cloud.")
    e2b_sandbox_url: str = Field("", description="Where its sandboxes are reached.")
    e2b_sandboxes_at_once: int = Field(20, gt=0, description="As the E2B plan allows.")
    e2b_creates_per_second: int = Field(1, gt=0, description="As the E2B plan allows.")
    talewright_home: Path = Field(
        Path("~/.talewright"), description="Ledger, cache and raw answers."
    )
    talewright_ledger_url: SecretStr = Field(
        SecretStr(""), description="SQLAlchemy URL; SQLite at home if empty."
    )

    def access(self, provider: str) -> Access:
        """The key, the model and the base URL of a provider of the table."""
        row = PROVIDERS[provider]
        key, model, url = (getattr(self, n.lower()) for n in (row.key, row.model, row.base_url))
        return Access(key or SecretStr(""), model, url)

    def with_model(self, provider: str, model: str) -> Self:
        """The same with another model of a provider of the table."""
        return self.model_copy(update={PROVIDERS[provider].model.lower(): model})

    @property
    def llm_connections(self) -> int:
        """Calls that one process may have in flight."""
        return self.llm_concurrency or 100

    @property
    def home(self) -> Path:
        """The folder for the ledger and raw answers, with `~` resolved."""
        return self.talewright_home.expanduser()

    def made_home(self) -> Path:
        """The home, made for its user alone if it is not there yet: stories, answers and costs are
        in it."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.home


BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks, the longer ones first; PowerShell writes UTF-16."""


def _encoding(file: Path) -> str:
    """The encoding that a file's first bytes name; UTF-8 if they name none."""
    try:
        with file.open("rb") as opened:
            head = opened.read(4)
    except OSError:
        return "utf-8"
    return next((name for bom, name in BOMS.items() if head.startswith(bom)), "utf-8")


def _fault(error: ErrorDetails, also: Sequence[InputError] = ()) -> InputError:
    name = ".".join(map(str, error["loc"])).upper()
    return InputError(error["msg"], file="environment or .env", field=name, also=also)
