"""Plain YAML files from strangers: read strictly, every value with its line."""

import json
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.parser import Parser

from tasks.core.errors import InputError
from tasks.core.files import regular

LARGEST = 1_000_000
"""Bytes of a file that is read at all; a world of a hundred scenes takes a tenth of it."""

DEEPEST = 20
"""Mappings and sequences inside each other; a world needs seven."""

MOST_VALUES = 30_000
"""Names and values in one file; a world of fifty characters has five thousand."""

_TAG = "tag:yaml.org,2002:"
_SCALARS = {"str", "int", "float", "bool", "null", "timestamp"}

FieldPath = tuple[str | int, ...]
Kind = Literal["mapping", "list"]

_NODES: dict[Kind, type[Node]] = {"mapping": MappingNode, "list": SequenceNode}
_WANTED: dict[Kind, str] = {
    "mapping": "must be a mapping of `field: value` lines",
    "list": "must be a list, each entry of which begins with `- `",
}


class Document(NamedTuple):
    """A file's values, also as JSON text, and the line of every path in them."""

    file: Path
    json: str
    values: Any
    lines: dict[FieldPath, int]


def read_yaml(file: Path, kind: Kind = "mapping") -> Document:
    """Read a file of one YAML 1.2 mapping or list, always as UTF-8.

    Anchors, aliases, tags, duplicate keys and control characters are refused. Dates stay text.
    Raises InputError.
    """
    return parse_yaml(file, decode(file, read_bytes(file)), kind)


@lru_cache(16)
def parse_yaml(file: Path, text: str, kind: Kind = "mapping") -> Document:
    """The text of a file, or the part of it that is YAML with as many line breaks before it as in
    the file. Raises InputError."""
    # Kept, as all stories of a batch are told from the same few files and a world takes 0.1 s.
    reader = YAML(typ="safe", pure=True)
    reader.Parser = _PlainParser
    try:
        node = reader.compose(text)
        if not isinstance(node, _NODES[kind]):
            what = "is empty" if node is None else _WANTED[kind]
            raise InputError(what, file=file, line=1)
        builder = _Builder(reader)
        values = builder.value(node, ())
        return Document(file, json.dumps(values), values, builder.lines)
    except _RefusedError as refused:
        raise InputError(refused.message, file=file, line=refused.line) from None
    except MarkedYAMLError as error:
        line, reason = _plainly(error)
        raise InputError(f"is not YAML: {reason}", file=file, line=line) from None
    except (YAMLError, ValueError) as error:
        raise InputError(f"is not YAML: {error!s}", file=file) from None


FAULTS = (
    ("found unexpected end of stream", True, "the quote that opens here is not closed"),
    ("expected ',' or ']'", True, "the [ that opens here is not closed"),
    ("expected ',' or '}'", True, "the { that opens here is not closed"),
    (r"character '\t' that cannot start", False, "a tab; indent with spaces"),
    ("that cannot start any token", False, "a sign of YAML's begins a value; put it in quotes"),
    (
        "mapping values are not allowed here",
        False,
        "a `:` inside a value, which has to be in quotes, or a wrong indentation",
    ),
    (
        "found '<scalar>'",
        False,
        "a value goes on behind its closing quote; write a quote inside a quote twice",
    ),
    ("expected <block end>", False, "this line is indented otherwise than those it belongs to"),
    ("could not find expected ':'", True, "this line is neither `field: value` nor `- value`"),
    ("sequence entries are not allowed here", False, "a list begins on a line of its own"),
    ("found another document", False, "`---` begins a second document; one file, one document"),
)
"""What the reader says, whether the fault is where the part begins, and what it means."""


def _plainly(error: MarkedYAMLError) -> tuple[int | None, str]:
    """The line of a fault, and what it is."""
    said = error.problem or ""
    for words, at_beginning, meaning in FAULTS:
        if words in said:
            mark = error.context_mark if at_beginning else error.problem_mark
            return (mark.line + 1 if mark else None), meaning
    mark = error.problem_mark or error.context_mark
    reason = ": ".join(filter(None, (error.context, error.problem)))
    return (mark.line + 1 if mark else None), reason


def read_bytes(file: Path) -> bytes:
    """A file that is no larger than LARGEST. Raises InputError."""
    try:
        if file.is_dir():
            raise InputError("is a folder; name the file in it", file=file)
        if not regular(file).is_file():
            raise InputError("there is no such file", file=file)
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", file=file) from None
    if len(data) > LARGEST:
        raise InputError(f"is larger than {LARGEST // 1000:,} kB, the most that is read", file=file)
    return data


def decode(file: Path, data: bytes) -> str:
    """The text of a file that is UTF-8 without control characters. Raises InputError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8; save it as UTF-8", file=file, line=line) from None
    for number, line_text in enumerate(text.split("\n"), 1):
        if any(map(_control, line_text)):
            raise InputError("a control character; take it out", file=file, line=number)
    return text


def _control(character: str) -> bool:
    return character not in "\t\n\r" and unicodedata.category(character) in {"Cc", "Cs"}


class _RefusedError(Exception):
    def __init__(self, message: str, node: Node | NodeEvent) -> None:
        self.message = message
        self.line: int = node.start_mark.line + 1


class _PlainParser(Parser):
    """YAML without what makes a small file costly: aliases, depth and numbers."""

    depth = 0
    values = 0

    def get_event(self) -> Any:
        event = super().get_event()
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _RefusedError("anchors and aliases (& and *) are not allowed", event)
        if isinstance(event, CollectionStartEvent):
            self.depth += 1
        elif isinstance(event, CollectionEndEvent):
            self.depth -= 1
        self.values += isinstance(event, NodeEvent)
        if self.values > MOST_VALUES:
            raise _RefusedError(f"more than {MOST_VALUES:,} values, the most that is read", event)
        if self.depth > DEEPEST:
            raise _RefusedError(f"more than {DEEPEST} values inside each other", event)
        return event


class _Builder:
    """Makes plain values of nodes and remembers their lines."""

    def __init__(self, reader: YAML) -> None:
        self.reader = reader
        self.lines: dict[FieldPath, int] = {}

    def value(self, node: Node, path: FieldPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return {key: self.value(value, (*path, key)) for key, value in self.pairs(node, path)}
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(one, (*path, at)) for at, one in enumerate(node.value)]
        if isinstance(node, ScalarNode) and str(node.tag).removeprefix(_TAG) in _SCALARS:
            return self.scalar(node)
        raise _RefusedError(f"the tag {node.tag} is not allowed", node)

    def pairs(self, node: MappingNode, path: FieldPath) -> Iterator[tuple[str, Node]]:
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise _RefusedError("a field's name must be a word", key)
            name = self.text(key)
            if first := self.lines.get((*path, name)):
                message = f"'{name}' stands here twice, first in line {first}"
                raise _RefusedError(message, key)
            self.lines[*path, name] = key.start_mark.line + 1
            yield name, value

    def scalar(self, node: ScalarNode) -> Any:
        text = self.text(node)
        if node.tag in {f"{_TAG}str", f"{_TAG}timestamp"}:
            return text
        try:
            return self.reader.constructor.construct_object(node)
        except ValueError:
            raise _RefusedError(f"'{text[:40]}' is not a number", node) from None

    def text(self, node: ScalarNode) -> str:
        text: str = node.value
        if any(map(_control, text)):
            raise _RefusedError("a control character; take it out", node)
        return text
