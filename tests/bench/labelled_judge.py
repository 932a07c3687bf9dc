"""A judge that answers from labels, over HTTP by the OpenAI protocol: how much of what a judge
proves do we keep?

It knows which branches contradict and in which words the label says why. It cites the fact it was
given that is nearest to those words, as any honest judge would, and clears what was wrongly
suspected of clean branches.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.consistency.language.tokens import terms
from tasks.core.words import sentences
from tests.emulators.http import Answer, HttpServer, Request, json_answer

_FACT = re.compile(r"^\[([^\]]+)\] (.+)$", re.MULTILINE)
_SUSPICION = re.compile(r"^\[(s\d+)\] in ", re.MULTILINE)
_FENCED = re.compile(r"<data (\w+)(?: \w+)? (\w{10})>\n(.*?)\n</data ", re.DOTALL)


@dataclass(frozen=True)
class Label:
    """What is known of one branch; `evidence` says what it contradicts."""

    text: str
    contradicts: bool
    kind: str
    evidence: str


class LabelledJudge(HttpServer):
    """Serves chat completions. Use as a context manager; `url` ends in /v1."""

    def __init__(self, labels: Sequence[Label]) -> None:
        super().__init__()
        self.labels = labels

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    async def answer(self, request: Request) -> Answer:
        """The judgement on the branch that the prompt holds."""
        body = request.json()
        asked = "\n".join(str(message["content"]) for message in body["messages"])
        told = {
            "id": "1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": json.dumps(self.judgement(asked))},
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        return json_answer(told)

    def judgement(self, asked: str) -> dict[str, Any]:
        """The answer by the label of the branch that stands in the prompt."""
        fenced: Mapping[str, str] = {name: text for name, _, text in _FENCED.findall(asked)}
        label = next(label for label in self.labels if label.text == fenced["branch"])
        if not label.contradicts:
            ids = _SUSPICION.findall(fenced.get("suspicions", ""))
            cleared = [{"id": one, "reason": "The words do not say that."} for one in ids]
            return {"contradictions": [], "cleared": cleared}
        quote = max(sentences(label.text.partition("\n\n")[2]), key=len)
        fact_id, fact_quote = _cited(label, fenced, quote)
        found = {"text": "a", "quote": quote, "fact_id": fact_id, "fact_quote": fact_quote}
        return {"contradictions": [found | {"why": label.evidence, "fix": "", "sure": 10}]}


def _cited(label: Label, fenced: Mapping[str, str], quote: str) -> tuple[str, str]:
    """What the label's evidence says, among what the judge was given: a fact, or a sentence of the
    scene."""
    facts = [(one, text) for one, text in _FACT.findall(fenced["facts"])]
    if label.kind == "unknown_character":
        return next((one, text) for one, text in facts if one == "cast")
    given = [*facts, *(("scene", told) for told in sentences(fenced.get("scene", "")))]
    wanted = set(terms(label.evidence))

    def nearness(one: tuple[str, str]) -> float:
        named = set(terms(one[1]))
        return len(wanted & named) / (len(wanted | named) or 1)

    return max((one for one in given if one[1] != quote), key=nearness)
