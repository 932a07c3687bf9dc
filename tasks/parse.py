"""Parse an answer, and ask again for what was wrong with it."""

from tasks.parsing import Parsed, parse

__all__ = ["Parsed", "parse"]
