"""Files that are no worlds, by accident or on purpose."""

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import InputError
from tasks.story.world import World
from tasks.world.load import load_world
from tests.world.worlds import SOUND, line_of, refusal, written

LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
DOUBLE = SOUND.replace("title: The Eleven Minutes", "title: The Eleven Minutes\ntitle: Again")

FILES = [
    ("id: x\ntitle: [unclosed\npremise: y\n", 2, "the [ that opens here is not closed"),
    ("id: x\ntitle: {a: 1\nb: 2\n", 2, "the { that opens here is not closed"),
    ('id: x\ntitle: "unclosed\npremise: y\n', 2, "the quote that opens here is not closed"),
    ("id: x\n\ttitle: y", 2, "a tab; indent with spaces"),
    ("id: x\ntitle: Skerry: a Death\n", 2, "has to be in quotes"),
    ("id: x\ntitle: 'it's'\n", 2, "behind its closing quote"),
    ("a:\n  - id: x\n   name: y\n", 3, "indented otherwise"),
    ("id: x\nhello\nb: 1\n", 2, "neither `field: value`"),
    ("id: x\ntitle: @home\n", 2, "put it in quotes"),
    ("id: - x\n", 1, "a line of its own"),
    (LAUGHS, 1, "anchors and aliases"),
    ("id: x\ntitle: *nobody", 2, "anchors and aliases"),
    (DOUBLE, line_of(DOUBLE, "title: Again"), "twice, first in line 4"),
    ("", 1, "is empty"),
    ("# only a comment", 1, "is empty"),
    ("- a\n- b", 1, "must be a mapping"),
    ("just words", 1, "must be a mapping"),
    ("id: x\n---\nid: y", 2, "a second document"),
    ("id: !!python/object/apply:os.system [ls]", 1, "the tag"),
    ("id: !secret x", 1, "the tag"),
    ("[a]: b", 1, "name must be a word"),
    ("? [a]\n: b", 1, "name must be a word"),
    ("id: " + "[" * 5000, 1, "inside each other"),
    ("id: " + "9" * 5000, 1, "is not a number"),
    ("id: x\ntitle: \x1b[31mred", 2, "control character"),
    ('id: x\ntitle: "\\e[31mred"', 2, "control character"),
    ('id: x\ntitle: "\\ud800"', 2, "control character"),
    (b"id: x\ntitle: caf\xe9\n", 2, "is not UTF-8"),
    ("id: x".encode("utf-16"), 1, "is not UTF-8"),
    ("{" + "a," * 60_000, 1, "more than 30,000 values"),
    (b"#" * 10_000_000, None, "is larger than 1,000 kB"),
    (("characters:\n" + "- {id: x, name: y}\n" * 500_000).encode(), None, "is larger than"),
]


@pytest.mark.parametrize(("text", "line", "words"), FILES, ids=[words for *_, words in FILES])
def test_refused_in_one_line(
    text: str | bytes, line: int | None, words: str, tmp_path: Path
) -> None:
    file = written(tmp_path, text)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            load_world(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.line == line
    assert peak < 100_000_000


def verdict(file: Path) -> str:
    """What is wrong with a file; nothing if it is a world."""
    try:
        assert isinstance(load_world(file), World)
    except InputError as error:
        return str(error)
    return ""


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert load_world(written(tmp_path, b"\xef\xbb\xbf" + SOUND.encode())).id == "the-lighthouse"


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_world(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="is a pipe or a device"):
        load_world(pipe)


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "\x1b[2Jgone.yaml", "no\nsuch.yaml", ""])
def test_odd_names(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load_world(name)
    assert str(caught.value).isprintable()


def test_what_a_file_says_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    text = SOUND.replace("pronouns: she/her", "\u202egnp.exe\u2028: x", 1)
    text = text.replace("status: dead", "status: \u202edaed\u200b", 1)
    error = refusal(tmp_path, text)
    assert all(line.isprintable() for line in str(error).splitlines())


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8"))))
def test_anything_is_a_world_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    said = verdict(written(tmp_path_factory.mktemp("any"), data))
    assert all(line.isprintable() for line in said.splitlines())


SYNTAX = st.text(st.sampled_from("ab1: -[]{}&*!|>'\"%@?#,~.\n\t\\\u00e9"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 3000), cut=st.integers(0, 30), put=SYNTAX)
def test_a_damaged_world_is_a_world_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, put: str
) -> None:
    text = (SOUND[:at] + put + SOUND[at + cut : 4000]).encode()
    file = written(tmp_path_factory.mktemp("damaged"), text)
    assert all(line.startswith(str(file)) for line in verdict(file).splitlines())
