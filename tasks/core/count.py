"""Numbers with their nouns."""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 scene`, `2 scenes`, `1,000 branches`; `many` where an s does not do."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
