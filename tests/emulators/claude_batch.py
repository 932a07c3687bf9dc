"""Anthropic's message batches, as its SDK asks for them.

A batch is over after `duration` seconds; its results come in another order than its requests. Of
every four requests one is errored if `errors` is set, and all expire if `expired` is.
"""

import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulators.gemini import error
from tests.emulators.http import Answer, HttpServer, Request, json_answer


@dataclass
class Batch:
    id: str
    requests: list[dict[str, Any]]
    made: float = field(default_factory=time.monotonic)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


class ClaudeBatchServer(HttpServer):
    """Keeps batches. `lose` drops the answers to so many requests that make one."""

    def __init__(self, *, duration: float = 0.2, lose: int = 0, errors: int = 0, expire: int = 0):
        super().__init__()
        self.duration = duration
        self.lose = lose
        self.errors = errors
        self.expire = expire
        self.batches: dict[str, Batch] = {}
        self.answered = 0

    async def answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/v1/messages/batches").strip("/")
        if not request.path.startswith("/v1/messages/batches"):
            return error(404)
        if not path and request.method == "POST":
            return self._create(request.json()["requests"])
        if not path:
            shown = [self._shown(batch) for batch in reversed(self.batches.values())]
            return json_answer(
                {"data": shown, "has_more": False, "first_id": None, "last_id": None}
            )
        name, _, verb = path.partition("/")
        if verb == "results":
            return Answer(body=self._results(self.batches[name]))
        return json_answer(self._shown(self.batches[name]))

    def _create(self, requests: list[dict[str, Any]]) -> Answer:
        batch = Batch(f"msgbatch_{len(self.batches)}", requests)
        self.batches[batch.id] = batch
        if self.lose:
            self.lose -= 1
            return Answer(broken="reset")
        return json_answer(self._shown(batch))

    def _shown(self, batch: Batch) -> dict[str, Any]:
        ended = time.monotonic() > batch.made + self.duration
        done = {"processing": 0, "succeeded": len(batch.requests)}
        waiting = {"processing": len(batch.requests), "succeeded": 0}
        counts = {"canceled": 0, "errored": 0, "expired": 0, **(done if ended else waiting)}
        return {
            "id": batch.id,
            "type": "message_batch",
            "created_at": batch.created.isoformat(),
            "expires_at": (batch.created + timedelta(days=1)).isoformat(),
            "ended_at": datetime.now(UTC).isoformat() if ended else None,
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "results_url": f"{self.url}/v1/messages/batches/{batch.id}/results" if ended else None,
        }

    def _results(self, batch: Batch) -> bytes:
        lines = [{"custom_id": r["custom_id"], "result": self._result(r)} for r in batch.requests]
        random.Random(batch.id).shuffle(lines)
        return "\n".join(json.dumps(line) for line in lines).encode()

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.expire:
            self.expire -= 1
            return {"type": "expired"}
        if self.errors:
            self.errors -= 1
            wrong = {"type": "overloaded_error", "message": "Overloaded"}
            return {"type": "errored", "error": {"type": "error", "error": wrong}}
        self.answered += 1
        return {"type": "succeeded", "message": _message(request["params"])}


def _message(params: dict[str, Any]) -> dict[str, Any]:
    """Says what it was asked."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": [{"type": "text", "text": params["messages"][0]["content"]}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 200},
    }
