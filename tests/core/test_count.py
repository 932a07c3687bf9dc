"""Numbers have the right noun."""

import pytest

from tasks.core.count import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 branches"), (1, "1 branch"), (1000, "1,000 branches")]
)
def test_one_is_singular_and_all_others_are_plural(number: int, text: str) -> None:
    assert counted(number, "branch", "branches") == text
