"""Gemini's file and batch endpoints, beside the others of the emulator.

A job is over after `duration` seconds. Its result lines come in another order than its requests;
what goes wrong with it is decided by `fates`: of the first job, of the second, and so on.
"""

import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tests.emulators.gemini import Call, GeminiServer, error, response
from tests.emulators.http import Answer, Request, json_answer

Fate = Literal["fine", "failed", "expired", "cancelled", "stuck", "partial", "errors", "lost"]
"""partial: every fourth line is missing. errors: every fourth line is one. stuck: never over.
lost: made, but the answer to the request that made it is a broken connection."""


@dataclass
class BatchJob:
    """A job as the server has it."""

    name: str
    display_name: str
    model: str
    lines: list[dict[str, Any]]
    fate: Fate
    made: float = field(default_factory=time.monotonic)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    cancelled: bool = False
    result: str = ""


class GeminiBatchServer(GeminiServer):
    """Counts jobs too. `fates` may be changed while it runs."""

    def __init__(self, *, duration: float = 0.3, fates: list[Fate] | None = None, **more: Any):
        super().__init__(**more)
        self.duration = duration
        self.fates = list(fates or [])
        self.jobs: dict[str, BatchJob] = {}
        self.files: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Answer:
        path = request.path
        if path.startswith("/upload/"):
            return self._upload(request)
        if ":download" in path:
            return Answer(body=self.files[path.split("files/")[1].partition(":")[0]])
        if path.endswith(":batchGenerateContent"):
            return self._create(request)
        if path == "/v1beta/batches":
            return json_answer({"operations": [self._shown(job) for job in self.jobs.values()]})
        if path.startswith("/v1beta/batches/"):
            return self._job(path.removeprefix("/v1beta/"))
        return await super().answer(request)

    def counts(self) -> dict[str, Any]:
        names = [job.display_name for job in self.jobs.values()]
        twice = len(names) - len(set(names))
        return super().counts() | {"jobs": len(names), "jobs_submitted_twice": twice}

    def _upload(self, request: Request) -> Answer:
        if "finalize" not in request.headers.get("x-goog-upload-command", ""):
            url = f"{self.url}/upload/v1beta/files?upload_id=f{len(self.files)}"
            self.files[f"f{len(self.files)}"] = b""
            return json_answer({}, headers={"x-goog-upload-url": url})
        name = request.query["upload_id"]
        self.files[name] = request.body
        return json_answer(
            {"file": {"name": f"files/{name}"}}, 200, {"x-goog-upload-status": "final"}
        )

    def _create(self, request: Request) -> Answer:
        batch = request.json()["batch"]
        content = self.files[batch["inputConfig"]["fileName"].removeprefix("files/")]
        job = BatchJob(
            name=f"batches/b{len(self.jobs)}",
            display_name=batch["displayName"],
            model=request.path.rsplit("/", 1)[-1].partition(":")[0],
            lines=[json.loads(line) for line in content.splitlines()],
            fate=self.fates.pop(0) if self.fates else "fine",
        )
        self.jobs[job.name] = job
        return Answer(broken="reset") if job.fate == "lost" else json_answer(self._shown(job))

    def _job(self, path: str) -> Answer:
        name, _, verb = path.partition(":")
        job = self.jobs.get(name)
        if job is None:
            return error(404, "no such batch")
        if verb == "cancel":
            job.cancelled = True
            return json_answer({})
        return json_answer(self._shown(job))

    def _shown(self, job: BatchJob) -> dict[str, Any]:
        """The job as an operation, its answers written when it is over."""
        state = self._state(job)
        shown: dict[str, Any] = {
            "model": f"models/{job.model}",
            "displayName": job.display_name,
            "state": f"BATCH_STATE_{state}",
            "createTime": job.created.isoformat(),
        }
        if state == "SUCCEEDED":
            if not job.result:
                job.result = f"r{len(self.files)}"
                self.files[job.result] = self._lines(job)
            shown["endTime"] = datetime.now(UTC).isoformat()
            shown["output"] = {"responsesFile": f"files/{job.result}"}
        return {"name": job.name, "metadata": shown, "done": state not in ("PENDING", "RUNNING")}

    def _state(self, job: BatchJob) -> str:
        if job.cancelled:
            return "CANCELLED"
        if job.fate == "stuck" or time.monotonic() < job.made + self.duration:
            return "RUNNING"
        return job.fate.upper() if job.fate in ("failed", "expired", "cancelled") else "SUCCEEDED"

    def _lines(self, job: BatchJob) -> bytes:
        told = []
        for number, line in enumerate(job.lines):
            if number % 4 == 1 and job.fate == "partial":
                continue
            if number % 4 == 1 and job.fate == "errors":
                wrong = {"code": 14, "message": "The model is overloaded."}
                told.append({"key": line["key"], "error": wrong})
                continue
            told.append({"key": line["key"], "response": self._written(job, line)})
        random.Random(job.name).shuffle(told)
        return "\n".join(json.dumps(line) for line in told).encode()

    def _written(self, job: BatchJob, line: dict[str, Any]) -> dict[str, Any]:
        body = line["request"]
        text = self.write(body, json.dumps(body, sort_keys=True).encode())
        usage = self.usage(body, text)
        call = Call(
            time.monotonic(),
            job.model,
            line["key"],
            200,
            tokens_in=usage["promptTokenCount"],
            tokens_thinking=usage.get("thoughtsTokenCount", 0),
            tokens_out=usage["candidatesTokenCount"],
        )
        self.calls.append(call)
        return response(text, usage, job.model)
