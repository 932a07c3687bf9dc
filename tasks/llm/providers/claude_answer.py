"""An answer of Claude's API, read from its JSON: whole, streamed or from a batch."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.calls.prompt import Reply, Usage
from tasks.core.surrogates import without_surrogates
from tasks.llm.providers.classify import broken_stream, check_finish
from tasks.llm.providers.wire import count, obj, objects, string


def message(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The message in one object, or in the events of a stream."""
    told: dict[str, Any] = {}
    texts: list[Mapping[str, str]] = []
    for event in events:
        match event.get("type"):
            case "message_start":
                told = {**obj(event.get("message")), "content": texts}
            case "content_block_start":
                block = obj(event.get("content_block"))
                texts.append({"type": "text", "text": string(block.get("text"))})
            case "content_block_delta":
                texts.append({"type": "text", "text": string(obj(event.get("delta")).get("text"))})
            case "message_delta":
                usage = {**obj(told.get("usage")), **obj(event.get("usage"))}
                told |= {**obj(event.get("delta")), "usage": usage}
            case "message":
                told = dict(event)
    return told


def reply(
    told: Mapping[str, Any], model: str, unknown: Usage, seconds: float, *, streamed: bool = False
) -> Reply:
    """A message as a reply; `unknown` is assumed where no usage was reported. Raises as a
    provider's `generate` does."""
    if not isinstance(told.get("content"), list):
        raise TypeError("no content")
    blocks = [one for one in objects(told["content"]) if one.get("type") == "text"]
    text = without_surrogates("".join(string(block.get("text")) for block in blocks))
    finish = str(told.get("stop_reason") or "")[:80]
    if streamed and not finish:
        raise broken_stream("claude")
    usage = _usage(obj(told.get("usage"))) or unknown
    check_finish(finish, text, usage, provider="claude")
    return Reply(text, usage, finish, "claude", model, seconds=seconds)


def _usage(usage: Mapping[str, Any]) -> Usage | None:
    inward, outward = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if inward is None or outward is None:
        return None
    cached = count(usage.get("cache_read_input_tokens")) or 0
    written = count(usage.get("cache_creation_input_tokens")) or 0
    return Usage(
        tokens_in=inward + cached + written,
        tokens_cached=cached,
        tokens_thinking=count(obj(usage.get("output_tokens_details")).get("thinking_tokens")) or 0,
        tokens_out=outward,
        tokens_cache_written=written,
    )
