"""How many tokens a call will count against a limit of tokens a minute."""

from tasks.calls.prompt import Prompt, Usage
from tasks.calls.providers import PROVIDERS, Counted


class TokenGuess:
    """How many tokens a call will count, learnt from those before it.

    What a limit counts is the provider's: Gemini's "TPM" is of input tokens, for instance.
    """

    def __init__(self, provider: str) -> None:
        row = PROVIDERS.get(provider)
        self._counts: Counted = row.counts if row else "input"
        self._per_byte = 0.25
        self._answers: dict[str, float] = {}

    def of(self, prompt: Prompt) -> float:
        """Tokens a call will count, probably."""
        tokens = _bytes(prompt) * self._per_byte
        if self._counts == "input and room":
            tokens += prompt.max_output_tokens
        elif self._counts == "input and answer":
            tokens += self._answers.get(prompt.id, prompt.max_output_tokens / 4)
        return tokens

    def learn(self, prompt: Prompt, usage: Usage) -> float:
        """Tokens a call did count."""
        counted = float(usage.tokens_in)
        if self._counts == "input and answer":
            counted += usage.tokens_out - usage.tokens_cached
            mean = self._answers.get(prompt.id, float(usage.tokens_out))
            self._answers[prompt.id] = mean + (usage.tokens_out - mean) / 8
        elif self._counts == "input and room":
            counted += prompt.max_output_tokens
        self._per_byte += (usage.tokens_in / max(1, _bytes(prompt)) - self._per_byte) / 8
        return counted


def _bytes(prompt: Prompt) -> int:
    return sum(len(part.encode()) for part in (prompt.system, prompt.shared, prompt.text))
