"""Gemini's batch API, by files: answers to requests given inline may come without their keys and
in another order. https://github.com/googleapis/python-genai/issues/1909"""

import io
import json
from collections.abc import AsyncIterator, Container, Mapping
from datetime import datetime

from google.genai import types

from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Reply
from tasks.core.scrub import scrub
from tasks.llm.batch.api import Status
from tasks.llm.providers.classify import from_status, garbled
from tasks.llm.providers.gemini import Gemini

CODES = {
    1: 500,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    13: 500,
    14: 503,
    16: 401,
}
"""HTTP statuses of google.rpc.Code, in which the lines of a result give their errors."""


class GeminiBatch:
    """The batch jobs of one Gemini model."""

    def __init__(self, provider: Gemini) -> None:
        self._provider = provider
        self._sdk = provider.client.aio

    async def submit(self, name: str, requests: Mapping[str, Prompt]) -> str:
        """Upload the requests as JSON lines and make a job of them."""
        lines = [
            json.dumps({"key": key, "request": self._provider.wire(prompt)})
            for key, prompt in requests.items()
        ]
        content = io.BytesIO("\n".join(lines).encode())
        with self._provider.errors():
            file = await self._sdk.files.upload(
                file=content,
                config=types.UploadFileConfig(display_name=name, mime_type="application/jsonl"),
            )
            job = await self._sdk.batches.create(
                model=self._provider.model,
                src=types.BatchJobSource(file_name=file.name),
                config=types.CreateBatchJobConfig(display_name=name),
            )
        return job.name or ""

    async def find(self, name: str, since: datetime, calls: int, known: Container[str]) -> str:
        """The job of that display name."""
        with self._provider.errors():
            async for job in await self._sdk.batches.list():
                if job.display_name == name:
                    return job.name or ""
        return ""

    async def status(self, job_id: str) -> Status:
        """How it stands. A job ends after 48 hours at the latest."""
        with self._provider.errors():
            job = await self._sdk.batches.get(name=job_id)
        state = job.state.name.removeprefix("JOB_STATE_").lower() if job.state else "unknown"
        if state in ("succeeded", "partially_succeeded"):
            return Status(ended=True)
        return Status(ended=job.done, failure=f"the job {state}" if job.done else "")

    async def results(self, job_id: str) -> AsyncIterator[tuple[str, Reply | LLMError]]:
        """Each line of the result file, if there is one."""
        with self._provider.errors():
            job = await self._sdk.batches.get(name=job_id)
            if job.dest is None or job.dest.file_name is None:
                return
            content = await self._sdk.files.download(file=job.dest.file_name)
        seconds = (
            (job.end_time - job.create_time).total_seconds()
            if job.end_time and job.create_time
            else 0.0
        )
        for line in content.splitlines():
            try:
                told = json.loads(line)
                key = str(told["key"])
            except (ValueError, KeyError, TypeError, RecursionError):
                continue  # What has no key is missed by its call, which is then asked again.
            yield key, self._answer(told, seconds)

    async def cancel(self, job_id: str) -> None:
        """Ask Google to end it."""
        with self._provider.errors():
            await self._sdk.batches.cancel(name=job_id)

    async def close(self) -> None:
        """Close its connections."""
        await self._provider.close()

    def _answer(self, told: Mapping[str, object], seconds: float) -> Reply | LLMError:
        error = told.get("error")
        if isinstance(error, Mapping):
            message = scrub(str(error.get("message", "")))
            status = CODES.get(error.get("code", 0), 500)
            return from_status(status, message, provider="gemini", body={"error": error})
        response = told.get("response")
        if not isinstance(response, Mapping):
            return garbled("a line without an answer", provider="gemini")
        try:
            return self._provider.read(response, seconds)
        except LLMError as failed:
            return failed
