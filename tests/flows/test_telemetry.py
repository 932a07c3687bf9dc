"""OpenTelemetry: traces and metrics reach a collector, without keys, prompts or answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.emulators.http import Answer, HttpServer, Request


class Collector(HttpServer):
    def __init__(self) -> None:
        super().__init__()
        self.got: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Answer:
        self.got[request.path] = self.got.get(request.path, b"") + request.body
        return Answer()


@pytest.mark.usefixtures("prefect_server")
def test_a_collector_gets_traces_and_metrics(tmp_path: Path) -> None:
    with GeminiServer() as gemini, Collector() as collector:
        environment = os.environ | {
            "GEMINI_API_KEY": CANARY,
            "GEMINI_BASE_URL": gemini.url,
            "TALEWRIGHT_HOME": str(tmp_path / "home"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        command = [sys.executable, "-m", "flows.cli", "write", "--depth", "0", "--sandbox", "none"]
        subprocess.run([*command, "--out", str(tmp_path)], env=environment, check=True)
    traces, metrics = collector.got["/v1/traces"], collector.got["/v1/metrics"]
    for name in (b"chat gemini-2.5-flash", b"gcp.gemini", b"talewright.scene", b"last-ferry-1"):
        assert name in traces
    for name in (b"gen_ai.client.token.usage", b"talewright.cost", b"talewright.wait"):
        assert name in metrics
    sent = traces + metrics
    assert CANARY.encode() not in sent
    assert b"Ines" not in sent
