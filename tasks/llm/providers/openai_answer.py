"""An answer of the OpenAI chat protocol, read from its JSON as servers really send it.

Texts come as a string or as a list of parts, in tool calls, or beside an empty one in
`reasoning_content`; finish reasons are missing, empty or of the server's own making.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from tasks.calls.prompt import Reply, Usage
from tasks.core.surrogates import without_surrogates
from tasks.llm.providers.classify import broken_stream, check_finish
from tasks.llm.providers.wire import count, obj, objects, string


@dataclass
class OpenAIAnswer:
    """What has come of an answer."""

    parts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    finish: str = ""
    refused: bool = False
    usage: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> "OpenAIAnswer":
        """Of one response, or of the chunks of one. Raises TypeError for what is neither."""
        answer = cls()
        seen = False
        for event in events:
            seen = seen or isinstance(event.get("choices"), list)
            answer.add(event)
        if not seen:
            raise TypeError("no choices")
        return answer

    def add(self, response: Mapping[str, Any]) -> None:
        """Take in a whole response or the next chunk of one."""
        self.usage = obj(response.get("usage")) or self.usage
        for choice in objects(response.get("choices"))[:1]:
            message = obj(choice.get("message")) or obj(choice.get("delta"))
            self.parts += _texts(message.get("content")) or [string(choice.get("text"))]
            self.reasoning += _texts(message.get("reasoning_content") or message.get("reasoning"))
            self.calls += [
                string(obj(call.get("function")).get("arguments"))
                for call in objects(message.get("tool_calls"))
            ]
            self.refused = self.refused or bool(message.get("refusal"))
            self.finish = str(choice.get("finish_reason") or self.finish)[:80]

    @property
    def text(self) -> str:
        """The answer, wherever the server put it: what is called reasoning counts only where there
        is nothing else and it ends in JSON."""
        told, calls = "".join(self.parts), "".join(self.calls)
        reasoning = "".join(self.reasoning)
        if told.strip() or calls.strip():
            return told if told.strip() else calls
        return reasoning if reasoning.rstrip().endswith(("}", "```")) else ""

    def reply(self, model: str, unknown: Usage, seconds: float, *, streamed: bool = False) -> Reply:
        """It as a reply; `unknown` is assumed where no usage was reported. Raises as a provider's
        `generate` does."""
        text = without_surrogates(self.text)
        usage = _usage(self.usage) or unknown
        finish = "refusal" if self.refused else self.finish
        if finish.upper() not in KNOWN and complete(text):
            finish = "stop"
        if streamed and not finish:
            raise broken_stream("openai")
        check_finish(finish, text, usage, provider="openai")
        return Reply(text, usage, finish, "openai", model, seconds=seconds)


KNOWN = {"STOP", "LENGTH", "CONTENT_FILTER", "REFUSAL"}
"""Finish reasons that every server means alike. Others say nothing against a text that is whole."""


def complete(text: str) -> bool:
    """Whether a text holds a whole JSON object."""
    start, end = text.find("{"), text.rfind("}") + 1
    try:
        return isinstance(json.loads(text[start:end], strict=False), dict)
    except (ValueError, RecursionError):
        return False


def _texts(content: object) -> list[str]:
    """The texts of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return [content]
    told = []
    for part in objects(content):
        text = part.get("text")
        told.append(string(obj(text).get("value")) if isinstance(text, Mapping) else string(text))
    return told


def _usage(usage: Mapping[str, Any]) -> Usage | None:
    inward, outward = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if inward is None or outward is None:
        return None
    details = obj(usage.get("completion_tokens_details"))
    beyond = (count(usage.get("total_tokens")) or 0) - inward  # xAI counts reasoning only there
    return Usage(
        tokens_in=inward,
        tokens_cached=count(obj(usage.get("prompt_tokens_details")).get("cached_tokens")) or 0,
        tokens_thinking=count(details.get("reasoning_tokens")) or 0,
        tokens_out=max(outward, beyond),
        cost_usd=_cost(usage.get("cost")),
    )


def _cost(value: object) -> Decimal | None:
    """USD that OpenRouter says it takes. https://openrouter.ai/docs/use-cases/usage-accounting"""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and usd > 0 else None
