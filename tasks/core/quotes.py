"""Whether words a model calls a quotation stand in the text it quotes."""

import unicodedata

SHORTEST = 8
"""Characters a quotation needs to prove anything."""

_MARKS = str.maketrans("\u2019\u2018`“”«»\u2013—", '\'\'\'""""--')


def fold(text: str) -> str:
    """Text with compatibility forms, case, quote marks and spaces made alike."""
    plain = unicodedata.normalize("NFKC", text).translate(_MARKS).casefold()
    return " ".join(plain.split())


def grounded(quote: str, source: str) -> bool:
    """Whether a quotation of at least eight characters stands in its source, folded alike."""
    words = fold(quote).strip("\"' ")
    return len(words) >= SHORTEST and words in fold(source)
