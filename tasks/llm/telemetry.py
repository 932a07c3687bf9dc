"""Traces and metrics of calls by OpenTelemetry: off unless OTEL_EXPORTER_OTLP_ENDPOINT is set,
or the program has set OpenTelemetry up itself.

Names are those of the conventions for generative AI where they have one
(https://opentelemetry.io/docs/specs/semconv/gen-ai/); ours begin with `talewright`. Neither prompts
nor answers are in them.
"""

import atexit
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from threading import Thread

from opentelemetry import metrics, trace

from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Provider, Purpose, Reply, Usage
from tasks.calls.providers import PROVIDERS

_tracer = trace.get_tracer("talewright")
_meter = metrics.get_meter("talewright")

SECONDS = [0.01 * 2**n for n in range(14)]
"""Bounds of the buckets of durations, 0.01 to 81.92 s, as the conventions name them."""

TOKENS = [4**n for n in range(14)]
"""Bounds of the buckets of tokens, 1 to 67,108,864, as the conventions name them."""

_duration = _meter.create_histogram(
    "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=SECONDS
)
_tokens = _meter.create_histogram(
    "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=TOKENS
)
_cost = _meter.create_counter("talewright.cost", "USD")
_wait = _meter.create_histogram(
    "talewright.wait",
    "s",
    "Time at the gate before a call leaves.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
_cached = _meter.create_counter("talewright.cached", "{answer}", "Answers taken from the cache.")


LAST_SECOND = 1.0
"""Seconds that a command waits at its end for a collector to take what is left."""


@cache
def start() -> None:
    """Send traces and metrics to the endpoint that is set, if one is; what else the variables
    OTEL_* say holds too. Without the extra `otel`, a warning.

    Called before a run begins, so that its flow, its tasks and their calls are one trace.
    """
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
        logging.getLogger("talewright").warning(
            "Nothing goes to OTEL_EXPORTER_OTLP_ENDPOINT: pip install 'talewright[otel]'"
        )
        return
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "talewright")})
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    measures = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(measures)
    atexit.register(_finish, [traces.shutdown, measures.shutdown])


def _finish(endings: Sequence[Callable[[], object]]) -> None:
    """Send what is left, side by side, for no longer than LAST_SECOND: a collector that is gone
    would be asked for ten."""
    threads = [Thread(target=ending, daemon=True) for ending in endings]
    for thread in threads:
        thread.start()
    until = time.monotonic() + LAST_SECOND
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def answered(reply: Reply) -> None:
    """What the span of the call under way should know of its answer."""
    trace.get_current_span().set_attributes(
        {
            "gen_ai.response.model": reply.model,
            "gen_ai.response.finish_reasons": [reply.finish_reason],
        }
    )


@contextmanager
def attempt(
    provider: Provider, prompt: Prompt, purpose: Purpose
) -> Iterator[Callable[[Usage, Decimal], None]]:
    """A span for one call, to be told its usage and its cost in USD."""
    row = PROVIDERS.get(provider.name)
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": row.telemetry_id if row else provider.name,
        "gen_ai.request.model": provider.model,
    }
    ours = {
        "talewright.run": purpose.run_id,
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
