"""A process that writes many stories: a log without a line a step, and few garbage collections."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLD = (20_000, 20, 20)
"""For gc.set_threshold. With Python's own a night of 100 stories stood still for a tenth of its
time, up to half a second at once, in which no call left."""


@contextmanager
def quiet_steps() -> Iterator[None]:
    """Log of task runs only what went wrong: that one has finished, its state says."""
    logger = logging.getLogger("prefect.task_runs")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage less often, and not among what is there at the beginning."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
