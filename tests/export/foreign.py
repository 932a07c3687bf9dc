"""Tools for exports that nobody here wrote, from npm, installed once into the user's cache."""

import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "js"


@cache
def modules() -> Path:
    """A folder with our scripts and node_modules; skips the test where npm cannot make it."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    wanted = hashlib.sha256((SOURCE / "package.json").read_bytes()).hexdigest()[:12]
    folder = Path("~/.cache/talewright-tests").expanduser() / wanted
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "package.json", folder)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        if done.returncode:
            pytest.skip(f"npm install failed: {done.stderr.strip()[-300:]}")
        (folder / "installed").touch()
    shutil.copy(SOURCE / "read.mjs", folder)
    return folder


def read(folder: Path) -> dict[str, Any]:
    """What the tools made of every export below `folder`, by its path there."""
    command = ["node", str(modules() / "read.mjs"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    return {
        str(file.relative_to(folder)).removesuffix(".json"): json.loads(file.read_text("utf-8"))
        for file in folder.rglob("*.*.json")
    }
