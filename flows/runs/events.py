"""Events for Prefect automations: a cap reached, a story refused, a provider lost."""

from prefect.events import emit_event

from tasks.calls.errors import (
    BadRequest,
    CapReached,
    LLMError,
    QuotaGone,
    TryLater,
    Unreachable,
)


def announce(story_id: str, title: str, error: Exception) -> None:
    """Emit the event for what ended a story or a path of it. Names: talewright.cap-reached,
    talewright.provider-lost, talewright.story-refused."""
    if isinstance(error, CapReached):
        name = "talewright.cap-reached"
    elif isinstance(error, TryLater | Unreachable | QuotaGone | BadRequest):
        name = "talewright.provider-lost"
    else:
        name = "talewright.story-refused"
    emit_event(
        event=name,
        resource={
            "prefect.resource.id": f"talewright.story.{story_id}",
            "prefect.resource.name": title,
        },
        payload={
            "reason": str(error),
            "provider": error.provider if isinstance(error, LLMError) else "",
        },
    )
