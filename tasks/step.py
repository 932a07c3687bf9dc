"""What all steps have in common."""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.utilities.annotations import opaque

from tasks.llm.prompt import Prompt

T = TypeVar("T")

GIVEN = {"client", "sandbox", "world", "brief", "prompt_for"}
"""Parameters that are the same for all steps of a story in a run, whose `label` names it."""


def whole(value: T) -> T:
    """A parameter in which Prefect does not look for futures, value by value: in a world that took
    two fifths of a run's CPU."""
    return cast(T, opaque(value))


def _key(context: TaskRunContext, parameters: Mapping[str, Any]) -> str:
    """SHA-256 of the run, the step and its own parameters. Prefect's policy of inputs hashes all
    of them, which took a tenth of a run's CPU."""
    own = {
        # What a prompt was rendered from shows in its text.
        name: replace(value, variables={}) if isinstance(value, Prompt) else value
        for name, value in parameters.items()
        if name not in GIVEN
    }
    step = (str(context.task_run.flow_run_id), context.task.task_key)
    return hashlib.sha256(pickle.dumps((step, own))).hexdigest()


CACHE_POLICY = CacheKeyFnPolicy(cache_key_fn=_key)
"""How every step's result is kept: a resumed run does not do a finished step again."""
