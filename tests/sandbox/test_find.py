"""Code in prose is found as a model writes it, with the lines on which it stands."""

import ast
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.sandbox import find, find_code
from tasks.story.code import Snippet


def found(text: str) -> list[tuple[str, int, int]]:
    return [(one.code, one.first_line, one.last_line) for one in find_code(text)]


def only(text: str) -> Snippet:
    [snippet] = find_code(text)
    return snippet


def test_lines_count_from_one_and_include_the_fences() -> None:
    text = "Dusk.\n\n```python\nx = 1\nprint(x)\n```\n\nNight.\n\n~~~py\ny = 2\n~~~\n"
    assert found(text) == [("x = 1\nprint(x)\n", 3, 6), ("y = 2\n", 10, 12)]


@pytest.mark.parametrize(
    "tag",
    [
        "python",
        "Python3",
        "PY",
        "python3.11",
        "{python}",
        "{.python}",
        'py title="x"',
        "python {1}",
    ],
)
def test_tags_of_python(tag: str) -> None:
    assert found(f"```{tag}\nprint(1)\n```") == [("print(1)\n", 1, 3)]


@pytest.mark.parametrize("tag", ["json", "bash", "pythonic", "text", "output", "javascript"])
def test_tags_of_something_else(tag: str) -> None:
    assert found(f"```{tag}\nx = 1\n```") == []


@pytest.mark.parametrize(
    ("block", "is_code"),
    [
        ("x = 1", True),
        ("print('lit')", True),
        ("for n in range(3): print(n)", True),
        ("The lantern is out.", False),
        ("Silence", False),
        ("1 + 1", False),
        ("", False),
    ],
)
def test_an_untagged_block_counts_if_it_is_python_that_does_something(
    block: str, is_code: bool
) -> None:
    assert found(f"```\n{block}\n```") == ([(f"{block}\n", 1, 3)] if is_code else [])


def test_a_block_that_never_ends_is_code_only_as_far_as_it_is_python() -> None:
    text = "Dusk.\n\n```python\nx = 1\nprint(x)\n\nSilence\n\nThe lantern went out.\nAll slept.\n"
    assert found(text) == [("x = 1\nprint(x)\n", 3, 5)]
    assert found("```python\nThe lantern went out.") == []
    assert found("```\nThe lantern went out.") == []


def test_a_block_that_never_ends_does_not_swallow_the_next() -> None:
    text = "```python\nx = 1\n\nThe lantern went out.\n\n```python\nprint(2)\n```\n\nAll slept.\n"
    assert found(text) == [("x = 1\n", 1, 2), ("print(2)\n", 6, 8)]


def test_a_closing_fence_behind_code_or_before_prose() -> None:
    text = "```python\nx = 1```\nDusk.\n```python\ny = 2\n``` All slept now.\n```python\nz = 3\n```"
    assert found(text) == [("x = 1\n", 1, 2), ("y = 2\n", 4, 6), ("z = 3\n", 7, 9)]


def test_backticks_in_code_are_code() -> None:
    code = (
        'def f():\n    """Say.\n\n    ```python\n    f()\n    ```\n    """\n\nf()  # as ```f()```\n'
    )
    assert found(f"```python\n{code}```\n") == [(code, 1, code.count("\n") + 2)]
    assert only('```python\ns = "```python\\nx\\n```"\n```').code == 's = "```python\\nx\\n```"\n'


def test_a_block_in_a_block_of_four_backticks() -> None:
    text = "So:\n\n````markdown\n# Rule\n\n```python\nx = 1```\nSo.\n````\n\n```python\ny = 2\n```"
    assert found(text) == [("x = 1\n", 6, 7), ("y = 2\n", 11, 13)]


def test_escaped_newlines_stand_on_the_line_they_came_on() -> None:
    text = "Dusk.\nThen:\\n```python\\nx = 1\\nprint(x)\\n```\\nNight.\n```python\ny = 2\n```"
    assert found(text) == [("x = 1\nprint(x)\n", 2, 2), ("y = 2\n", 3, 5)]


