"""Answers that fit a JSON schema, the same for the same request: scenes, branches, anything."""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.words import sentences

PLACES = ["stair", "yard", "gallery", "cellar", "landing", "garden", "archway", "quay", "attic"]
THINGS = ["lantern", "ledger", "bell rope", "brass key", "chart", "ladder", "shutter", "kettle"]
VERBS = ["study", "carry", "follow", "cover", "open", "turn", "mend", "lower", "raise", "wait by"]
MOODS = ["hushed", "wary", "bright", "restless", "tender", "bleak"]
SENTENCES = [
    "The {thing} in the {place} hung still, and the {mood} air smelled of salt and old rope.",
    "Somewhere past the {place} a board creaked; nobody spoke for a while.",
    "A {mood} light fell on the {thing}, and every shadow in the {place} grew a little longer.",
    "It took a long minute to {verb} the {thing}, and the wind did not wait for it.",
    "Rain ran along the {place} in thin lines and gathered under the {thing}.",
]


PROTO_TYPES = ["", "string", "number", "integer", "boolean", "array", "object"]
"""Types by their number in Google's protocol, as google-generativeai sends them."""


@dataclass(frozen=True)
class Cast:
    """Ids that answers use, so that they fit the world they are asked about."""

    place: str = "here"
    present: Sequence[str] = ("somebody",)


def answer(schema: Mapping[str, Any], seed: bytes, cast: Cast, size: int, branches: int) -> str:
    """JSON text that fits `schema`; its `narrative_text` makes it about `size` bytes long."""
    digest = hashlib.sha256(seed).digest()
    return json.dumps(_Writer(schema, random.Random(digest), cast, size, branches).write(schema))


def outline(text: str) -> list[dict[str, str]]:
    """Up to eight beats that quote the text, from all of it."""
    told = sentences(text)
    return [{"text": one, "quote": one} for one in told[:: -(-len(told) // 8) or 1]]


class _Writer:
    def __init__(
        self,
        root: Mapping[str, Any],
        rng: random.Random,
        cast: Cast,
        size: int,
        branches: int,
    ) -> None:
        self.definitions = root.get("$defs", {})
        self.rng = rng
        self.cast = cast
        self.size = size
        self.counts = {"story_branches": branches, "dialogue": 2, "present": len(cast.present)}

    def write(self, schema: Mapping[str, Any], name: str = "", index: int = 0) -> Any:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.write(schema[key][0], name, index)
        if "const" in schema or schema.get("enum"):
            return schema.get("const", (schema.get("enum") or [None])[0])
        kind = schema.get("type", "object")
        match (PROTO_TYPES[kind] if isinstance(kind, int) else kind).lower():
            case "object":
                wanted = schema.get("required", list(schema.get("properties", {})))
                told = {key: self.write(schema["properties"][key], key) for key in wanted}
                if "beats" in told:
                    told["beats"] = outline(told.get("narrative_text", ""))
                return told
            case "array":
                count = self.counts.get(name, schema.get("minItems", 0))
                return [self.write(schema.get("items", {}), name, i) for i in range(int(count))]
            case "string":
                return self.words(name, index)
            case "integer" | "number":
                low, high = schema.get("minimum", 0), schema.get("maximum", 1)
                return type(low)(min(high, max(low, 1)))
            case "boolean":
                return True
        return None

    def words(self, name: str, index: int) -> str:
        match name:
            case "narrative_text":
                return self.prose(self.size)
            case "title":
                return f"The {self.pick(THINGS)} in the {self.pick(PLACES)}".title()
            case "place":
                return self.cast.place
            case "present":
                return self.cast.present[index]
            case "character_id":
                return self.rng.choice(self.cast.present)
            case "choice":
                return self.fill("{verb} the {thing} in the {place}").capitalize()
            case "emotion" | "emotional_tone":
                return self.pick(MOODS)
        return self.prose(80)

    def pick(self, words: Sequence[str]) -> str:
        return self.rng.choice(words)

    def fill(self, pattern: str) -> str:
        return pattern.format(
            thing=self.pick(THINGS),
            place=self.pick(PLACES),
            verb=self.pick(VERBS),
            mood=self.pick(MOODS),
        )

    def prose(self, size: int) -> str:
        text = self.fill(self.pick(SENTENCES))
        while len(text) < size:
            text += " " + self.fill(self.pick(SENTENCES))
        return text
