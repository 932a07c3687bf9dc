"""Code in prose: the Markdown fences a model writes, well-formed or not."""

import ast
import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.story.code import Snippet

_PYTHON = re.compile(r"^\{?\.?(python[23]?(\.\d+)?|py[23]?|pycon)\b", re.IGNORECASE)
_OUTPUT = re.compile(r"^\{?\.?(output|stdout)\b", re.IGNORECASE)
_NESTED = {"", "markdown", "md", "text"}
_STATED = re.compile(r"^#\s*(?:expected output|output|prints)\s*:\s*(.*)$", re.IGNORECASE)
_FENCE = re.compile(r"^(\s*)(`{3,}+|~{3,}+)\s*+([^`]*)$")
_TAG = re.compile(r"^(\{[^}]*\}|[\w.+#:-]+)(\s+\w+=.*|\s*\{.*\})?$")
_GLUED = re.compile(r"^([^`]*[^`\s])\s*(`{3,})\s*$")
_ESCAPED = re.compile(r"(?:^|\\n)\s*```[^`]*?\\n")
_ESCAPE = re.compile(r'\\([nt"\\])')
_ESCAPE_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\\(?P<escape>[nt])')
_DECODED = {"n": "\n", "t": "\t"}
Lines = list[tuple[int, str]]
"""Lines with their numbers in the text as it came; several may stand on one line there."""

_NOWHERE = 0
"""The number of a line that is not in the text: the closing fence a model forgot."""

TRIES = 50
"""Times a block that never ends is cut and tried as Python. Each time may take 10 ms, in which
nothing else of the run goes on."""

_REAL = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.With,
    ast.If,
    ast.Try,
    ast.Match,
)


def find_code(text: str) -> list[Snippet]:
    """The Python snippets of a text, in order, with the output stated for each.

    Lines count from 1 in the text as it came, and include the fences. A block without a tag counts
    only if it is Python with at least one real statement; a block that never ends only as far as
    it is Python.
    """
    return list(_snippets(enumerate(text.replace("\r\n", "\n").split("\n"), 1)))


def _snippets(numbered: Iterable[tuple[int, str]]) -> Iterator[Snippet]:
    lines = list(_with_whole_fences(_decoded(numbered)))
    tokens = MarkdownIt().parse("\n".join(line for _, line in lines))
    fences = [token for token in tokens if token.type == "fence" and token.map]
    output: Token | None = None
    for token, following in zip(fences, [*fences, None][1:], strict=True):
        start, end = token.map or (0, 0)
        tag = token.info.strip()
        if token is output:
            continue
        if tag.lower() in _NESTED and any(map(_FENCE.match, token.content.split("\n"))):
            numbers = (number for number, _ in lines[start + 1 :])
            yield from _snippets(zip(numbers, token.content.split("\n"), strict=False))
            continue
        code = token.content
        if not _is_closed(lines, token, end):
            code = _python_prefix(code)
            end = start + 1 + code.count("\n")
        if not code.strip():
            continue
        if _PYTHON.match(tag) or (not tag and _statements(code)):
            output = following if _states_output(following, lines, end) else None
            yield Snippet(
                code=_without_prompts(code),
                first_line=lines[start][0],
                last_line=lines[end - 1][0],
                expected_output=output.content if output else _stated(code),
            )


def _decoded(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """A line that opens a block with an escaped newline holds several: a model sometimes sends
    its newlines escaped twice. In a block that is open already it is a string of the code."""
    opened = ""
    for number, line in numbered:
        fence = _FENCE.match(line)
        if opened and ((fence and fence[2].startswith(opened)) or _GLUED.match(line)):
            # A fence with a tag begins the next block: the one before it was never closed.
            opened = fence[2] if fence and fence[3].strip() else ""
            yield number, line
        elif not opened and _ESCAPED.search(line):
            parts = line.split("```")
            parts = [_unescaped(part, is_code=i % 2 == 1) for i, part in enumerate(parts)]
            for part in "```".join(parts).split("\n"):
                yield number, part
        else:
            opened = opened or (fence[2] if fence else "")
            yield number, line


def _unescaped(text: str, *, is_code: bool) -> str:
    """Everything unescaped as JSON is; or, if only then code is Python, all but its strings."""
    whole = _ESCAPE.sub(lambda found: _DECODED.get(found[1], found[1]), text)
    outside = _ESCAPE_OR_STRING.sub(lambda found: _DECODED.get(found["escape"], found[0]), text)
    codes = [decoded.partition("\n")[2] for decoded in (whole, outside)]
    return (
        outside if is_code and [_parsed(code) is None for code in codes] == [True, False] else whole
    )


def _with_whole_fences(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Every closing fence on a line of its own: behind code, before prose, or forgotten."""
    opened: re.Match[str] | None = None
    for number, line in numbered:
        fence = _FENCE.match(line)
        if opened is None:
            opened = fence
            yield number, line
            continue
        closing = opened[1] + opened[2]
        if fence and fence[2].startswith(opened[2]) and len(fence[1]) <= len(opened[1]) + 3:
            if not fence[3].strip():
                opened = None
                yield number, line
            elif _TAG.match(fence[3].strip()):
                yield _NOWHERE, closing
                opened = fence
                yield number, line
            else:
                opened = None
                yield number, closing
                yield number, fence[3]
        elif (glued := _GLUED.match(line)) and glued[2] == opened[2]:
            opened = None
            yield number, glued[1]
            yield number, closing
        else:
            yield number, line


def _is_closed(lines: Lines, token: Token, end: int) -> bool:
    number, line = lines[end - 1]
    return number != _NOWHERE and line.strip(" >").startswith(token.markup)


def _python_prefix(code: str) -> str:
    """As much of a block that never ends as is Python, up to its last real statement."""
    lines = code.split("\n")
    for _ in range(TRIES):
        try:
            parsed = ast.parse("\n".join(lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            # No shorter block that still has the line of the error is Python either.
            wrong = error.lineno if isinstance(error, SyntaxError) else None
            lines = lines[: min(len(lines), wrong or len(lines)) - 1]
        else:
            real = [node for node in parsed.body if _is_real(node)]
            kept = "\n".join(lines[: real[-1].end_lineno]) if real else ""
            return kept.rstrip("\\") + "\n" if kept else ""  # of a line that would go on
    return ""


def _statements(code: str) -> list[ast.stmt]:
    """The statements that do something; none if it is no Python."""
    parsed = _parsed(code)
    return [node for node in parsed.body if _is_real(node)] if parsed else []


def _is_real(node: ast.stmt) -> bool:
    return isinstance(node, _REAL) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_prompts(code: str) -> str:
    """The program of an interactive session."""
    lines = code.split("\n")
    if not lines[0].startswith(">>> "):
        return code
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... "))) + "\n"


def _states_output(following: Token | None, lines: Lines, end: int) -> bool:
    """Whether the next block is tagged `output` and right below, one line of prose between."""
    if following is None or not following.map or not _OUTPUT.match(following.info.strip()):
        return False
    between = lines[end : following.map[0]]
    return sum(bool(line.strip()) for _, line in between) <= 1


def _stated(code: str) -> str | None:
    """The output that a comment at the end states, behind its colon or on lines of its own."""
    below: list[str] = []
    for line in reversed(code.rstrip().split("\n")):
        if found := _STATED.match(line):
            return (found[1] or "\n".join(reversed(below))) + "\n"
        if not line.startswith("#"):
            break
        below.append(line[1:].removeprefix(" "))
    return None
