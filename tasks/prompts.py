"""Prompts as versioned files: found, checked and rendered strictly.

`prompts/ID/VERSION.md` begins with YAML front matter (id, version, note, variables, and optionally
max_output_tokens and temperature), followed by Jinja blocks: `system`, `shared` (what all calls of
a story have in common) and `text`. What comes from a world, a story or a person goes through the
filter `fence`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, UndefinedError, meta
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from tasks.errors import InputError
from tasks.llm.prompt import Prompt
from tasks.settings import Settings
from tasks.story.base import Id, Line, Model

FOLDER = Path(__file__).parents[1] / "prompts"
BLOCKS = ("system", "shared", "text")
_FRONT = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)


class FrontMatter(Model):
    """What a prompt file says about itself."""

    id: Id
    version: int = Field(ge=1)
    note: Line = Field(description="What its author meant to change, for the next one.")
    variables: list[str] = Field(description="Every variable the text may use.")
    max_output_tokens: int | None = Field(None, ge=64)
    temperature: float | None = Field(None, ge=0, le=2)


@dataclass(frozen=True)
class PromptFile:
    """A prompt file that was read and checked."""

    path: Path
    front: FrontMatter
    body: str
    hash: str
    """First 12 hex digits of the SHA-256 of the file."""


def fence(text: object, name: str = "text") -> str:
    """Outside text as data: between marks it cannot contain, because they are made from it."""
    body = str(text).strip()
    mark = hashlib.sha256(body.encode()).hexdigest()[:10]
    return f"<data {name} {mark}>\n{body}\n</data {name} {mark}>"


@cache
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Prompts are plain text; nothing here is HTML.
        autoescape=False,
    )
    environment.filters["fence"] = fence
    return environment


def versions(prompt_id: str, folder: Path = FOLDER) -> list[int]:
    """The versions of a prompt, oldest first. Raises InputError if there is no such prompt."""
    files = (folder / prompt_id).glob("*.md")
    found = sorted(int(file.stem) for file in files if file.stem.isdecimal())
    if not found:
        known = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        raise InputError(f"There is no such prompt; there are {known}.", file=folder / prompt_id)
    return found


@cache
def load(prompt_id: str, version: int | None = None, folder: Path = FOLDER) -> PromptFile:
    """A prompt file, the newest version unless one is named. Raises InputError."""
    version = versions(prompt_id, folder)[-1] if version is None else version
    path = folder / prompt_id / f"{version}.md"
    try:
        raw = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"This prompt cannot be read: {error}", file=path) from None
    match = _FRONT.fullmatch(raw)
    if match is None:
        raise InputError("A prompt begins with front matter between two lines of ---.", file=path)
    front = _front(match[1], path)
    if (front.id, front.version) != (prompt_id, version):
        raise InputError(
            f"The file is {prompt_id}@{version}, but says {front.id}@{front.version}.", file=path
        )
    offset = match[1].count("\n") + 3
    used = _used(path, match[2], offset, folder)
    if undeclared := sorted(used - set(front.variables)):
        line = next(
            (n for n, text in enumerate(raw.splitlines(), 1) if undeclared[0] in text), None
        )
        raise InputError(f"{', '.join(undeclared)} is not declared.", file=path, line=line)
    return PromptFile(path, front, match[2], hashlib.sha256(raw.encode()).hexdigest()[:12])


def render(
    prompt_id: str,
    variables: Mapping[str, Any],
    *,
    version: int | None = None,
    seed: int = 0,
    schema: type[BaseModel] | None = None,
    settings: Settings,
) -> Prompt:
    """A prompt ready to send. `prompt_id` may name its version: 'scene@2'.

    Raises InputError, with file and line, for a file that is broken or a variable that is missing.
    """
    name, _, number = prompt_id.partition("@")
    file = load(name, int(number) if number else version)
    parts = _rendered(file, variables)
    return Prompt(
        id=file.front.id,
        version=file.front.version,
        hash=file.hash,
        system=parts["system"],
        shared=parts["shared"],
        text=parts["text"],
        schema=schema,
        variables=variables,
        seed=seed,
        temperature=(
            settings.llm_temperature if file.front.temperature is None else file.front.temperature
        ),
        max_output_tokens=file.front.max_output_tokens or settings.llm_max_output_tokens,
        thinking_budget=settings.llm_thinking_budget,
    )


def _rendered(file: PromptFile, variables: Mapping[str, Any]) -> dict[str, str]:
    missing = [name for name in file.front.variables if name not in variables]
    if missing:
        raise InputError(f"The variable {', '.join(missing)} was not given.", file=file.path)
    template = _environment(file.path.parents[1]).from_string(file.body)
    context = template.new_context(dict(variables))
    try:
        return {
            name: "".join(template.blocks[name](context)).strip() if name in template.blocks else ""
            for name in BLOCKS
        }
    except (UndefinedError, SecurityError) as error:
        raise InputError(str(error), file=file.path) from None


def _front(raw: str, path: Path) -> FrontMatter:
    try:
        return FrontMatter.model_validate(YAML(typ="safe").load(raw))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else None
        raise InputError(
            f"The front matter is no YAML: {error.problem}", file=path, line=line
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=path, line=1, field=field) from None


def _used(path: Path, body: str, offset: int, folder: Path) -> set[str]:
    """The variables a body uses, those of the parts it includes among them."""
    environment = _environment(folder)
    try:
        tree = environment.parse(body)
        used = meta.find_undeclared_variables(tree)
        for name in meta.find_referenced_templates(tree):
            if name is None or environment.loader is None:
                raise InputError("Only parts named in the text can be included.", file=path)
            part = environment.loader.get_source(environment, name)[0]
            used |= meta.find_undeclared_variables(environment.parse(part))
    except TemplateSyntaxError as error:
        message = error.message or "syntax error"
        raise InputError(message, file=path, line=error.lineno + offset) from None
    except TemplateNotFound as error:
        raise InputError(f"There is no part {error.name}.", file=path) from None
    return used
