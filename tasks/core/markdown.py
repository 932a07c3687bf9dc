"""Text of a model or a world in Markdown, as text: no links, no tags, no tables of its own."""

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$-])")

# What a bare address is known by. Broken here, for behind `://` a browser drops what breaks it.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)


def escape(text: str) -> str:
    """One line in which nothing is markup, and addresses have a space of no width in them."""
    return _SPECIAL.sub(r"\\\1", _ADDRESS.sub("\u200b", " ".join(text.split())))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown, so escape what comes from outside. Empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    # Names to the left, figures to the right.
    rule = "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"
    return "\n".join([f"| {' | '.join(head)} |", rule, *lines]) + "\n"
