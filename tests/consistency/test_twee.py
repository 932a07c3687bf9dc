"""Twee files of strangers: read in time that grows with their size, up to a largest size."""

import re
import time
from pathlib import Path

import pytest

from tasks.consistency import twee
from tasks.core.errors import InputError
from tasks.core.yaml import LARGEST
from tests.stories import lighthouse


def read(path: Path, text: str) -> float:
    """Seconds it takes."""
    path.write_text(text)
    started = time.perf_counter()
    twee.read_twee(path, lighthouse()[0])
    return time.perf_counter() - started


@pytest.mark.parametrize("text", ["<<", "<!--", "/* ", "(a:", ":: " + " " * 300 + "\\\n", "[["])
def test_a_file_is_read_in_time(tmp_path: Path, text: str) -> None:
    story = ":: Start\nDusk.\n" + text * (100_000 // len(text))
    assert read(tmp_path / "story.twee", story) < 1


def test_a_file_too_large_or_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1,000 kB"):
        read(tmp_path / "story.twee", ":: Start\n" + "x" * LARGEST)
    with pytest.raises(InputError, match="StoryData"):
        read(tmp_path / "story.twee", ":: StoryData\n" + "[" * 100_000 + "\n:: Start\nx\n")


@pytest.mark.parametrize(
    ("head", "name", "tags"),
    [
        (":: Start", "Start", None),
        ('::Start [a b] {"position":"1,2"}', "Start", "a b"),
        (":: A \\[b\\] c  [x]  ", "A \\[b\\] c", "x"),
        (':: y{"a":1}', "y", None),
    ],
)
def test_heads_of_passages(head: str, name: str, tags: str | None) -> None:
    found = twee._HEAD.search(f"text\n{head}\nmore")
    assert found
    assert (found["name"].strip(), found["tags"]) == (name, tags)


def test_macros_and_comments_are_no_prose() -> None:
    text = "Dusk<<if $a>> and<!-- not\nthis --> /* nor this */(set: $a to 1)night"
    assert re.sub(" +", " ", twee._MACRO.sub(" ", text)) == "Dusk and night"
