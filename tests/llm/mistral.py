"""A provider that Talewright does not have: a class and a row, as somebody would add one.

`python -m tests.llm.mistral '[[ARGUMENTS, ENVIRONMENT], ...]'` runs commands with it, and prints
what each prints as JSON.
"""

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.calls.errors import BadRequest, Refused
from tasks.calls.prompt import Prompt, Reply
from tasks.calls.providers import PROVIDERS, ProviderRow

if TYPE_CHECKING:
    from tasks.core.settings import Settings

PROVIDERS["mistral"] = ProviderRow(
    name="mistral",
    title="Mistral",
    key="MISTRAL_API_KEY",
    model="MISTRAL_MODEL",
    base_url="MISTRAL_BASE_URL",
    default_model="mistral-small-latest",
    code="tests.llm.mistral:Mistral",
    price_id="mistral",
    telemetry_id="mistral_ai",
    begins="mistral",
)


class Mistral:
    """Writes as the offline writer does, and refuses to judge."""

    name = "mistral"

    def __init__(self, settings: "Settings") -> None:
        self._key, self.model, self._url = settings.access(self.name)

    async def generate(self, prompt: Prompt) -> Reply:
        from tasks.offline import OfflineWriter

        try:
            reply = await OfflineWriter().generate(prompt)
        except BadRequest:
            raise Refused("mistral does not judge", provider=self.name) from None
        usage = replace(reply.usage, estimated=False)
        return replace(reply, provider=self.name, model=self.model, usage=usage)

    async def reach(self) -> None:
        if self._url:
            raise KeyError("a fault of this class")

    async def close(self) -> None:
        pass


if __name__ == "__main__":
    from typer.testing import CliRunner

    from flows.cli import app

    done = [CliRunner().invoke(app, told, env=env) for told, env in json.loads(sys.argv[1])]
    print(json.dumps([one.output or str(one.exception) for one in done]))
