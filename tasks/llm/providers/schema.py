"""JSON schemas for structured output, computed once for each model class."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

KEPT = ("type", "description", "enum", "required")


@cache
def flat_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The schema for Gemini: no references, no unions, no bounds.

    A tagged union becomes one object that names its kinds and has the fields of all of them.
    Gemini ignores `oneOf`, refuses schemas with many alternatives or bounds ("too many states for
    serving"), and google-generativeai knows no unions at all. The answer is validated against the
    real model, so nothing is lost but a hint. Do not change the result: it is shared.
    """
    whole = schema.model_json_schema()
    return _flat(whole, whole.get("$defs", {}))


def _flat(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return _flat({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions)
    options = [o for o in node.get("oneOf", node.get("anyOf", [])) if o.get("type") != "null"]
    flat = {key: node[key] for key in KEPT if key in node}
    if "const" in node:
        flat |= {"type": "string", "enum": [node["const"]]}
    if len(options) == 1:
        flat = _flat(options[0], definitions) | flat
    elif options:
        tag = node["discriminator"]["propertyName"]
        flat |= _merged([_flat(option, definitions) for option in options], tag)
    if "items" in node:
        flat["items"] = _flat(node["items"], definitions)
    if "properties" in node:
        flat["properties"] = {
            name: _flat(field, definitions) for name, field in node["properties"].items()
        }
    return flat


def _merged(kinds: list[dict[str, Any]], tag: str) -> dict[str, Any]:
    """One object for all kinds; `tag` is the field that tells them apart."""
    properties: dict[str, Any] = {}
    said = []
    for kind in kinds:
        name = kind["properties"][tag]["enum"][0]
        fields = [field for field in kind["properties"] if field != tag]
        said.append(f"{name} ({', '.join(fields)}): {kind.get('description', '')}")
        for field in kind["properties"]:
            properties.setdefault(field, kind["properties"][field])
    names = [kind["properties"][tag]["enum"][0] for kind in kinds]
    properties[tag] = {"type": "string", "enum": names, "description": " ".join(said)}
    required = [f for f in properties if all(f in kind.get("required", []) for kind in kinds)]
    return {"type": "object", "properties": properties, "required": required}
