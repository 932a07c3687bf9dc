"""An answer is bounded in bytes, compressed or not, and in depth, and is booked all the same."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from tasks.calls.errors import LLMError, Malformed
from tasks.calls.prompt import Usage
from tasks.llm.providers.received import MOST_BYTES
from tasks.llm.usage import believed
from tests.answers.mutated import KINDS, TEXT, events, outcome, wire
from tests.emulators.http import Answer
from tests.llm.test_errors import PROMPT, Scripted, provider, settings

JSON = {"content-type": "application/json"}
ZIPPED = JSON | {"content-encoding": "gzip"}


def body(kind: str, text: str) -> bytes:
    return wire(events(kind, streamed=False, text=text), streamed=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zipped", [True, False], ids=["a gzip bomb", "plain"])
async def test_too_long_an_answer_is_not_read_to_its_end(
    kind: str, zipped: bool, tmp_path: Path
) -> None:
    plain = body(kind, "x" * 2 * MOST_BYTES)
    answer = Answer(body=gzip.compress(plain, 1), headers=ZIPPED) if zipped else Answer(body=plain)
    with Scripted() as server:
        server.reply = Answer(body=answer.body, headers=answer.headers or JSON)
        writer = provider(kind, settings(server.url, talewright_home=tmp_path, llm_timeout=30.0))
        tracemalloc.start()
        try:
            with pytest.raises(LLMError) as caught:
                await writer.generate(PROMPT)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            await writer.close()
    assert type(caught.value) is Malformed
    assert "MiB" in str(caught.value)
    if zipped:  # else most of it is the server's, in this process
        assert most < 6 * MOST_BYTES


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_nested_too_deep_goes_down_the_ladder(kind: str) -> None:
    deep = [body(kind, "[" * 100_000), b'{"candidates": %s' % (b"[" * 100_000)]
    came = await outcome(kind, [Answer(body=one, headers=JSON) for one in deep])
    assert (came.kept, came.broken, came.in_flight) == (2, [], 0)
    assert came.booked >= came.billed


COUNTS = {
    "nothing": Usage(),
    "negative": Usage(-5, tokens_out=-5),
    "absurd": Usage(10**18, tokens_out=10**12),
    "cached above all": Usage(100, tokens_cached=500, tokens_out=len(TEXT) // 4),
    "thinking above all": Usage(100, tokens_thinking=10**6, tokens_out=len(TEXT) // 4),
    "nothing out": Usage(100),
}


@pytest.mark.parametrize("usage", COUNTS.values(), ids=COUNTS)
def test_usage_that_cannot_be_is_our_own_count(usage: Usage) -> None:
    counted = believed(usage, PROMPT, TEXT)
    assert counted.estimated
    assert len(PROMPT.text) // 4 <= counted.tokens_in <= 10**6
    assert len(TEXT) // 4 <= counted.tokens_out <= 10**6
    assert 0 <= counted.tokens_cached <= counted.tokens_in
    assert 0 <= counted.tokens_thinking <= counted.tokens_out


def test_usage_that_can_be_is_believed() -> None:
    usage = Usage(100, tokens_cached=40, tokens_thinking=50, tokens_out=len(TEXT) // 4 + 50)
    assert believed(usage, PROMPT, TEXT) == usage
