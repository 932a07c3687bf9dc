"""`talewright deploy` and `talewright worker`: scheduled runs on a Prefect server."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from tasks.settings import Settings

PROJECT = Path(__file__).parents[2]
POOL = "talewright"


def deploy(
    run: Annotated[
        str, typer.Option(metavar="FLOW/DEPLOYMENT", help="Start this one once, now.")
    ] = "",
) -> None:
    """Set up scheduled runs: the work pool, the rate limits, a Secret block for each key that is
    set here, and every deployment of prefect.yaml.

    Uses the server in PREFECT_API_URL, or one on this machine. Can be run again at any time: what
    is there is updated. Then start a worker, and the stories are written on schedule.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.server import ensure_server

    api_url = ensure_server(lambda line: typer.echo(line, err=True))
    environment = os.environ | {"PREFECT_API_URL": api_url}
    _prefect(environment, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    with temporary_settings({PREFECT_API_URL: api_url}):
        asyncio.run(_prepare(Settings()))
    _prefect(environment, "--no-prompt", "deploy", "--all")
    if run:
        _prefect(environment, "deployment", "run", run)
    typer.echo(f"\nDeployed to {api_url.removesuffix('/api')}/deployments.")
    typer.echo(f"`{sys.argv[0]} worker` runs what is due.")


def worker() -> None:
    """Run what is due on this machine, until Ctrl-C: a Prefect worker for the deployments.

    Uses the server in PREFECT_API_URL, or one on this machine, which is started if it is not
    running.
    """
    from flows.server import ensure_server

    environment = os.environ | {
        "PREFECT_API_URL": ensure_server(lambda line: typer.echo(line, err=True)),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",  # its log is all that a worker shows
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    os.execve(sys.executable, command, environment)  # noqa: S606


async def _prepare(settings: Settings) -> None:
    """The keys and limits of these settings, on the server."""
    from prefect.client.orchestration import get_client

    from flows.secrets import save_keys
    from tasks.llm.chain import providers
    from tasks.llm.shared_limits import SharedLimits

    for name in await save_keys(settings):
        typer.echo(f"Secret block {name}: saved")
    async with get_client() as client:
        for provider in providers(settings):
            async with SharedLimits(client, settings, provider).open() as limits:
                for name in limits.names:
                    typer.echo(f"Concurrency limit {name}: set")
            await provider.close()


def _prefect(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise typer.Exit(done.returncode)
