"""What all steps have in common."""

import hashlib
import pickle
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.utilities.annotations import opaque

T = TypeVar("T")

GIVEN = {"client", "sandbox", "prompt_for"}
"""Parameters that are the same for all steps of a story in a run, whose `label` names it."""


def whole(value: T) -> T:
    """A parameter in which Prefect does not look for futures, value by value: in a world that took
    two fifths of a run's CPU."""
    return cast(T, opaque(value))


def _key(context: TaskRunContext, parameters: Mapping[str, Any]) -> str:
    """SHA-256 of the run, the step and its own parameters."""
    own = {name: value for name, value in parameters.items() if name not in GIVEN}
    step = (str(context.task_run.flow_run_id), context.task.task_key)
    return hashlib.sha256(pickle.dumps((step, own))).hexdigest()


CACHE_POLICY = CacheKeyFnPolicy(cache_key_fn=_key)
"""How the results of steps with code are kept: a resumed run does not pay a sandbox again. Answers
of models are in the ledger, and all else is computed from them."""
