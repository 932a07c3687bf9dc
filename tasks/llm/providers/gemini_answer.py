"""An answer of Gemini's API, read from its JSON: the same for both SDKs, streams and batch jobs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.calls.errors import Refused
from tasks.calls.prompt import Reply, Usage
from tasks.core.scrub import scrub
from tasks.core.surrogates import without_surrogates
from tasks.llm.providers.classify import broken_stream, check_finish
from tasks.llm.providers.wire import count, obj, objects, string


@dataclass
class GeminiAnswer:
    """What has come of an answer."""

    parts: list[str] = field(default_factory=list)
    finish: str = ""
    explanation: str = ""
    blocked: str = ""
    safety: dict[str, str] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> "GeminiAnswer":
        """Of one response, or of the chunks of one."""
        answer = cls()
        for event in events:
            answer.add(event)
        return answer

    def add(self, response: Mapping[str, Any]) -> None:
        """Take in a whole response or the next chunk of one."""
        self.usage = obj(response.get("usageMetadata")) or self.usage
        feedback = obj(response.get("promptFeedback"))
        if blocked := string(feedback.get("blockReason")):
            self.blocked = blocked
            self.explanation = string(feedback.get("blockReasonMessage"))
        for candidate in objects(response.get("candidates"))[:1]:
            for part in objects(obj(candidate.get("content")).get("parts")):
                if not part.get("thought"):
                    self.parts.append(string(part.get("text")))
            for rating in objects(candidate.get("safetyRatings")):
                level = string(rating.get("probability"))
                if level and string(rating.get("category")):
                    self.safety[rating["category"]] = level
            if reason := candidate.get("finishReason"):
                self.finish = str(reason)[:80]
                self.explanation = string(candidate.get("finishMessage"))

    def reply(
        self, model: str, unknown: Usage, made: int, seconds: float, *, streamed: bool = False
    ) -> Reply:
        """It as a reply. `unknown` is assumed where no usage was reported; `made` tokens went into
        a context cache. Raises as a provider's `generate` does."""
        if streamed and not (self.finish or self.blocked):
            raise broken_stream("gemini")
        text = without_surrogates("".join(self.parts))
        usage = _usage(self.usage) or unknown
        usage = replace(usage, tokens_in=usage.tokens_in + made)
        said = scrub(self.explanation)
        if self.blocked:
            why = scrub(f"gemini blocked the prompt ({self.blocked}). {said}")
            raise Refused(why, provider="gemini", usage=usage)
        check_finish(scrub(self.finish), text, usage, provider="gemini", explanation=said)
        return Reply(
            text=text,
            usage=usage,
            finish_reason=self.finish,
            provider="gemini",
            model=model,
            seconds=seconds,
            safety=self.safety,
        )


def _usage(reported: Mapping[str, Any]) -> Usage | None:
    """The tokens reported, if they were."""
    inward = count(reported.get("promptTokenCount"))
    if inward is None:
        return None
    thinking = count(reported.get("thoughtsTokenCount")) or 0
    out = (count(reported.get("candidatesTokenCount")) or 0) + thinking
    beyond = (count(reported.get("totalTokenCount")) or 0) - inward
    return Usage(
        tokens_in=inward,
        tokens_cached=count(reported.get("cachedContentTokenCount")) or 0,
        tokens_thinking=thinking,
        # Where a count is missing, the total has it.
        tokens_out=max(out, beyond),
    )
