"""From a model's text to a value, without asking anybody: the lower rungs of the ladder.

- `as is`: the text is the JSON that was asked for.
- `stripped`: it was inside prose or a fence.
- `repaired`: its JSON or its fields had slips that can be put right without guessing: quotes,
  commas, a number for a string, an unknown field, one thing where a list of things belongs. Nothing
  may appear that was not in the answer, nothing that was may get lost, and a cut answer is never
  repaired.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import json_repair
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tasks.calls.errors import CutShort, Malformed
from tasks.core.scrub import scrub
from tasks.core.surrogates import without_escaped_surrogates, without_surrogates

Rung = Literal["as is", "stripped", "repaired", "fields", "whole", "next provider"]
M = TypeVar("M", bound=BaseModel)

LONGEST_REPAIR = 200_000
"""Characters; json-repair takes about a second for so much, and no scene is as long."""

MOST_OBJECTS = 50
"""Objects looked at in one answer; a model in a loop sends thousands."""

KEPT_SHARE = 0.98
"""Share of an answer's letters and digits that a repair has to keep."""

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_START = re.compile(r"""\{\s*(?:["'“}]|\w+\s*:)""")
_TOKEN = re.compile(rf'{_STRING}|[{{}}\[\]"]', re.DOTALL)
_NOT_JSON = re.compile(rf"{_STRING}|(\bNaN\b|\bInfinity\b)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_THOUGHTS = re.compile(
    r"\A\s*<(think|thinking|thought)>.*?(?:</\1>|\Z)"  # what a model in a hurry writes down first
    r"|\A.*?</think(?:ing)?>\s*(?=`{3}|\{)",  # some templates begin the thoughts themselves
    re.DOTALL,
)
_TWICE = re.compile(r"\\\\(?:n\\\\n|u[0-9a-fA-F]{4})")
"""JSON in which a line break or a character is escaped twice."""
_TOLD = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/nrt])')
_CERTAIN = re.compile(r"\\n\\n|\\u[0-9a-fA-F]{4}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[M]):
    """A value, and the rung of the ladder that was needed."""

    value: M
    rung: Rung


class WrongFields(Malformed):
    """The answer is an object, but some of its fields are missing or wrong.

    `good` has the fields that can stay; `wrong` says what is wrong, by top-level field.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        good: Mapping[str, Any] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, text=text)
        self.good = dict(good or {})
        self.wrong = dict(wrong or {})


def parse(text: str, schema: type[M]) -> Parsed[M]:
    """The value in `text`, without control characters, which could steer a terminal, and half
    characters, which no file takes; raises CutShort, WrongFields or another Malformed, with the
    text."""
    plain = without_escaped_surrogates(without_surrogates(_CONTROL.sub("", text)))
    if "\\u00" in plain:
        plain = _ESCAPE.sub(_unless_control, plain)
    plain = _THOUGHTS.sub("", plain, count=1)
    try:
        parsed = _parse(plain, schema)
        return replace(parsed, value=_unescaped_twice(parsed.value, plain))
    except (Malformed, CutShort) as error:
        error.text = text
        raise


def _parse(text: str, schema: type[M]) -> Parsed[M]:
    if not _has_nan(text):
        try:
            return Parsed(schema.model_validate_json(text), "as is")
        except ValidationError:
            pass
    broken: list[str] = []
    objects: list[dict[str, Any]] = []
    cut = False
    for span in _spans(text):
        cut = span is None
        value = _decoded(span or "")
        if value is not None:
            objects.append(value)
            if (whole := _valid(value, schema)) is not None:
                return Parsed(whole, "stripped")
        elif span:
            broken.append(span)
    if cut:
        raise CutShort("The answer ends in the middle.", text=text)
    objects.extend(value for span in broken if (value := _repaired(span)) is not None)
    if not objects:
        raise Malformed("The answer holds no JSON object.", text=text)
    return Parsed(_without_slips(max(objects, key=len), schema, text), "repaired")


def _unescaped_twice(value: M, text: str) -> M:
    """The value with what is escaped twice in its strings unescaped, where that is certain: two
    line breaks in a row or a character's number, in a string without a line break of its own."""
    if _TWICE.search(text) is None:
        return value
    try:
        return type(value).model_validate(_plain(value.model_dump()))
    except ValidationError:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str) and "\n" not in value and _CERTAIN.search(value):
        whole = without_surrogates(_CONTROL.sub("", _TOLD.sub(_character, value)))
        return value if "\ufffd" in whole else whole
    return value


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return {"n": "\n", "r": "\n", "t": "\t"}.get(code, code)


