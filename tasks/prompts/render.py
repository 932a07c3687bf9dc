"""Prompts as versioned files: found, checked and rendered strictly.

`prompts/ID/VERSION.md` begins with YAML front matter (see FrontMatter), followed by Jinja blocks:
`system`, `shared` (what all calls of a story have in common, for providers that cache) and `text`.
What comes from a world, a story or a person goes through the filter `fence`; single words and
numbers of theirs through `word` and `int`. The folder of TALEWRIGHT_PROMPTS adds to the prompts
that come with Talewright; it cannot replace a version of theirs.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import TemplateNotFound, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from tasks.calls.prompt import Prompt
from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.core.surrogates import without_surrogates
from tasks.prompts.fence import fence, word
from tasks.prompts.front_matter import FrontMatter, line_of_variables, split
from tasks.world.boundaries import merged

FOLDER = Path(__file__).parents[2] / "prompts"
BLOCKS = ("system", "shared", "text")


@dataclass(frozen=True)
class PromptFile:
    """A prompt file that was read and checked."""

    path: Path
    front: FrontMatter
    source: str
    tree: nodes.Template
    template: Template
    used: Mapping[str, int]
    """The line on which each variable is first used; 0 for one that only a part uses."""
    parts: Mapping[Path, nodes.Template]
    """The parts it includes."""
    needs: Mapping[str, Sequence[str]]
    """The variables of each block."""
    hash: str
    """First 12 hex digits of the SHA-256 of the file and the parts it includes."""

    @property
    def name(self) -> str:
        """`scene@2`."""
        return f"{self.front.id}@{self.front.version}"


def folders(settings: Settings) -> tuple[Path, ...]:
    """Where prompts are looked for."""
    own = settings.talewright_prompts
    if own is None or own.expanduser().resolve() == FOLDER.resolve():
        return (FOLDER,)
    return (FOLDER, own.expanduser())


def prompt_ids(where: tuple[Path, ...] = (FOLDER,)) -> list[str]:
    """The ids of all prompts."""
    return sorted({file.parent.name for folder in where for file in _files(folder, "*")})


def versions(prompt_id: str, where: tuple[Path, ...] = (FOLDER,)) -> dict[int, Path]:
    """The files of a prompt by version, oldest first. Raises InputError if there is no such prompt,
    or if two files are the same version."""
    found: dict[int, Path] = {}
    for folder in where:
        for file in _files(folder, prompt_id):
            number = int(file.stem)
            if number in found:
                message = f"{prompt_id}@{number} is used twice, first by {found[number]}."
                raise InputError(message, file=file, line=1)
            found[number] = file
    if not found:
        message = f"There is no such prompt; there are {', '.join(prompt_ids(where))}."
        raise InputError(message, file=where[-1] / prompt_id)
    return dict(sorted(found.items()))


def load(name: str, where: tuple[Path, ...] = (FOLDER,)) -> PromptFile:
    """The prompt file of a name such as `scene@2`; the newest version of `scene`. Raises
    InputError."""
    prompt_id, _, number = name.partition("@")
    files = versions(prompt_id, where)
    if number and not (number.isdecimal() and int(number) in files):
        message = f"There is no {name}; there are {', '.join(f'{prompt_id}@{v}' for v in files)}."
        raise InputError(message, file=where[-1] / prompt_id)
    return read(files[int(number)] if number else files[max(files)])


@cache
def read(path: Path) -> PromptFile:
    """The prompt file at a path. Raises InputError."""
    front, body, offset, raw = split(path)
    said = (front.id, front.version)
    if said != (path.parent.name, int(path.stem)):
        message = f"The file is {path.parent.name}@{path.stem}, but says {said[0]}@{said[1]}."
        raise InputError(message, file=path, line=2)
    _check_given(front, path)
    environment = _environment(path.parents[1])
    # Empty lines in place of the front matter, so that lines are those of the file.
    source = "\n" * offset + body
    tree = _parse(environment, source, path)
    parts = {part: _parse(environment, text, part) for part, text in _parts(path, tree)}
    used = {
        **{name: 0 for part in parts.values() for name in meta.find_undeclared_variables(part)},
        **_first_lines(tree),
    }
    for file, of in ((path, tree), *parts.items()):
        for name, line in _first_lines(of).items():
            if name not in front.variables and name not in environment.globals:
                message = f"The variable {name} is not declared in `variables` of {path.name}."
                raise InputError(message, file=file, line=line)
    used = {name: line for name, line in used.items() if name in front.variables}
    digest = hashlib.sha256(raw)
    for part in parts:
        digest.update(part.read_bytes())
    needs = {block.name: _needs(block, path, front) for block in tree.find_all(nodes.Block)}
    template = environment.from_string(source)
    hash_ = digest.hexdigest()[:12]
    return PromptFile(path, front, source, tree, template, used, parts, needs, hash_)


def _needs(block: nodes.Block, path: Path, front: FrontMatter) -> list[str]:
    """The variables that a block and the parts it includes use."""
    alone = nodes.Template([block], lineno=1)
    alone.set_environment(_environment(path.parents[1]))
    trees = [alone]
    trees += [
        _parse(_environment(path.parents[1]), text, part) for part, text in _parts(path, alone)
    ]
    used = {name for tree in trees for name in meta.find_undeclared_variables(tree)}
    return [name for name in front.variables if name in used]


def _check_given(front: FrontMatter, path: Path) -> None:
    """What Talewright gives to a prompt of its own is what the first version declares."""
    first = FOLDER / front.id / "1.md"
    if path == first or not first.exists():
        return
    given = split(first).front.variables
    for name in front.variables:
        if name not in given:
            message = f"No {front.id} prompt is given {name}; it is given {', '.join(given)}."
            raise InputError(message, file=path, line=line_of_variables(path))


def render(
    prompt_id: str,
    variables: Mapping[str, Any],
    *,
    version: int | None = None,
    seed: int = 0,
    schema: type[BaseModel] | None = None,
    settings: Settings,
) -> Prompt:
    """A prompt ready to send: the named version, else the one that TALEWRIGHT_PROMPT_VERSIONS
    holds it at, else the newest.

    Raises InputError, with file and line, for a file that is broken or a variable that is missing.
    """
    name = prompt_id if version is None else f"{prompt_id}@{version}"
    file = load(held(settings).get(name, name), folders(settings))
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


def held(settings: Settings) -> dict[str, str]:
    """The names in TALEWRIGHT_PROMPT_VERSIONS, by the ids of their prompts."""
    names = (name.strip() for name in settings.talewright_prompt_versions.split(","))
    return {name.partition("@")[0]: name for name in names if name}


def _rendered(file: PromptFile, variables: Mapping[str, Any]) -> dict[str, str]:
    for name in file.front.variables:
        if name not in variables:
            line = file.used.get(name) or 1
            raise InputError(f"The variable {name} was not given.", file=file.path, line=line)
    found = dict.fromkeys(BLOCKS, "")
    for name, needs in file.needs.items():
        # What all calls of a story have in common is the most of a prompt.
        text = _kept_block if name == "shared" else _block
        found[name] = text(file, name, *(variables[variable] for variable in needs))
    return found


def _block(file: PromptFile, name: str, *values: Any) -> str:
    context = file.template.new_context(dict(zip(file.needs[name], values, strict=True)))
    try:
        return without_surrogates("".join(file.template.blocks[name](context))).strip()
    except (TemplateRuntimeError, ValueError, TypeError) as error:
        where, line = _where(error, file)
        raise InputError(str(error), file=where, line=line) from None


_kept_block = cache_by_identity(64)(_block)


def _where(error: Exception, file: PromptFile) -> tuple[Path, int]:
    """The file and line of a template at which an error was raised."""
    path, line = file.path, 1
    for frame, at in walk_tb(error.__traceback__):
        code = Path(frame.f_code.co_filename)
        if code == Path("<template>"):
            path, line = file.path, file.template.get_corresponding_lineno(at)
        elif code in file.parts:
            name = f"{code.parent.name}/{code.name}"
            part = file.template.environment.get_template(name)
            path, line = code, part.get_corresponding_lineno(at)
    return path, line


def _files(folder: Path, prompt_id: str) -> list[Path]:
    if prompt_id == "*":
        ids = sorted(path.name for path in folder.glob("*/"))
        return [file for one in ids for file in _files(folder, one)]
    try:
        changed = (folder / prompt_id).stat().st_mtime_ns
    except OSError:
        return []
    return _listed(folder / prompt_id, changed)


@lru_cache
def _listed(folder: Path, changed: int) -> list[Path]:
    """The versions in a folder, as it was after its last change."""
    files = (file for file in folder.glob("*.md") if file.stem.isdecimal())
    return sorted(files, key=lambda file: (int(file.stem), file.stem))


@cache
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([folder, FOLDER]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Prompts are plain text; nothing here is HTML.
        autoescape=False,
    )
    environment.filters |= {"fence": fence, "word": word}
    environment.globals["boundaries"] = merged
    return environment


def _parse(environment: ImmutableSandboxedEnvironment, source: str, path: Path) -> nodes.Template:
    try:
        return environment.parse(source)
    except TemplateSyntaxError as error:
        message = error.message or "This is no template."
        raise InputError(message, file=path, line=error.lineno) from None


def _parts(path: Path, tree: nodes.Template) -> Iterator[tuple[Path, str]]:
    """The parts a prompt includes, each once, with their text."""
    environment = _environment(path.parents[1])
    assert environment.loader is not None  # noqa: S101 - made with one
    for include in tree.find_all(nodes.Include):
        name = include.template
        if not isinstance(name, nodes.Const):
            message = "Only a part that is named in quotation marks can be included."
            raise InputError(message, file=path, line=include.lineno)
        try:
            text, file, _ = environment.loader.get_source(environment, name.value)
        except TemplateNotFound:
            message = f"There is no part {name.value}."
            raise InputError(message, file=path, line=include.lineno) from None
        yield Path(str(file)), text


def _first_lines(tree: nodes.Template) -> dict[str, int]:
    """The free variables of a template with the line on which each is first used."""
    free = meta.find_undeclared_variables(tree)
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in free:
            lines[node.name] = min(node.lineno, lines.get(node.name, node.lineno))
    return lines
