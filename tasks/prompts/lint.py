"""Lint prompt files: what is unused or not fenced, how large they come out and what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from jinja2 import nodes

from tasks.calls.prompt import Usage
from tasks.calls.providers import DEFAULT
from tasks.core.settings import Settings
from tasks.ledger.prices import Prices
from tasks.prompts.estimate import CHARACTERS_PER_TOKEN
from tasks.prompts.front_matter import line_of_variables
from tasks.prompts.render import BLOCKS, PromptFile, render
from tasks.prompts.samples import samples

CLOSED = {"fence", "word", "int", "float", "length", "count"}
"""Filters after which outside text can give no orders."""


@dataclass(frozen=True)
class Remark:
    """Something a prompt's author should look at."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Size:
    """A prompt rendered for a sample story. Tokens are guessed from its characters."""

    tokens_in: int
    tokens_shared: int
    """Of those, in the part that all calls of a story have in common."""
    tokens_out: int
    """At most."""
    model: str
    usd: Decimal
    """At most, for one call."""


def remarks(file: PromptFile) -> list[Remark]:
    """Everything to remark on in a prompt that can be loaded, in the order of its lines."""
    declared = line_of_variables(file.path)
    found = [
        Remark(file.path, declared, f"The variable {name} is never used.")
        for name in file.front.variables
        if name not in file.used
    ]
    blocks = {block.name: block.lineno for block in file.tree.find_all(nodes.Block)}
    if "text" not in blocks:
        found.append(Remark(file.path, 1, "There is no block `text`, so nothing would be asked."))
    found += [
        Remark(file.path, line, "This stands in no block, so it is never sent.")
        for line in outside(file.tree)
    ]
    known = ", ".join(BLOCKS)
    for name in blocks.keys() - set(BLOCKS):
        message = f"The block `{name}` is never sent; the blocks are {known}."
        found.append(Remark(file.path, blocks[name], message))
    for path, tree in ((file.path, file.tree), *file.parts.items()):
        found += [
            Remark(path, line, f"`{what}` comes from outside and is not fenced; use `| fence`.")
            for line, what in unfenced(tree)
        ]
    return sorted(found, key=lambda remark: (str(remark.file), remark.line))


def size(file: PromptFile, settings: Settings) -> Size:
    """How large a prompt is and what a call costs at most, for a story of the lighthouse.

    Raises InputError where it cannot be rendered, NoPrice for an unknown model.
    """
    model = file.front.model or settings.access(DEFAULT.name).model
    prompt = render(file.front.id, samples(), version=file.front.version, settings=settings)
    parts = (prompt.system, prompt.shared, prompt.text)
    tokens = sum(len(part) for part in parts) // CHARACTERS_PER_TOKEN
    usage = Usage(tokens_in=tokens, tokens_out=prompt.max_output_tokens)
    return Size(
        tokens_in=tokens,
        tokens_shared=len(prompt.shared) // CHARACTERS_PER_TOKEN,
        tokens_out=prompt.max_output_tokens,
        model=model,
        usd=Prices.read(settings).cost(DEFAULT.name, model, usage),
    )


def outside(template: nodes.Template) -> Iterator[int]:
    """The lines on which text stands that is in no block."""
    for node in template.body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if not isinstance(part, nodes.TemplateData):
                    yield part.lineno
                elif text := part.data.strip():
                    before = part.data[: part.data.index(text)]
                    yield part.lineno + before.count("\n")


def unfenced(node: nodes.Node, fenced: bool = False) -> Iterator[tuple[int, str]]:
    """What a template prints of its variables without a fence: the line, and the expression."""
    if isinstance(node, nodes.FilterBlock):
        fenced = fenced or "fence" in _chain(node.filter)
    if isinstance(node, nodes.Output) and not fenced:
        for printed in node.nodes:
            if not _closed(printed):
                yield printed.lineno, _spell(printed)
    for child in node.iter_child_nodes():
        yield from unfenced(child, fenced)


def _closed(node: nodes.Node | None) -> bool:
    """Whether an expression can only print what the prompt's author wrote, or a fenced text."""
    match node:
        case None | nodes.TemplateData() | nodes.Const():
            return True
        case nodes.Filter():
            return node.name in CLOSED or (node.node is not None and _closed(node.node))
        case nodes.CondExpr():
            return _closed(node.expr1) and _closed(node.expr2)
        case nodes.Concat():
            return all(map(_closed, node.nodes))
        case nodes.Getattr():
            return _spell(node).startswith("loop.")
    return False


def _chain(node: nodes.Node | None) -> Iterator[str]:
    while isinstance(node, nodes.Filter):
        yield node.name
        node = node.node


def _spell(node: nodes.Node) -> str:
    """An expression roughly as it was written: its first name, with what is taken of it."""
    if isinstance(node, nodes.Getattr):
        return f"{_spell(node.node)}.{node.attr}"
    if isinstance(node, nodes.Name):
        return node.name
    first = node.find(nodes.Getattr) or node.find(nodes.Name)
    return _spell(first) if first is not None else type(node).__name__.lower()
