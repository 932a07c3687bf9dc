"""`talewright deploy`: work pool, limits and deployments on a Prefect server, in one go."""

import os
import subprocess
import sys
from pathlib import Path

import typer

PROJECT = Path(__file__).parents[2]
POOL = "talewright"


def deploy() -> None:
    """Set up scheduled runs: the work pool, the rate limits and every deployment of prefect.yaml.

    Uses the server in PREFECT_API_URL, or one on this machine. Can be run again at any time: what
    is there is updated. Then start a worker, and the stories are written on schedule.
    """
    from flows.server import ensure_server

    api_url = ensure_server(lambda line: typer.echo(line, err=True))
    environment = os.environ | {"PREFECT_API_URL": api_url}
    _prefect(environment, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    _prefect(environment, "--no-prompt", "deploy", "--all")
    typer.echo(f"\nDeployed to {api_url.removesuffix('/api')}/deployments. Start a worker with:")
    typer.echo(f"  PREFECT_API_URL={api_url} {sys.executable} -m prefect worker start -p {POOL}")


def _prefect(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise typer.Exit(done.returncode)
