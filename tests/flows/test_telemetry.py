"""OpenTelemetry: traces and metrics reach a collector, without keys, prompts or answers."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.emulators.http import Answer, HttpServer, Request


class Collector(HttpServer):
    def __init__(self) -> None:
        super().__init__()
        self.got: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}

    async def answer(self, request: Request) -> Answer:
        body = request.body
        self.got[request.path].append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        return Answer()


def _traces(body: bytes) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    message.ParseFromString(body)  # type: ignore[no-untyped-call]
    return message


def _metrics(body: bytes) -> ExportMetricsServiceRequest:
    message = ExportMetricsServiceRequest()
    message.ParseFromString(body)  # type: ignore[no-untyped-call]
    return message


def write(tmp_path: Path, gemini: str, collector: str) -> None:
    environment = os.environ | {
        "GEMINI_API_KEY": CANARY,
        "GEMINI_BASE_URL": gemini,
        "TALEWRIGHT_HOME": str(tmp_path / "home"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
    }
    command = [sys.executable, "-m", "flows.cli", "write", "--depth", "0", "--sandbox", "none"]
    subprocess.run([*command, "--out", str(tmp_path)], env=environment, check=True)


@pytest.mark.usefixtures("prefect_server")
def test_a_run_is_one_trace_and_its_calls_say_what_they_took(tmp_path: Path) -> None:
    with GeminiServer() as gemini, Collector() as collector:
        write(tmp_path, gemini.url, collector.url)
    spans = [
        span
        for body in collector.got["/v1/traces"]
        for resource in _traces(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    names = [span.name for span in spans]
    assert any("write-story" in name or "last-ferry" in name for name in names), names
    assert len({span.trace_id for span in spans}) == 1, names
    call = next(span for span in spans if span.name == "chat gemini-2.5-flash")
    told = {attribute.key: attribute.value for attribute in call.attributes}
    assert told["gen_ai.provider.name"].string_value == "gcp.gemini"
    assert told["gen_ai.response.model"].string_value.startswith("gemini-2.5-flash")
    assert told["gen_ai.response.finish_reasons"].array_value.values[0].string_value
    assert told["gen_ai.usage.input_tokens"].int_value > 0
    assert told["talewright.story"].string_value == "last-ferry-1"
    assert told["talewright.run"].string_value
    metrics = [
        metric
        for body in collector.got["/v1/metrics"]
        for resource in _metrics(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    by_name = {metric.name: metric for metric in metrics}
    assert {"gen_ai.client.token.usage", "talewright.cost", "talewright.wait"} <= by_name.keys()
    [point] = by_name["gen_ai.client.operation.duration"].histogram.data_points
    assert list(point.explicit_bounds)[:3] == [0.01, 0.02, 0.04]
    sent = b"".join([*collector.got["/v1/traces"], *collector.got["/v1/metrics"]])
    assert CANARY.encode() not in sent
    assert b"Ines" not in sent