@pytest.mark.parametrize(
    ("escaped", "code"),
    [
        (r"print(\"a\\nb\")\nif 1:\n\tprint(2)\n", 'print("a\\nb")\nif 1:\n\tprint(2)\n'),
        (r"print('a\\nb')\n", "print('a\\nb')\n"),
        (r'print("a\nb")\nprint(2)\n', 'print("a\\nb")\nprint(2)\n'),
        (r"print('a\nb')\nprint(2)\n", "print('a\\nb')\nprint(2)\n"),
    ],
)
def test_an_escaped_newline_in_a_string_of_the_code_stays_one(escaped: str, code: str) -> None:
    assert only(rf"It's dusk.\n```python\n{escaped}```\nIt's night.").code == code


def test_a_newline_in_a_string_is_not_decoded_where_the_block_is_whole() -> None:
    assert only('```python\nprint("a\\nb")\n```').code == 'print("a\\nb")\n'


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_fence_in_a_string_of_a_whole_block_is_no_fence(fence: str) -> None:
    code = 'print("A scroll:\\n```\\n")\nprint("```python\\nx = 1\\n```\\n")\n'
    assert only(f"{fence}python\n{code}{fence}\nDusk.\n").code == code
    after = f"{fence}python\n{code}{fence}\nThen:\\n```python\\nx = 1\\n```\\nNight."
    assert [one.code for one in find_code(after)] == [code, "x = 1\n"]


def test_windows_newlines_lists_and_quotes() -> None:
    assert found("Dusk.\r\n\r\n```python\r\nx = 1\r\n```\r\n") == [("x = 1\n", 3, 5)]
    assert found("1. Dusk:\n\n   ```python\n   if 1:\n       x = 1\n   ```\n") == [
        ("if 1:\n    x = 1\n", 3, 6)
    ]
    assert found("> ```python\n> x = 1\n> ```\n") == [("x = 1\n", 1, 3)]


def test_an_interactive_session_is_a_program() -> None:
    text = "```pycon\n>>> def f():\n...     return 1\n...\n>>> print(f())\n1\n```"
    assert found(text) == [("def f():\n    return 1\nprint(f())\n", 1, 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nprint(42)\n# Output: 42\n```", "42\n"),
        ("```python\nprint(1, 2)\n# Expected output:\n# 1 2\n```", "1 2\n"),
        ("```python\nprint('a\\nb')\n# prints:\n# a\n#  b\n```", "a\n b\n"),
        ("```python\nprint(42)\n```\n```output\n42\n```", "42\n"),
        ("```python\nprint(42)\n```\n\nIt says:\n\n```{output}\n42\n```", "42\n"),
        ("```python\nprint(42)```\n```output\n42\n```", "42\n"),
        ("```python\nprint(42)\n```\n\nDusk.\nNight.\n\n```output\n42\n```", None),
        ("```python\nprint(42)\n# the answer\n```\n```json\n42\n```", None),
    ],
)
def test_the_output_a_text_states(text: str, expected: str | None) -> None:
    assert only(text).expected_output == expected


LINES = (
    "x = 1|print(x)|f(|1,|)|if x:|    y = 2|else:|try:|finally:|def f():|@deco|'''|x = f'''{a|b}'''"
    "|She said 'no|And then she left.||x = 1 \\|+ 2|a b|(a +|b) = 1|    y = 3|f(a b|1 + 1"
)


@example(["x = 1 \\", "", "1,"])
@given(st.lists(st.sampled_from(LINES.split("|")), max_size=9))
def test_a_block_that_never_ends_is_kept_as_far_as_it_is_python(lines: list[str]) -> None:
    shorter = ("\n".join(lines[:length]) for length in range(len(lines), 0, -1))
    longest = next((code for code in shorter if find._statements(code)), "")
    kept = find._python_prefix("\n".join(lines))
    assert [ast.dump(one) for one in find._statements(kept)] == [
        ast.dump(one) for one in find._statements(longest)
    ]


@pytest.mark.parametrize("block", ["f(\n" + "1,\n" * 6000, "x = 1\n" + "It's $ late.\n" * 1000])
def test_a_block_that_never_ends_is_tried_a_few_times(
    block: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    parse = ast.parse

    def counted(code: str, *more: str) -> ast.AST:
        tried.append(code)
        return parse(code, *more)

    monkeypatch.setattr(ast, "parse", counted)
    find_code(f"```python\n{block}")
    assert len(tried) <= find.TRIES + 1


def test_a_long_fence_is_read_at_once() -> None:
    started = time.perf_counter()
    find_code("`" * 2000 + " " * 18_000 + "`")
    assert time.perf_counter() - started < 2
