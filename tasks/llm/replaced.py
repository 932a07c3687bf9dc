"""Say that a provider of the chain is lost, and that the next one answers in its place."""

from prefect.events import emit_event

from tasks.calls.errors import LLMError, QuotaGone, TryLater, Unreachable
from tasks.core.run_log import logger

LOST = (TryLater, Unreachable, QuotaGone)
"""Errors after which a provider is lost for a while. Others are about one answer alone."""


def say_replaced(run_id: str, error: LLMError, by: str) -> None:
    """A line in the run's log, and the event talewright.provider-replaced for automations."""
    logger().warning("%s is lost, %s answers in its place: %s", error.provider, by, error)
    emit_event(
        event="talewright.provider-replaced",
        resource={
            "prefect.resource.id": f"talewright.run.{run_id}",
            "prefect.resource.name": f"run {run_id}",
        },
        payload={"reason": str(error), "provider": error.provider, "by": by},
    )
