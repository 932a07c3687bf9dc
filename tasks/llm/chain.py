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
from typing import cast, get_args

from tasks.calls.prompt import Provider
from tasks.core.errors import UserError
from tasks.core.settings import ProviderName, Settings
from tasks.offline import OfflineWriter

NAMES: tuple[ProviderName, ...] = get_args(ProviderName)
KEYS = {
    "gemini": "GEMINI_API_KEY",
    "claude": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY or OPENAI_BASE_URL",
}


def providers(settings: Settings) -> list[Provider]:
    """The providers to ask, in order; raises UserError for settings that do not fit together."""
    return [open_provider(name, settings) for name in chain(settings)]


def chain(settings: Settings) -> list[ProviderName]:
    """Their names: LLM_CHAIN, else all that have a key, else the offline writer.

    USE_REAL_LLM=false is stronger than both. Raises UserError.
    """
    if settings.use_real_llm is False:
        return ["offline"]
    keys = {
        "gemini": settings.gemini_api_key,
        "claude": settings.anthropic_api_key,
        "openai": settings.openai_api_key or settings.openai_base_url,
    }
    ready = [name for name in NAMES if keys.get(name)]
    order = _named(settings.llm_chain) or ready
    for name in order:
        if name not in (*ready, "offline"):
            raise UserError(f"{name} is to write, by --model or LLM_CHAIN: set {KEYS[name]}.")
    if settings.use_real_llm and not set(order) - {"offline"}:
        raise UserError("USE_REAL_LLM is true, but there is no key. Set GEMINI_API_KEY.")
    return order or ["offline"]


def judge_model(settings: Settings) -> tuple[ProviderName, str] | None:
    """The provider and model that JUDGE_MODEL names ('gemini-2.5-pro', 'claude:NAME',
    'openai:NAME'); None if it is not set."""
    name, _, model = settings.judge_model.rpartition(":")
    return (cast(ProviderName, name or "gemini"), model) if model else None


def open_judge(settings: Settings) -> Provider | None:
    """The provider of JUDGE_MODEL; None if it is not set. Raises as `open_provider` does."""
    named = judge_model(settings)
    if named is None:
        return None
    name, model = named
    return open_provider(name, settings.model_copy(update={f"{name}_model": model}))


def open_provider(name: ProviderName, settings: Settings) -> Provider:
    """The provider of that name; its SDK is imported only now. Raises UserError if that fails."""
    if name == "offline":
        return OfflineWriter()
    module, cls, extra = {
        "gemini": ("gemini", "Gemini", ""),
        "claude": ("claude", "Claude", "anthropic"),
        "openai": ("openai_compatible", "OpenAICompatible", "openai"),
    }[name]
    if name == "gemini" and settings.llm_sdk == "google-generativeai":
        module, cls, extra = "gemini_legacy", "GeminiLegacy", "google-generativeai"
    try:
        provider: Provider = getattr(import_module(f"tasks.llm.providers.{module}"), cls)(settings)
    except ImportError as error:
        if not extra or (error.name or "").startswith("tasks"):
            raise
        raise UserError(
            f"The SDK for {name} is not installed: pip install 'talewright[{extra}]'"
        ) from None
    return provider


def _named(listed: str) -> list[ProviderName]:
    names = dict.fromkeys(name.strip() for name in listed.split(",") if name.strip())
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise UserError(f"LLM_CHAIN names {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    return [known for name in names for known in NAMES if known == name]
