"""Traces and metrics of calls by OpenTelemetry: off unless OTEL_EXPORTER_OTLP_ENDPOINT is set,
or the program has set OpenTelemetry up itself.

Names are those of the conventions for generative AI where they have one
(https://opentelemetry.io/docs/specs/semconv/gen-ai/); ours begin with `talewright`. Neither prompts
nor answers are in them.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache

from opentelemetry import metrics, trace

from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Provider, Purpose, Usage
from tasks.core.errors import UserError

PROVIDERS = {"gemini": "gcp.gemini", "claude": "anthropic", "openai": "openai"}

_tracer = trace.get_tracer("talewright")
_meter = metrics.get_meter("talewright")
_duration = _meter.create_histogram("gen_ai.client.operation.duration", "s")
_tokens = _meter.create_histogram("gen_ai.client.token.usage", "{token}")
_cost = _meter.create_counter("talewright.cost", "USD")
_wait = _meter.create_histogram("talewright.wait", "s", "Time at the gate before a call leaves.")
_cached = _meter.create_counter("talewright.cached", "{answer}", "Answers taken from the cache.")


@cache
def start() -> None:
    """Send traces and metrics to the endpoint that is set, if one is; what else the variables
    OTEL_* say holds too. Raises UserError without the extra `otel`."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UserError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but its exporter is not installed: "
            "pip install 'talewright[otel]'"
        ) from None
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "talewright")})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


@contextmanager
def attempt(
    provider: Provider, prompt: Prompt, purpose: Purpose
) -> Iterator[Callable[[Usage, Decimal], None]]:
    """A span for one call, to be told its usage and its cost in USD."""
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDERS.get(provider.name, provider.name),
        "gen_ai.request.model": provider.model,
    }
    ours = {
        "talewright.story": purpose.story_id,
        "talewright.scene": purpose.scene_id,
        "talewright.step": purpose.step,
        "talewright.reason": purpose.reason,
        "talewright.prompt": f"{prompt.id}@{prompt.version}",
    }
    failed: dict[str, str] = {}
    started = time.monotonic()
    kind = trace.SpanKind.CLIENT
    name = f"chat {provider.model}"
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=common | ours, record_exception=False
    ) as span:

        def note(usage: Usage, cost: Decimal) -> None:
            used = {"input": usage.tokens_in, "output": usage.tokens_out}
            for type_, tokens in used.items():
                span.set_attribute(f"gen_ai.usage.{type_}_tokens", tokens)
                _tokens.record(tokens, common | {"gen_ai.token.type": type_})
            span.set_attribute("talewright.cost", float(cost))
            _cost.add(float(cost), common | {"talewright.step": purpose.step})

        try:
            yield note
        except LLMError as error:
            failed = {"error.type": type(error).__name__}
            span.set_attributes(failed)
            raise
        finally:
            _duration.record(time.monotonic() - started, common | failed)


def waited(provider: Provider, seconds: float) -> None:
    """A call has passed the gate."""
    _wait.record(seconds, {"gen_ai.request.model": provider.model})


def cached(provider: Provider) -> None:
    """An answer came from the cache."""
    _cached.add(1, {"gen_ai.request.model": provider.model})
