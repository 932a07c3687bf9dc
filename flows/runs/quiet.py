"""A log that says what becomes of stories, without Prefect's line for each finished step."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


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
