"""The batch API of a provider, as the batches use it."""

from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Reply

SHARE = Decimal("0.5")
"""Of the usual price, for Gemini and for Claude.
https://ai.google.dev/gemini-api/docs/batch-api
https://platform.claude.com/docs/en/build-with-claude/batch-processing"""


@dataclass(frozen=True)
class Status:
    """How a job stands. `failure` says why an ended one has no more answers than it has; one that
    is not `known` to the provider has none."""

    ended: bool
    failure: str = ""
    known: bool = True


class BatchAPI(Protocol):
    """Jobs of one model. Every method raises the errors of `tasks.calls.errors`."""

    async def submit(self, name: str, requests: Mapping[str, Prompt]) -> str:
        """Hand in prompts by the hash of their request; the provider's id of the job."""
        ...

    async def find(self, name: str, since: datetime, calls: int, known: Container[str]) -> str:
        """The id of a job that may have been handed in, or ''; none of those known."""
        ...

    async def status(self, job_id: str) -> Status:
        """How it stands."""
        ...

    def results(self, job_id: str) -> AsyncIterator[tuple[str, Reply | LLMError]]:
        """Each answer, or what went wrong with it, by the hash of its request; in any order."""
        ...

    async def cancel(self, job_id: str) -> None:
        """Ask the provider to end it."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
