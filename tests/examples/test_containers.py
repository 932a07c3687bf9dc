"""The examples that run Talewright on machines: each is read by the tool it is for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kubernetes_validate.utils import validate
from ruamel.yaml import YAML

from tasks.core.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPOSE = EXAMPLES / "many-machines" / "compose.yaml"


def compose() -> list[str]:
    """The command of Docker Compose, of either generation; skips where there is none."""
    if (
        shutil.which("docker")
        and not subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False
        ).returncode
    ):
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("Docker Compose is not installed")


def test_compose_reads_its_file() -> None:
    environment = os.environ | {"POSTGRES_PASSWORD": "x"}
    read = subprocess.run(
        [*compose(), "-f", str(COMPOSE), "config", "-q"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr


def test_compose_passes_every_setting_to_the_workers() -> None:
    worker = YAML(typ="safe").load(COMPOSE.read_text())["services"]["worker"]
    own = {"talewright_home"}  # inside the container
    assert {name.upper() for name in Settings.model_fields.keys() - own} <= worker[
        "environment"
    ].keys()


@pytest.mark.parametrize("name", ["talewright.yaml", "deploy.yaml"])
def test_kubernetes_knows_every_field(name: str) -> None:
    documents = list(YAML(typ="safe").load_all((EXAMPLES / "kubernetes" / name).read_text()))
    assert documents
    for document in documents:
        validate(document, "1.31", strict=True)


@pytest.mark.parametrize("name", ["talewright-server.service", "talewright-worker.service"])
def test_systemd_knows_every_line(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    for unit in (EXAMPLES / "one-machine").glob("*.service"):
        text = unit.read_text().replace("/srv/talewright/.venv/bin/", "/bin/")
        # Programs that are here in place of those that the unit will find.
        text = text.replace("/bin/prefect", "/bin/true").replace("=/bin/talewright", "=/bin/true")
        (tmp_path / unit.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert name not in checked.stderr
