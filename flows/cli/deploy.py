"""`talewright deploy` and `talewright worker`: scheduled runs on a Prefect server."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasks.core.errors import UserError
from tasks.core.scrub import without_user
from tasks.core.settings import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

PLACES = (Path(__file__).parents[2] / "prefect.yaml", Path(__file__).parents[1] / "prefect.yaml")
"""Where the deployments are described: in a clone, and in an installed package."""

POOL = "talewright"


def deploy(
    run: Annotated[
        str, typer.Option(metavar="FLOW/DEPLOYMENT", help="Start this one once, now.")
    ] = "",
) -> None:
    """Set up scheduled runs: the work pool, the rate limits, a Secret block for each key that is
    set here, and every deployment of prefect.yaml.

    Uses the server in PREFECT_API_URL, or one on this machine. Can be run again at any time: what
    is there is updated. Then start a worker, and the stories are written on schedule, below the
    folder in which this was run.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.runs.server import ensure_server

    api_url = ensure_server(lambda line: typer.echo(line, err=True))
    with temporary_settings({PREFECT_API_URL: api_url}):
        asyncio.run(_make_pool())
        _deploy_all(api_url)
        asyncio.run(_finish(Settings(), run))
    typer.echo(f"In the UI: {without_user(api_url).removesuffix('/api')}/deployments")
    typer.echo(f"`{sys.argv[0]} worker` runs what is due.")


def worker(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Runs at the same time, at most.")
    ] = None,
) -> None:
    """Run what is due on this machine, until Ctrl-C: a Prefect worker for the deployments.

    Uses the server in PREFECT_API_URL, or one on this machine, which is started if it is not
    running.
    """
    from flows.runs.server import ensure_server

    environment = os.environ | {
        "PREFECT_API_URL": ensure_server(lambda line: typer.echo(line, err=True)),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",  # its log is all that a worker shows
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    command += ["--limit", str(limit)] if limit else []
    # Prefect's worker ends on SIGINT, also where it was sent SIGTERM; a shell ignores SIGINT for
    # what it starts in the background.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(sys.executable, command, environment)  # noqa: S606


async def _make_pool() -> None:
    """The work pool, if the server has none of this name: one that is there may be of another
    type."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(
                WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template)
            )


def _deploy_all(api_url: str) -> None:
    """What Prefect's own command prints is shown only if it fails."""
    described = next(place for place in PLACES if place.is_file())
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    command += ["--prefect-file", str(described)]
    environment = os.environ | {"PREFECT_API_URL": api_url}
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`prefect deploy --all` failed:\n{done.stdout}{done.stderr}")


async def _finish(settings: Settings, run: str) -> None:
    """Save the keys, set the limits, say what is deployed, and start one deployment if named."""
    from prefect.client.orchestration import get_client

    from flows.runs.alive import watch_runs
    from flows.runs.keys import save_keys
    from tasks.llm.chain import providers
    from tasks.llm.limits.shared_limits import SharedLimits

    for name in await save_keys(settings):
        typer.echo(f"Secret block {name}: saved")
    if await watch_runs():
        typer.echo("Automation: a run whose worker dies is marked as crashed")
    async with get_client() as client:
        for provider in providers(settings):
            async with SharedLimits(client, settings, provider).open() as limits:
                for name in limits.names:
                    typer.echo(f"Concurrency limit {name}: set")
            await provider.close()
        await _say_deployed(client)
    if run:
        await _start(run)


async def _say_deployed(client: "PrefectClient") -> None:
    """One line a deployment."""
    from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName

    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    for deployment in await client.read_deployments(work_pool_filter=pool):
        flow = await client.read_flow(deployment.flow_id)
        active = any(schedule.active for schedule in deployment.schedules)
        paused = "its schedule is paused" if deployment.schedules else "has no schedule"
        name = f"{flow.name}/{deployment.name}"
        typer.echo(f"Deployment {name}: {'runs on schedule' if active else paused}")


async def _start(name: str) -> None:
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound
    from prefect.utilities.urls import url_for

    try:
        run = await run_deployment(name, timeout=0)  # type: ignore[misc]
    except (ObjectNotFound, ValueError):
        raise UserError(f"There is no deployment {name} to run.") from None
    typer.echo(f"Run of {name}: {without_user(url_for('flow-run', obj_id=run.id) or '')}")
