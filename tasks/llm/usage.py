"""What a provider says it counted, believed where it can be."""

from dataclasses import replace

from tasks.calls.prompt import Prompt, Usage
from tasks.ledger.prices import worst_usage

LONGEST_TOKEN = 40
"""Bytes a token of prose has at most on average; the usual is four."""

CACHE = 3
"""Times the input may be counted: once as it is, and twice where it went into a context cache."""


def believed(usage: Usage, prompt: Prompt, text: str) -> Usage:
    """The usage of an answer, with our own upper bound in the place of what cannot be: nothing
    for a text, more than its bytes or the limit, a part larger than the whole."""
    if usage.estimated:
        return most(prompt, text)
    own = most(prompt, text)
    sent = sum(len(part.encode()) for part in (prompt.system, prompt.shared, prompt.text))
    inward = usage.tokens_in, usage.tokens_cached, usage.tokens_cache_written
    if not (
        max(1, sent // LONGEST_TOKEN) <= usage.tokens_in <= CACHE * own.tokens_in
        and all(0 <= part <= usage.tokens_in for part in inward)
    ):
        usage = replace(
            usage,
            tokens_in=own.tokens_in,
            tokens_cached=0,
            tokens_cache_written=own.tokens_cache_written,
            estimated=True,
            cost_usd=None,
        )
    least = max(1, len(text.encode()) // LONGEST_TOKEN) if text.strip() else 0
    if not (
        least <= usage.tokens_out <= own.tokens_out
        and 0 <= usage.tokens_thinking <= usage.tokens_out
    ):
        usage = replace(
            usage, tokens_out=own.tokens_out, tokens_thinking=0, estimated=True, cost_usd=None
        )
    return usage


def most(prompt: Prompt, text: str) -> Usage:
    """The most an attempt can have used: some servers do not keep the output limit."""
    worst = worst_usage(prompt)
    return replace(worst, tokens_out=max(worst.tokens_out, len(text.encode())))
