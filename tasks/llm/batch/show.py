"""Where a person sees how a batch job stands: the run's log and an artifact in the UI."""

from datetime import UTC, datetime, timedelta

from prefect.artifacts import acreate_markdown_artifact
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError

from tasks.core.count import counted
from tasks.core.markdown import escape
from tasks.core.run_log import logger
from tasks.ledger.ledger import Ledger
from tasks.llm.batch.jobs import Job, usual_seconds


async def show(ledger: Ledger, job: Job, ended: str = "") -> None:
    """Say how a job stands, and when it may be over."""
    calls = counted(job.calls, "call")
    line = f"Batch job {job.name}: {calls} to {job.model}, {ended or 'under way'}."
    if not ended:
        line += f" {await _expected(ledger, job)}"
    else:
        line += f" It took {_span((datetime.now(UTC) - job.at).total_seconds())}."
    logger().info(line)
    try:
        get_run_context()
    except MissingContextError:
        return
    await acreate_markdown_artifact(
        f"{escape(line)}\n\nSubmitted {job.at:%Y-%m-%d %H:%M:%S} UTC, "
        f"at the provider it is `{job.remote}`.",
        key="batch-job",
        description=f"{counted(job.calls, 'call')}, {ended or 'under way'}",
    )


async def _expected(ledger: Ledger, job: Job) -> str:
    seconds = await usual_seconds(ledger, job.provider, job.model)
    if seconds is None:
        return "The answers come within a day, and mostly much sooner."
    return f"The answers are expected about {job.at + timedelta(seconds=seconds):%H:%M} UTC."


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
