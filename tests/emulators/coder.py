"""A Gemini server whose scenes have a program in them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.emulators.gemini import GeminiServer


class Coder(GeminiServer):
    """Puts `code` into every scene, and answers with `mended` when asked to mend it."""

    code = ""
    mended = ""

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        told = json.loads(super().write(body, raw))
        if "code" in told:
            return json.dumps({"code": self.mended})
        if "narrative_text" in told:
            told["narrative_text"] += f"\n\n```python\n{self.code}```\n"
        return json.dumps(told)
