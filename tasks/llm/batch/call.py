"""A call that waits for a batch job."""

import asyncio
from dataclasses import dataclass, field

from tasks.calls.errors import LLMError
from tasks.calls.prompt import Prompt, Reply


@dataclass(eq=False)
class Call:
    """A prompt with its attempt in the ledger, and its answer to come: None sends it the ordinary
    way."""

    request: str
    prompt: Prompt
    attempt: int
    answered: asyncio.Future[Reply | None] = field(default_factory=asyncio.Future)

    def answer(self, answer: Reply | LLMError | None) -> None:
        """Give the answer to who waits for it, if anybody does still."""
        if self.answered.done():
            return
        if isinstance(answer, LLMError):
            self.answered.set_exception(answer)
        else:
            self.answered.set_result(answer)
