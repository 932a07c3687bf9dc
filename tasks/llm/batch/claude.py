"""Claude's message batches."""

from collections.abc import AsyncIterator, Container, Mapping
from datetime import datetime, timedelta

from anthropic.types.messages import MessageBatchIndividualResponse
from anthropic.types.messages.batch_create_params import Request

from tasks.calls.errors import LLMError, TryLater
from tasks.calls.prompt import Prompt, Reply
from tasks.core.scrub import scrub
from tasks.llm.batch.api import Status
from tasks.llm.providers.classify import from_status
from tasks.llm.providers.claude import Claude
from tasks.llm.providers.sdk_errors import IN_STREAM

CLOCKS = timedelta(minutes=1)
"""What Anthropic's clock and ours may differ."""


class ClaudeBatch:
    """The message batches of one Claude model."""

    def __init__(self, provider: Claude) -> None:
        self._provider = provider
        self._sdk = provider.client.messages.batches

    async def submit(self, name: str, requests: Mapping[str, Prompt]) -> str:
        """Hand in all requests; a batch takes no name."""
        lines = [
            Request(custom_id=key, params=self._provider.request(prompt))  # type: ignore[typeddict-item]
            for key, prompt in requests.items()
        ]
        with self._provider.errors():
            batch = await self._sdk.create(requests=lines)
        return batch.id

    async def find(self, name: str, since: datetime, calls: int, known: Container[str]) -> str:
        """A batch of as many calls that was made since then: batches have no names, and show
        their requests only when they have ended. One of somebody else's yields no answer to our
        calls, which are then asked again."""
        with self._provider.errors():
            async for batch in self._sdk.list(limit=100):
                if batch.created_at < since - CLOCKS:
                    break
                counts = batch.request_counts
                total = counts.processing + counts.succeeded + counts.errored
                total += counts.canceled + counts.expired
                if total == calls and batch.id not in known:
                    return batch.id
        return ""

    async def status(self, job_id: str) -> Status:
        """How it stands. A batch ends after 24 hours at the latest."""
        with self._provider.errors():
            batch = await self._sdk.retrieve(job_id)
        return Status(ended=batch.processing_status == "ended")

    async def results(self, job_id: str) -> AsyncIterator[tuple[str, Reply | LLMError]]:
        """Each line of the results."""
        with self._provider.errors():
            batch = await self._sdk.retrieve(job_id)
            if batch.results_url is None:
                return
            ended = batch.ended_at or batch.created_at
            seconds = (ended - batch.created_at).total_seconds()
            async for line in await self._sdk.results(job_id):
                yield line.custom_id, self._answer(line, seconds)

    async def cancel(self, job_id: str) -> None:
        """Ask Anthropic to end it."""
        with self._provider.errors():
            await self._sdk.cancel(job_id)

    async def close(self) -> None:
        """Close its connections."""
        await self._provider.close()

    def _answer(self, line: MessageBatchIndividualResponse, seconds: float) -> Reply | LLMError:
        result = line.result
        if result.type == "succeeded":
            try:
                return self._provider.read(
                    result.message.to_dict(mode="json", warnings=False), seconds
                )
            except LLMError as failed:
                return failed
        if result.type == "errored":
            error = result.error.error
            status = IN_STREAM.get(error.type, 500)
            return from_status(status, scrub(error.message), provider="claude")
        return TryLater(f"claude {result.type} the call.", provider="claude")
