"""Which providers answer, in which order, and what happens when one does not.

| What went wrong | Same provider | Next provider |
|---|---|---|
| RateLimited, TryLater | again, up to 10 refusals or the deadline | then yes |
| Unreachable | again until the deadline | then yes |
| QuotaGone | no | at once |
| Refused | no | at once |
| Malformed | again, once | then yes; the parsing ladder asks the last one again |
| CutShort | asked again with more room by the parsing ladder | no |
| BadKey, BadRequest, NoPrice | no | no: it needs a person |
| CapReached | no | no: the run ends in good order |

An answer of the offline writer in place of a model's is a stand-in: marked wherever it is shown,
never cached. Nothing stands in unless LLM_CHAIN names `offline`.
"""

from importlib import import_module
from typing import Any

from tasks.calls.errors import BadKey
from tasks.calls.prompt import Provider
from tasks.calls.providers import DEFAULT, OFFLINE, PROVIDERS, ProviderRow, split_model
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.offline import OfflineWriter


def providers(settings: Settings) -> list[Provider]:
    """The providers to ask, in order; raises UserError for settings that do not fit together."""
    return [open_provider(name, settings) for name in chain(settings)]


def chain(settings: Settings) -> list[str]:
    """Their names: LLM_CHAIN, else all that have a key, else the offline writer.

    USE_REAL_LLM=false is stronger than both. Raises UserError.
    """
    if settings.use_real_llm is False:
        return [OFFLINE]
    ready = [row.name for row in PROVIDERS.values() if row.automatic and has_key(row, settings)]
    order = _named(settings.llm_chain) or ready
    for name in order:
        if name != OFFLINE and not has_key(row := PROVIDERS[name], settings):
            raise UserError(f"{name} is to write, by --model or LLM_CHAIN: set {row.needs}.")
    if settings.use_real_llm and not set(order) - {OFFLINE}:
        raise UserError(f"USE_REAL_LLM is true, but there is no key. Set {DEFAULT.key}.")
    return order or [OFFLINE]


def has_key(row: ProviderRow, settings: Settings) -> bool:
    """Whether the settings have what it takes to ask a provider."""
    access = settings.access(row.name)
    return bool(access.key or (row.keyless and access.base_url))


def judge_model(settings: Settings) -> tuple[str, str] | None:
    """The provider and model that JUDGE_MODEL names; None if it is not set. Raises UserError."""
    if not settings.judge_model:
        return None
    try:
        return split_model(settings.judge_model)
    except ValueError as error:
        raise UserError(f"JUDGE_MODEL is {settings.judge_model!r}: {error}.") from None


def open_judge(settings: Settings) -> Provider | None:
    """The provider of JUDGE_MODEL; None if it is not set. Raises as `open_provider` does."""
    named = judge_model(settings)
    if named is None:
        return None
    name, model = named
    return open_provider(name, settings.with_model(name, model))


def open_provider(name: str, settings: Settings) -> Provider:
    """The provider of that name; its SDK is imported only now.

    Raises BadKey without a key, UserError without its SDK or a model's name.
    """
    if name == OFFLINE:
        return OfflineWriter()
    row = PROVIDERS[name]
    if not has_key(row, settings):
        raise BadKey(f"No key for {row.title}: set {row.needs}.", provider=name)
    if not settings.access(name).model:
        raise UserError(f"Set {row.model} to the model that {row.title} should use.")
    try:
        provider: Provider = load(row.code)(settings)
    except ImportError as error:
        if not row.extra or (error.name or "").startswith("tasks"):
            raise
        raise UserError(
            f"The SDK for {name} is not installed: pip install 'talewright[{row.extra}]'"
        ) from None
    return provider


def load(code: str) -> Any:
    """The class that `module:Class` names."""
    module, _, name = code.partition(":")
    return getattr(import_module(module), name)


def _named(listed: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
    known = (*PROVIDERS, OFFLINE)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"LLM_CHAIN names {', '.join(unknown)}; there are {', '.join(known)}.")
    return names