def _unless_control(escape: re.Match[str]) -> str:
    code = escape[1][1:]
    return "" if code and _CONTROL.match(chr(int(code, 16))) else escape[0]


def _valid(value: Any, schema: type[M]) -> M | None:
    try:
        return schema.model_validate(value)
    except ValidationError:
        return None


def _has_nan(text: str) -> bool:
    """Whether a NaN or Infinity stands where JSON has no such thing; pydantic would take it."""
    if "NaN" not in text and "Infinity" not in text:
        return False
    return any(match[1] for match in _NOT_JSON.finditer(text))


def _spans(text: str) -> Iterator[str | None]:
    """The outermost objects in `text`, in order; None for one that does not end."""
    position = 0
    for _ in range(MOST_OBJECTS):
        start = _START.search(text, position)
        if start is None:
            return
        end = _end(text, start.start())
        yield None if end is None else text[start.start() : end]
        if end is None:
            return
        position = end


def _end(text: str, start: int) -> int | None:
    """Where the object that begins at `start` has ended; None if it is cut."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        bracket = match[0]
        if bracket in "{[":
            depth += 1
        elif bracket in "}]":
            depth -= 1
            if depth == 0:
                return match.end()
        elif bracket == '"':
            return None
    return None


def _decoded(span: str) -> dict[str, Any] | None:
    try:
        value = json.loads(span, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _repaired(span: str) -> dict[str, Any] | None:
    """The object json-repair sees in `span`, if that neither invents nor loses anything."""
    if len(span) > LONGEST_REPAIR:
        return None
    try:
        value = json_repair.repair_json(span, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and _same_content(span, value) else None


def _same_content(span: str, value: dict[str, Any]) -> bool:
    said = _letters(_ESCAPE.sub(_unescaped, span))
    leaves = list(_leaves(value))
    empty = sum(not leaf for leaf in leaves)
    letters = [_letters(leaf) for leaf in leaves]
    return (
        all(leaf in said for leaf in letters)
        and empty <= span.count('""') + span.count("''")
        and sum(map(len, letters)) >= KEPT_SHARE * len(said)
    )


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return " " if code in "bfnrt" else code


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def _without_slips(value: dict[str, Any], schema: type[M], text: str) -> M:
    """The model, after slips in single fields are put right; raises Malformed."""
    inner = next(iter(value.values()), None)
    if len(value) == 1 and isinstance(inner, dict) and not value.keys() & schema.model_fields:
        value = inner
    for _ in range(10):  # putting one right can uncover the next
        try:
            return schema.model_validate(value)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        mended = [_put_right(value, slip) for slip in errors]
        if True not in mended:
            break
    wrong: dict[str, str] = {}
    for slip in errors:
        where = ".".join(str(step) for step in slip["loc"])
        wrong.setdefault(str(slip["loc"][0] if slip["loc"] else ""), f"{where}: {slip['msg']}")
    good = {k: v for k, v in value.items() if k in schema.model_fields and k not in wrong}
    what = scrub("; ".join(wrong.values()))
    if not good or "" in wrong:
        raise Malformed(f"The answer is not what was asked for: {what}.", text=text)
    raise WrongFields(f"Fields are missing or wrong: {what}.", text=text, good=good, wrong=wrong)


def _put_right(value: Any, slip: ErrorDetails) -> bool:
    """Mend one slip in place without guessing; whether that was possible."""
    *path, last = slip["loc"] or ("",)
    key: Any = last
    holder: Any = value
    for step in path:
        # pydantic names the kind of a tagged union on the way; the data does not.
        kind = isinstance(holder, dict) and step == holder.get("kind")
        if not kind and (isinstance(holder, list) or step in holder):
            holder = holder[step]  # type: ignore[index]
    given = slip["input"]
    if slip["type"] == "missing":
        return False
    if isinstance(holder, dict) and (slip["type"] == "extra_forbidden" or given is None):
        return holder.pop(key, holder) is not holder
    if slip["type"] == "string_type" and type(given) in (int, float):
        holder[key] = str(given)
        return True
    if slip["type"] == "list_type" and isinstance(given, str | dict):
        holder[key] = [given]
        return True
    return False
