"""How every step's result is kept: a resumed run does not do a finished step again."""

from prefect.cache_policies import INPUTS, RUN_ID, TASK_SOURCE

CACHE_POLICY = (INPUTS + TASK_SOURCE + RUN_ID) - "client" - "sandbox"
"""Open connections are parameters of a step, but not of its result."""
