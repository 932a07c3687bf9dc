"""What a server of the OpenAI protocol takes, learnt from what it refuses, and kept.

A refused request costs nothing, so the first call of a model asks for all and leaves out what the
server says it does not know; the next calls begin with that.
"""

import json
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tasks.core.files import replace_file
from tasks.core.settings import Settings

FILE = "servers.json"
"""In the home: what each server and model takes."""

AGE = 7 * 86_400
"""Seconds after which a server is asked for all again: it may be a newer one."""

Format = Literal["json_schema", "json_object with schema", "json_object", "prompt"]
Room = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True)
class Dialect:
    """What one model of one server takes. `format` says how it is told the schema."""

    format: Format = "json_schema"
    room: Room = "max_completion_tokens"
    temperature: bool = True
    seed: bool = True
    system: bool = True
    stream_usage: bool = True

    def without(self, said: str, sent: dict[str, Any]) -> "Dialect | None":
        """The dialect after a refusal in the server's own words; None if it names nothing that
        could be left out of what was sent."""
        said = said.lower()
        if self.room in said and self.room in sent:
            other: Room = "max_tokens" if "completion" in self.room else "max_completion_tokens"
            if other in said or "unsupported" in said or "not permitted" in said:
                return replace(self, room=other)
        if "temperature" in said and "temperature" in sent:
            return replace(self, temperature=False)
        if re.search(r"\bseed\b", said) and "seed" in sent:
            return replace(self, seed=False)
        if "stream_options" in said and "stream_options" in sent:
            return replace(self, stream_usage=False)
        if "response_format" in sent and _FORMAT.search(said):
            return replace(self, format=_LESS[self.format])
        if _SYSTEM.search(said) and sent["messages"][0]["role"] == "system":
            return replace(self, system=False)
        return None

    @property
    def said(self) -> str:
        """What it is without, for people: 'no temperature, schema as json_object'."""
        lacks = [name for name in ("temperature", "seed", "system") if not getattr(self, name)]
        told = [f"no {name}" for name in lacks]
        if self.format != "json_schema":
            told.append(f"schema as {self.format}")
        return ", ".join(told)


_LESS: dict[Format, Format] = {
    "json_schema": "json_object with schema",
    "json_object with schema": "json_object",
    "json_object": "prompt",
    "prompt": "prompt",
}
_FORMAT = re.compile(r"response_format|json_schema|json_object|json schema|grammar|structured")
_SYSTEM = re.compile(r"system (role|message|prompt)|role.{0,20}system|only user and assistant")


def known(settings: Settings, name: str) -> Dialect | None:
    """What was learnt of a server and model, 'URL MODEL'."""
    told = _read(settings).get(name)
    with suppress(TypeError, ValueError, KeyError):
        if told is not None and time.time() - told.pop("at") < AGE:
            return Dialect(**told)
    return None


def keep(settings: Settings, name: str, dialect: Dialect) -> None:
    """Keep what was learnt; where nothing can be written it is learnt anew."""
    with suppress(OSError):
        told = _read(settings) | {name: asdict(dialect) | {"at": time.time()}}
        replace_file(settings.made_home() / FILE, json.dumps(told, indent=2))


def _read(settings: Settings) -> dict[str, Any]:
    try:
        told = json.loads((settings.home / FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
