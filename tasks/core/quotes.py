"""Whether words a model calls a quotation stand in the text it quotes, and prove anything."""

import re
import unicodedata

from tasks.core.words import FUNCTION_WORDS

SHORTEST = 8
"""Characters a quotation needs to be recognised."""
CONTENT = 2
"""Words a quotation needs, beside those that only join others, to carry a claim."""

_MARKS = str.maketrans("\u2019\u2018`“”«»\u2013—", '\'\'\'""""--')
_PARAGRAPH = re.compile(r"\n\s*\n")
_TITLE = re.compile(r"\b(?:mr|mrs|ms|dr|st|sgt|capt|col|gen|prof|rev|lt|no|[a-z])\.$")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_STOP = re.compile(r"[.!?…]\s+(?=\S)")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Letters of scripts that put no space between words."""


def fold(text: str) -> str:
    """Text with compatibility forms, case, quote marks and spaces made alike."""
    plain = unicodedata.normalize("NFKC", text).translate(_MARKS).casefold()
    return " ".join(plain.split())


def grounded(quote: str, source: str) -> bool:
    """Whether a quotation of at least eight characters stands in its source, folded alike, and
    begins and ends with whole words."""
    said = _bare(quote)
    return len(said) >= SHORTEST and _stands(said, fold(source))


def proves(quote: str, source: str) -> bool:
    """Whether a quotation can prove something: whole words of one sentence, within one paragraph,
    at least two of which say more than "the" or "with"."""
    said = _bare(quote)
    return (
        _carries(said)
        and not _spans(said)
        and any(_stands(said, fold(part)) for part in _PARAGRAPH.split(source))
    )


def content(text: str) -> set[str]:
    """The words of a text that say more than "the" or "with", folded."""
    return set(_WORD.findall(fold(text))) - FUNCTION_WORDS


def _bare(quote: str) -> str:
    return fold(quote).strip("\"' ").rstrip(".,;:")


def _stands(said: str, source: str) -> bool:
    """Whether whole words of the source are these."""
    first = r"(?<!\w)" if said[:1].isalnum() and not _UNSPACED.match(said[0]) else ""
    last = r"(?!\w)" if said[-1:].isalnum() and not _UNSPACED.match(said[-1]) else ""
    return re.search(f"{first}{re.escape(said)}{last}", source) is not None


def _carries(said: str) -> bool:
    if _UNSPACED.search(said):
        return len(said) >= SHORTEST // 2
    return len(content(said)) >= CONTENT


def _spans(said: str) -> bool:
    """Whether a sentence ends within these words; direct speech ends none."""
    return any(not _TITLE.search(said[: stop.start() + 1]) for stop in _STOP.finditer(said))
