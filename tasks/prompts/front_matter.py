"""What a prompt file says about itself, in YAML before its text."""

import re
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from tasks.core.errors import InputError
from tasks.core.validation import validated
from tasks.core.yaml import decode, parse_yaml, read_bytes
from tasks.story.base import Id, Line, Model

_FRONT = re.compile(rb"---\r?\n(.*?)\r?\n---\r?\n(.*)", re.DOTALL)


class FrontMatter(Model):
    """What a prompt file says about itself."""

    id: Id
    version: int = Field(ge=1)
    note: Line = Field(description="What its author meant to change, for the next one.")
    variables: list[str] = Field(description="Every variable the text may use.")
    model: Line | None = Field(None, description="The model it was written for and is priced by.")
    max_output_tokens: int | None = Field(None, ge=64)
    temperature: float | None = Field(None, ge=0, le=2)


class Split(NamedTuple):
    """A file's front matter, the text after it, the lines before that, and all of its bytes."""

    front: FrontMatter
    body: str
    offset: int
    raw: bytes


def split(path: Path) -> Split:
    """Read a prompt file. Raises InputError with the line of what is wrong."""
    raw = read_bytes(path)
    decode(path, raw)
    match = _FRONT.fullmatch(raw)
    if match is None:
        message = "A prompt begins with front matter between two lines of ---."
        raise InputError(message, file=path, line=1)
    offset = raw[: match.start(2)].count(b"\n")
    front = validated(FrontMatter, parse_yaml(path, "\n" + match[1].decode()))
    return Split(front, match[2].decode(), offset, raw)


def line_of_variables(path: Path) -> int:
    """The line on which a prompt file declares its variables."""
    lines = path.read_text("utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith("variables:")), 1)
