"""How many tokens a call will count against a limit of tokens a minute."""

from tasks.calls.prompt import Prompt, Usage


class TokenGuess:
    """How many tokens a call will count, learnt from those before it.

    Gemini counts the input (its "TPM" is of input tokens), OpenAI the input and the room for the
    answer, Claude the input that is not cached and the answer.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._per_byte = 0.25
        self._answers: dict[str, float] = {}

    def of(self, prompt: Prompt) -> float:
        """Tokens a call will count, probably."""
        tokens = _bytes(prompt) * self._per_byte
        if self._provider == "openai":
            tokens += prompt.max_output_tokens
        elif self._provider == "claude":
            tokens += self._answers.get(prompt.id, prompt.max_output_tokens / 4)
        return tokens

    def learn(self, prompt: Prompt, usage: Usage) -> float:
        """Tokens a call did count."""
        counted = float(usage.tokens_in)
        if self._provider == "claude":
            counted += usage.tokens_out - usage.tokens_cached
            mean = self._answers.get(prompt.id, float(usage.tokens_out))
            self._answers[prompt.id] = mean + (usage.tokens_out - mean) / 8
        elif self._provider == "openai":
            counted += prompt.max_output_tokens
        self._per_byte += (usage.tokens_in / max(1, _bytes(prompt)) - self._per_byte) / 8
        return counted


def _bytes(prompt: Prompt) -> int:
    return sum(len(part.encode()) for part in (prompt.system, prompt.shared, prompt.text))
