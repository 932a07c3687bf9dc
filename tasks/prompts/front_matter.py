"""What a prompt file says about itself, in YAML before its text."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tasks.core.errors import InputError
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
    try:
        raw = path.read_bytes()
        raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"This prompt cannot be read: {error}", file=path) from None
    match = _FRONT.fullmatch(raw)
    if match is None:
        message = "A prompt begins with front matter between two lines of ---."
        raise InputError(message, file=path, line=1)
    offset = raw[: match.start(2)].count(b"\n")
    return Split(_front(match[1].decode(), path), match[2].decode(), offset, raw)


def line_of_variables(path: Path) -> int:
    """The line on which a prompt file declares its variables."""
    lines = path.read_text("utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith("variables:")), 1)


def _front(text: str, path: Path) -> FrontMatter:
    values: Any = None
    try:
        # The round-trip loader remembers the line of every field.
        values = YAML().load(text)
        return FrontMatter.model_validate(values)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        message = f"The front matter is not YAML: {error.problem}"
        raise InputError(message, file=path, line=line) from None
    except YAMLError as error:
        message = f"The front matter is not YAML: {error}"
        raise InputError(message, file=path, line=1) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        line = _line(values, first["loc"][0] if first["loc"] else "")
        raise InputError(first["msg"], file=path, line=line, field=field) from None


def _line(values: Any, field: int | str) -> int:
    try:
        return int(values.lc.key(field)[0]) + 2
    except (AttributeError, KeyError):
        return 1
