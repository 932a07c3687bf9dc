"""Whatever a model answers, a scene comes of it only if the scene was in the answer."""

import json
import random
import re
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tasks.answers.json import WrongFields, parse
from tasks.calls.errors import CutShort, Malformed
from tasks.story.scene import SceneDraft
from tests.answers import malformed


def letters(text: str) -> str:
    unescaped = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)
    return "".join(filter(str.isalnum, unescaped.replace("\\n", " ")))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


def outcome(text: str) -> str:
    """The rung that was needed, or what was raised; what is kept must all be from the answer."""
    raised: Malformed | CutShort | None = None
    try:
        parsed = parse(text, SceneDraft)
    except (Malformed, CutShort) as error:
        raised = error
    kept = parsed.value.model_dump(mode="json", exclude_defaults=True) if raised is None else {}
    if isinstance(raised, WrongFields):
        kept = raised.good
        assert set(raised.wrong) <= set(SceneDraft.model_fields)
    said = letters(text)
    assert all(letters(string) in said for string in strings(kept))
    if raised is None:
        return parsed.rung
    assert raised.text == text
    return type(raised).__name__


def test_a_thousand_malformed_answers() -> None:
    rng = random.Random(7)
    counts: Counter[str] = Counter()
    for number in range(1000):
        spoil = malformed.SPOILERS[number % len(malformed.SPOILERS)]
        came = outcome(spoil(malformed.good(number), rng))
        counts[came] += 1
        if spoil in (malformed.cut, malformed.cut_in_a_fence, malformed.loop_in_the_prose):
            assert came in ("CutShort", "Malformed"), "a cut answer is never a scene"
    assert counts["stripped"] + counts["repaired"] > 400, counts


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (malformed.fenced, {"stripped"}),
        (malformed.chatty, {"stripped"}),
        (malformed.looped, {"stripped"}),
        (malformed.extra_fields, {"repaired"}),
        (malformed.single_quotes, {"repaired"}),
        (malformed.trailing_commas, {"repaired"}),
        (malformed.unquoted_keys, {"repaired"}),
        (malformed.missing_fields, {"WrongFields"}),
        (malformed.not_a_number, {"WrongFields"}),
        (malformed.another_language, {"Malformed"}),
        (malformed.not_json, {"Malformed", "CutShort"}),
    ],
)
def test_the_rung_each_needs(spoil: Any, expected: set[str]) -> None:
    rng = random.Random(3)
    assert {outcome(spoil(malformed.good(n), rng)) for n in range(10)} <= expected


def test_as_is() -> None:
    scene = malformed.good(1)
    parsed = parse(json.dumps(scene), SceneDraft)
    assert parsed.rung == "as is"
    assert parsed.value == SceneDraft.model_validate(scene)


def test_five_megabytes_are_quick() -> None:
    rng = random.Random(1)
    started = time.process_time()
    for text in (
        malformed.huge(malformed.good(1), rng),
        json.dumps(malformed.good(1)) * 2000,
        "{" * 5_000_000,
        '{"a":' * 1_000_000,
        '"' * 5_000_000,
        "{'a" * 1_600_000,
    ):
        outcome(text)
    # Not a matter of speed but of kind: what grows with the square takes minutes.
    assert time.process_time() - started < 20


@given(st.data())
def test_no_prefix_of_an_answer_is_a_scene(data: st.DataObject) -> None:
    text = json.dumps(malformed.good(5))
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises((CutShort, Malformed)):
        parse(text[:end], SceneDraft)


@given(st.text())
def test_any_text_ends_in_a_known_error(text: str) -> None:
    with pytest.raises((CutShort, Malformed)):
        parse(text, SceneDraft)


@given(
    st.recursive(
        st.none() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_json_ends_in_a_known_error(value: Any) -> None:
    with pytest.raises((CutShort, Malformed)):
        parse(json.dumps(value), SceneDraft)


def test_a_field_named_like_the_kind_of_an_effect_is_dropped() -> None:
    odd = {"kind": "moves", "moves": "x", "who": 5, "to": "quay", "quote": "You go."}
    parsed = parse(json.dumps(malformed.good(1) | {"effects": [odd]}), SceneDraft)
    assert parsed.value.effects[0].model_dump() == {
        "kind": "moves",
        "who": "5",
        "to": "quay",
        "quote": "You go.",
    }


@pytest.mark.parametrize("steer", ["\x1b[2J", "\x9b31m", "\x7f", "\x00"])
def test_what_steers_a_terminal_never_gets_into_a_story(steer: str) -> None:
    answer = malformed.good(1) | {"title": f"The{steer} Quay"}
    for text in (json.dumps(answer), json.dumps(answer, ensure_ascii=False)):
        title = parse(text, SceneDraft).value.title
        assert title.startswith("The")
        assert title.endswith(" Quay")
        assert title.isprintable()
    with pytest.raises(Malformed) as raised:
        parse(f"nothing{steer}", SceneDraft)
    assert raised.value.text == f"nothing{steer}"


@pytest.mark.parametrize(
    ("half", "shown"),
    [("\ud83d", "\ufffd"), ("\udc00?", "\ufffd?"), ("\ud83d\ude00", "\U0001f600")],
)
def test_half_a_character_is_replaced_and_loses_no_answer(half: str, shown: str) -> None:
    answer = malformed.good(1) | {"title": f"The {half} \\ud83d"}
    for text in (json.dumps(answer), json.dumps(answer, ensure_ascii=False)):
        assert parse(text, SceneDraft).value.title == f"The {shown} \\ud83d"


class StoryResult(BaseModel):
    text: str


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"He\\u2019s here.\\n\\nShe isn\\u2019t.", "He\u2019s here.\n\nShe isn\u2019t."),
        (r"C:\\new\\table", r"C:\new\table"),
        (r"He said \\\"no\\\".\\n\\nShe left.", 'He said "no".\n\nShe left.'),
        (r"print(\"a\\n\\nb\")" + r"\n" + "end", 'print("a\\n\\nb")\nend'),
        (r"\\ud83d\\ude00 laughs", "😀 laughs"),
    ],
)
def test_what_is_escaped_twice_is_unescaped_where_that_is_certain(written: str, read: str) -> None:
    assert parse(f'{{"text": "{written}"}}', StoryResult).value.text == read


def test_an_answer_that_never_stops_thinking_is_none() -> None:
    with pytest.raises(Malformed):
        parse('<think>Perhaps {"text": "this"}, or', StoryResult)
