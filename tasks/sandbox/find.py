"""Code in prose: the Markdown fences a model writes, well-formed or not."""

import ast
import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.story.code import Snippet

_PYTHON = re.compile(r"^\{?\.?(python[23]?(\.\d+)?|py[23]?|pycon)\b", re.IGNORECASE)
_OUTPUT = re.compile(r"^\{?\.?(output|stdout|console)\b", re.IGNORECASE)
_NESTED = {"", "markdown", "md", "text"}
_STATED = re.compile(r"^\s*#\s*(?:expected output|output|prints)\s*:\s*(.+?)\s*$", re.IGNORECASE)
_GLUED = re.compile(r"^(?!\s*```)(.*\S)\s*```\s*$")
_ESCAPED = re.compile(r"```[\w{}. =\"-]*\\n")
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

    Lines count from 1 and include the fences. A block without a tag counts only if it is Python
    with at least one real statement; a block that never ends only as far as it is Python.
    """
    if _ESCAPED.search(text):
        # A model sometimes sends its newlines escaped twice.
        text = text.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t")
    return list(_snippets(_unglued(text), first_line=0))


def _unglued(text: str) -> str:
    """Put a closing fence that stands behind code on a line of its own; line numbers shift only
    below it, by one."""
    inside = False
    lines: list[str] = []
    for line in text.split("\n"):
        glued = _GLUED.match(line) if inside else None
        if glued:
            lines += [glued[1], "```"]
            inside = False
            continue
        if line.lstrip().startswith("```"):
            inside = not inside
        lines.append(line)
    return "\n".join(lines)


def _snippets(text: str, first_line: int) -> Iterator[Snippet]:
    lines = text.split("\n")
    fences = [token for token in MarkdownIt().parse(text) if token.type == "fence" and token.map]
    for token, following in zip(fences, [*fences, None][1:], strict=True):
        start, end = token.map or (0, 0)
        tag = token.info.strip()
        if tag.lower() in _NESTED and "```" in token.content:
            yield from _snippets(token.content, first_line + start + 1)
            continue
        code = token.content
        if not _is_closed(lines, token, end):
            code = _python_prefix(code)
        if not code.strip():
            continue
        if _PYTHON.match(tag) or (not tag and _has_statement(code)):
            yield Snippet(
                code=_without_prompts(code),
                first_line=first_line + start + 1,
                last_line=first_line + min(end, start + 2 + code.count("\n")),
                expected_output=_expected(code, following, lines, end),
            )


def _is_closed(lines: list[str], token: Token, end: int) -> bool:
    return end <= len(lines) and lines[end - 1].strip().startswith(token.markup)


def _python_prefix(code: str) -> str:
    """As much of a block that never ends as is Python with a real statement."""
    lines = code.split("\n")
    for length in range(len(lines), 0, -1):
        prefix = "\n".join(lines[:length])
        if _has_statement(prefix):
            return prefix
    return ""


def _has_statement(code: str) -> bool:
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        isinstance(node, _REAL) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in body
    )


def _without_prompts(code: str) -> str:
    """The program of an interactive session."""
    lines = code.split("\n")
    if not lines[0].startswith(">>> "):
        return code
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... "))) + "\n"


def _expected(code: str, following: Token | None, lines: list[str], end: int) -> str | None:
    """The output the story states: a block tagged `output` right below, or a closing comment."""
    if following is not None and following.map and _OUTPUT.match(following.info.strip()):
        between = lines[end : following.map[0]]
        if sum(bool(line.strip()) for line in between) <= 1:
            return following.content
    stated = _STATED.match(code.rstrip().split("\n")[-1])
    return stated[1] + "\n" if stated else None
