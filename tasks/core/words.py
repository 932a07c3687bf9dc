"""The words, sentences and paragraphs of a text, without its blocks of code."""

import re

_CODE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"\u201d\u2019)])\s+|\n{2,}")

_JOINING = (
    "a about after again all also an and any are as at be because been before being both but by "
    "can could did do does for from had has have he her here hers him his how i if in into is it "
    "its just may me might more most must my no nor not of off on once only or other our out over "
    "own shall she should so some such than that the their them then there these they this those "
    "through to too under until up upon us very was we were what when where which while who whom "
    "whose why will with would you your yours"
)
FUNCTION_WORDS = frozenset(_JOINING.split())
"""English words that only join or point to others."""


def words(text: str) -> list[str]:
    """Its words in lower case, in order."""
    return _WORD.findall(text.casefold())


def sentences(text: str) -> list[str]:
    """Its sentences in order."""
    return [s.strip() for s in _BREAK.split(_CODE.sub(" ", text)) if s.strip()]


def paragraphs(text: str) -> list[str]:
    """Its paragraphs in order."""
    return [p.strip() for p in re.split(r"\n\s*\n", _CODE.sub(" ", text)) if p.strip()]
