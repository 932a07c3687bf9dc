"""What the reader knows of English, from `english.toml` beside this file."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("english.toml").read_text("utf-8"))


@cache
def words(section: str, name: str) -> frozenset[str]:
    """A list of words."""
    return frozenset(listed(section, name))


def listed(section: str, name: str) -> list[str]:
    """A list of words, in the file's order."""
    text: str = _data()[section][name]
    return text.split()


def section(name: str) -> dict[str, str]:
    """A table of the file, as it is."""
    table: dict[str, str] = _data()[name]
    return table


@cache
def pattern(name: str) -> re.Pattern[str]:
    """A pattern: any of its lines, as whole words, in any case."""
    lines = [line for line in section("patterns")[name].splitlines() if line]
    return re.compile(rf"\b(?:{'|'.join(lines)})\b", re.IGNORECASE)
