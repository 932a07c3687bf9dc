"""What a person or a schedule starts."""

import os

# Before any flow begins: Prefect's span of the run is then the first of its trace.
if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
    from tasks.llm.telemetry import start

    start()
