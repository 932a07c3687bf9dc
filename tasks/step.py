"""What all steps have in common."""

from typing import TypeVar, cast

from prefect.cache_policies import INPUTS, RUN_ID, TASK_SOURCE
from prefect.utilities.annotations import opaque

T = TypeVar("T")

CACHE_POLICY = (INPUTS + TASK_SOURCE + RUN_ID) - "client" - "sandbox"
"""How every step's result is kept: a resumed run does not do a finished step again. Open
connections are parameters of a step, but not of its result."""


def whole(value: T) -> T:
    """A parameter in which Prefect does not look for futures, value by value: in a world that took
    two fifths of a run's CPU."""
    return cast(T, opaque(value))
