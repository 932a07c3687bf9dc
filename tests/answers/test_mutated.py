"""Whatever a provider answers: it is in the books, and the run goes on."""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.answers.mutated import KINDS, answers, outcome
from tests.emulators.http import Answer

AT_ONCE = 30


@pytest.mark.filterwarnings("ignore")  # of the SDKs, about what they cannot read
@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_ends_a_run_or_escapes_the_books(kind: str) -> None:
    @settings(
        max_examples=3,
        phases=[Phase.generate],  # what fails is seen as well without being made smaller
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(answers(kind), min_size=AT_ONCE, max_size=AT_ONCE))
    def hold(spoilt: list[Answer]) -> None:
        came = asyncio.run(outcome(kind, spoilt))
        assert came.broken == []
        assert came.given_up == []
        assert came.in_flight == 0
        assert came.booked >= came.billed

    hold()
