"""Outside text inside a prompt: as data, between marks it cannot contain."""

import hashlib
import re

_NOT_A_NAME = re.compile(r"[^\w .-]")
_WORD = re.compile(r"[\w.-]{1,64}")


def fence(text: object, name: str = "text") -> str:
    """`text` between marks made from its own hash, the same in every run so that prompts stay
    cacheable. Whatever it says, it cannot close its fence: a mark it holds is never used."""
    body = str(text).strip()
    name = _NOT_A_NAME.sub("", name)[:40]
    mark = _digest(body)
    while mark in body:
        mark = _digest(mark + body)
    return f"<data {name} {mark}>\n{body}\n</data {name} {mark}>"


def word(text: object) -> str:
    """An id or another single word, as it is. Raises ValueError for anything longer, which belongs
    into a fence."""
    if not _WORD.fullmatch(str(text)):
        raise ValueError(f"{str(text)[:40]!r} is not a single word; put it through `fence`")
    return str(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:10]
