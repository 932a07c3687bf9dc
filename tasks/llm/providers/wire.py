"""Values out of JSON from a server, whatever it has put there."""

import math
from collections.abc import Mapping
from typing import Any


def count(value: object) -> int | None:
    """A count of tokens, a fraction rounded up; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return math.ceil(number) if math.isfinite(number) else None


def obj(value: object) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def string(value: object) -> str:
    """A string, or an empty one."""
    return value if isinstance(value, str) else ""
