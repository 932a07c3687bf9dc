"""Code found in a story, and what came of running it."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from tasks.story.base import Model, Usd

CodeVerdict = Literal[
    "passed", "raised", "timeout", "resource", "unsupported", "not_executed", "infra_error"
]
Engine = Literal["e2b", "bubblewrap", "monty", "compile"]


class Snippet(Model):
    """A block of code in a text. Lines count from 1 and include the fences."""

    code: str
    language: str = "python"
    first_line: int = Field(ge=1)
    last_line: int = Field(ge=1)
    expected_output: str | None = None


class CodeReport(Model):
    """What one snippet did, on which engine."""

    snippet: Snippet
    verdict: CodeVerdict
    engine: Engine
    stdout: str = ""
    error: str | None = Field(None, description="Last line of the traceback, or why not run.")
    matches_expected: bool | None = Field(None, description="None: no output was stated.")
    seconds: float = Field(0.0, ge=0)
    cost_usd: Usd = Decimal(0)
    reproduce: str | None = Field(None, description="A command that runs the snippet again.")

    @property
    def to_blame(self) -> bool:
        """Whether the story, not the engine, is at fault."""
        return self.verdict in {"raised", "timeout", "resource"} or self.matches_expected is False


class MendedCode(Model):
    """A writer's answer to a snippet that failed."""

    code: str = Field(description="The whole snippet, put right. No fences.", max_length=20_000)
