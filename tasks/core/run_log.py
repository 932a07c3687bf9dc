"""The log of the Prefect run, if there is one."""

import logging

from prefect import get_run_logger
from prefect.exceptions import MissingContextError


def logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """The logger of the Prefect run, or a plain one outside of runs."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("talewright")
