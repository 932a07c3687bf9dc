"""The upper rungs of the parsing ladder: asking again for what was wrong.

1. `as is`, `stripped`, `repaired`: see tasks.answers.json; no call.
2. `fields`: only the missing or wrong fields, with what is wrong about them.
3. `whole`: everything again, with twice the room if the answer was cut.
4. `next provider`: everything, from the next of the chain.

Each is tried once. Then the answer is given up, and its raw text kept.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from tasks.answers.json import Parsed, Rung, WrongFields, parse
from tasks.calls.errors import CapReached, CutShort, LLMError, Malformed
from tasks.calls.prompt import Prompt, Purpose, Reason, Reply, Usage
from tasks.core.settings import Settings
from tasks.llm.providers.classify import CUT
from tasks.prompts.render import render

M = TypeVar("M", bound=BaseModel)


class Asker(Protocol):
    """What the ladder needs of tasks.llm.client.Client."""

    settings: Settings

    def ask(self, prompt: Prompt, purpose: Purpose, *, after: str = "") -> Awaitable[Reply]:
        """One answer; `after`: only from providers that follow this one in the chain."""


@dataclass(frozen=True)
class Answer(Generic[M]):
    """A value, the rung that was needed, and the reply it came from."""

    value: M
    rung: Rung
    reply: Reply


async def ask(client: Asker, prompt: Prompt, purpose: Purpose, *, after: str = "") -> Reply:
    """One answer, also a cut or useless one: then its finish reason is MAX_TOKENS or OTHER."""
    try:
        return await client.ask(prompt, purpose, after=after)
    except (CutShort, Malformed) as bad:
        usage = bad.usage if isinstance(bad.usage, Usage) else Usage()
        reason = "MAX_TOKENS" if isinstance(bad, CutShort) else "OTHER"
        return Reply(bad.text, usage, reason, bad.provider, model="")


async def climb(
    client: Asker, prompt: Prompt, purpose: Purpose, reply: Reply, schema: type[M]
) -> Answer[M]:
    """The value in `reply`, or in what is asked for in its place.

    Raises Malformed with the last answer's text, or what a call raised.
    """
    try:
        return _answer(reply, schema)
    except WrongFields as wrong:
        fixed = await _ask_fields(client, prompt, purpose, reply, schema, wrong)
        if fixed is not None:
            return fixed
        room = prompt.max_output_tokens
    except CutShort:
        room = 2 * prompt.max_output_tokens
    except Malformed:
        room = prompt.max_output_tokens
    # Another seed, or the cache would give the same answer again.
    again = replace(prompt, seed=prompt.seed + 1, max_output_tokens=room)
    reply = await ask(client, again, _because(purpose, "re-ask"))
    try:
        return replace(_answer(reply, schema), rung="whole")
    except (Malformed, CutShort) as failed:
        last = failed
    why = _because(purpose, "fallback")
    try:
        reply = await ask(client, again, why, after=reply.provider)
        return replace(_answer(reply, schema), rung="next provider")
    except CapReached:
        raise
    except LLMError as error:
        # Nobody else to ask, or the next has no better answer: the last text is what is kept.
        text = error.text if isinstance(error, Malformed | CutShort) else last.text
        said = f"No rung of the ladder gave an answer: {last} {error}"
        raise Malformed(said, text=text, provider=reply.provider) from None


def _answer(reply: Reply, schema: type[M]) -> Answer[M]:
    if reply.finish_reason.upper() in CUT:
        raise CutShort("The answer was cut.", text=reply.text, provider=reply.provider)
    if reply.finish_reason == "OTHER":
        raise Malformed("The answer ended oddly.", text=reply.text, provider=reply.provider)
    parsed: Parsed[M] = parse(reply.text, schema)
    return Answer(parsed.value, parsed.rung, reply)


async def _ask_fields(
    client: Asker,
    prompt: Prompt,
    purpose: Purpose,
    reply: Reply,
    schema: type[M],
    wrong: WrongFields,
) -> Answer[M] | None:
    """The value with its missing and wrong fields asked for again; None if they came wrong."""
    missing = {n for n, f in schema.model_fields.items() if f.is_required()} - wrong.good.keys()
    wanted = fields_schema(schema, tuple(sorted(missing | wrong.wrong.keys())))
    said = {"answer": wrong.text, "errors": wrong.wrong, "fields": list(wanted.model_fields)}
    question = render("repair", said, seed=prompt.seed, schema=wanted, settings=client.settings)
    question = replace(question, shared=prompt.shared, system=question.system or prompt.system)
    fixed = await ask(client, question, _because(purpose, "repair"))
    try:
        part: Any = _answer(fixed, wanted).value
        value = schema.model_validate(wrong.good | part.model_dump())
    except (Malformed, CutShort, ValidationError):
        return None
    return Answer(value, "fields", reply)


@cache
def fields_schema(schema: type[BaseModel], names: tuple[str, ...]) -> type[BaseModel]:
    """A model of some of the fields of `schema`, all required."""
    fields: dict[str, Any] = {}
    for name in names:
        if name in schema.model_fields:
            field = schema.model_fields[name]
            fields[name] = (field.annotation, Field(description=field.description))
    return create_model(f"{schema.__name__}Fields", __config__=ConfigDict(extra="forbid"), **fields)


def _because(purpose: Purpose, reason: Reason) -> Purpose:
    return replace(purpose, reason=reason)
