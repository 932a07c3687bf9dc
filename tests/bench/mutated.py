"""What runs make of 2,000 mutated answers over HTTP: `python -m tests.bench.mutated [answers]`.

A quarter goes to each of both Gemini SDKs, Claude and OpenAI. A run may give its scene up; it may
not break, leave a call in flight, or book less than the server bills.
"""

import asyncio
import sys
import warnings

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.answers.mutated import KINDS, answers, outcome
from tests.emulators.http import Answer

AT_ONCE = 25


def main(total: int) -> None:
    """Generate, run and count."""
    warnings.simplefilter("ignore")
    for kind in KINDS:
        batches: list[list[Answer]] = []

        @seed(7)
        @settings(
            max_examples=total // len(KINDS) // AT_ONCE + 1,  # the first is of good answers
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(answers(kind), min_size=AT_ONCE, max_size=AT_ONCE))
        def gather(spoilt: list[Answer]) -> None:
            batches.append(spoilt)  # noqa: B023 - called at once

        gather()
        came = [asyncio.run(outcome(kind, batch)) for batch in batches[1:]]
        broken = [one for each in came for one in each.broken]
        print(
            f"{kind:7} {AT_ONCE * len(came)} runs: {sum(one.kept for one in came)} scenes,"
            f" {sum(len(one.given_up) for one in came)} given up, {len(broken)} broken,"
            f" {sum(one.in_flight for one in came)} in flight; booked"
            f" ${sum(one.booked for one in came):.4f}, billed"
            f" ${sum(one.billed for one in came):.4f},"
            f" less than billed in {sum(one.booked < one.billed for one in came)} of {len(came)}"
        )
        print(*broken[:5], sep="\n", end="")


if __name__ == "__main__":
    main(int([*sys.argv[1:], "2000"][0]))
