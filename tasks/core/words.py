"""The words, sentences and paragraphs of a text, without its blocks of code."""

import re

_CODE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"\u201d\u2019)])\s+|\n{2,}")


def words(text: str) -> list[str]:
    """Its words in lower case, in order."""
    return _WORD.findall(text.casefold())


def sentences(text: str) -> list[str]:
    """Its sentences in order."""
    return [s.strip() for s in _BREAK.split(_CODE.sub(" ", text)) if s.strip()]


def paragraphs(text: str) -> list[str]:
    """Its paragraphs in order."""
    return [p.strip() for p in re.split(r"\n\s*\n", _CODE.sub(" ", text)) if p.strip()]
