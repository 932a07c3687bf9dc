"""Branches written apart from the checker: `python -m tests.bench.branches FOLDER [--withheld]`.

FOLDER has `worlds/NAME.yaml` and `cases.json`: a list of objects with `id`, `world`, `protagonist`,
`path` (scenes with title, place, present, text, dialogue and effects), `choice`, `description`,
`effects`, `contradicts`, `kind` and `evidence`. A branch counts as flagged when its verdict is
`reject`. It is measured with its effects declared and with them withheld; a text is read once for
both, so that CPU time of the second says what the checks alone cost.

`--withheld` measures the second alone. `--judge URL` asks a judge of the OpenAI protocol at that
URL (OPENAI_API_KEY and JUDGE_MODEL are read as always); `--judge labels` asks a perfect one, which
answers from the labels. `--json` prints numbers, `--misses` names
the branches that were judged wrongly.
"""

import argparse
import asyncio
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.calls.prompt import Prompt, Provider, Purpose, Reply
from tasks.consistency.check import computed, run, run_with
from tasks.consistency.examination import Case, of_branch
from tasks.consistency.judge import judge, worth_asking
from tasks.consistency.language.tokens import terms
from tasks.core.quotes import grounded
from tasks.core.settings import Settings
from tasks.story.brief import Brief
from tasks.story.effects import Effect
from tasks.story.scene import BranchDraft, SceneText
from tasks.story.state import PathState
from tasks.story.verdict import Issue, Verdict
from tasks.story.world import World
from tasks.world.load import load_world
from tests.bench.consistency.run import auroc, wilson
from tests.bench.labelled_judge import Label, LabelledJudge

CONDITIONS = ("declared", "withheld")
PURPOSE = Purpose("bench", "bench", "1", "check_branches")
_EFFECTS: TypeAdapter[list[Effect]] = TypeAdapter(list[Effect])


@dataclass(frozen=True)
class Example:
    """One branch with its label, ready to be checked."""

    id: str
    world_name: str
    kind: str
    contradicts: bool
    evidence: str
    case: Case
    """With its effects."""
    withheld: Case
    """Without them."""


@dataclass(frozen=True)
class Result:
    """What came of checking one branch."""

    example: Example
    verdict: Verdict
    cpu_ms: float

    @property
    def flagged(self) -> bool:
        """Whether the branch is refused."""
        return not self.verdict.valid

    @property
    def score(self) -> float:
        """How surely it contradicts, 0 to 1."""
        return 1 - (self.verdict.overall_score or 0.0)


@dataclass
class Asker:
    """A judge's provider, asked without a ledger."""

    provider: Provider
    settings: Settings

    async def ask(self, prompt: Prompt, purpose: Purpose, *, after: str = "") -> Reply:
        """One answer. Raises LLMError."""
        return await self.provider.generate(prompt)


def read(folder: Path) -> list[Example]:
    """The branches of a folder. Raises InputError for a bad world, KeyError for a bad case."""
    worlds = {file.stem: load_world(file) for file in (folder / "worlds").glob("*.yaml")}
    cases = json.loads((folder / "cases.json").read_text("utf-8"))
    return [_example(case, worlds[case["world"]]) for case in cases]


def _example(data: dict[str, Any], world: World) -> Example:
    brief = Brief(id="bench", title="Bench", ask=world.premise, protagonist=data["protagonist"])
    state = PathState.opening(world, brief)
    scene = None
    for number, told in enumerate(data["path"]):
        scene = _scene(told)
        state = state.after(scene.effects, source=".".join("1" * (number + 1)))
    branch = BranchDraft(
        choice=data["choice"],
        consequence=data["description"],
        effects=_EFFECTS.validate_python(data["effects"]),
    )
    bare = branch.model_copy(update={"effects": []})
    return Example(
        data["id"],
        data["world"],
        data["kind"],
        data["contradicts"],
        data["evidence"],
        of_branch(world, brief, state, scene, branch),
        of_branch(world, brief, state, scene, bare),
    )


def _scene(told: dict[str, Any]) -> SceneText:
    return SceneText(
        title=told["title"],
        setting_description=told["title"],
        place=told["place"],
        present=told["present"],
        narrative_text=told["text"],
        dialogue=told["dialogue"],
        emotional_tone="",
        effects=_EFFECTS.validate_python(told["effects"]),
    )


async def check(
    examples: Sequence[Example], condition: str, asker: Asker | None = None
) -> list[Result]:
    """Every branch checked, one after the other."""
    results = []
    for example in examples:
        case = example.case if condition == "declared" else example.withheld
        began = time.process_time()
        verdict = run(case)
        spent = 1000 * (time.process_time() - began)
        if asker and worth_asking(verdict):
            found = computed(case)
            (opinion,) = await judge([case], asker, PURPOSE, suspected=[found[1]])
            verdict = run_with(case, opinion, found)
        results.append(Result(example, verdict, spent))
    return results


def right_pair(example: Example, issue: Issue) -> bool:
    """Whether a finding quotes the branch, and its fact's side speaks of what the label's evidence
    names: two of its content words, or its only one."""
    wanted = set(terms(example.evidence))
    named = set(terms(f"{issue.fact} {issue.source} {issue.message}"))
    quoted = not issue.quote or grounded(issue.quote, example.case.text)
    return quoted and len(wanted & named) >= min(2, len(wanted))


def measures(results: Sequence[Result]) -> dict[str, Any]:
    """The numbers of one condition; shares as [share, low, high] in `intervals`."""
    hits = [r for r in results if r.flagged and r.example.contradicts]
    alarms = [r for r in results if r.flagged and not r.example.contradicts]
    bad = sum(r.example.contradicts for r in results)
    clean = len(results) - bad
    pairs = sum(
        any(right_pair(r.example, i) for i in r.verdict.issues if i.severity == "error")
        for r in hits
    )
    precision = _share(len(hits), len(hits) + len(alarms))
    recall = _share(len(hits), bad)
    return {
        "cases": len(results),
        "precision": precision,
        "recall": recall,
        "f1": _share(2 * len(hits), 2 * len(hits) + len(alarms) + bad - len(hits)),
        "false_alarms_per_100": 100 * _share(len(alarms), clean),
        "auroc": auroc([(r.score, r.example.contradicts) for r in results]),
        "right_pair": _share(pairs, len(hits)),
        "cpu_ms": sum(r.cpu_ms for r in results) / max(1, len(results)),
        "intervals": {
            "precision": wilson(len(hits), len(hits) + len(alarms)),
            "recall": wilson(len(hits), bad),
            "f1": wilson(2 * len(hits), 2 * len(hits) + len(alarms) + bad - len(hits)),
            "false_alarms_per_100": [100 * end for end in wilson(len(alarms), clean)],
            "auroc": _auroc_interval(results),
            "right_pair": wilson(pairs, len(hits)),
        },
        "kinds": _flagged(results, lambda r: r.example.kind),
        "worlds": {
            name: {
                "recall": _rate([r for r in some if r.example.contradicts]),
                "false_alarms": _rate([r for r in some if not r.example.contradicts]),
            }
            for name, some in _grouped(results, lambda r: r.example.world_name).items()
        },
    }


def _share(hits: int, total: int) -> float:
    return hits / total if total else 0.0


def _auroc_interval(results: Sequence[Result]) -> tuple[float, float]:
    """Wilson's, of as many trials as the smaller class has: pairs are not independent."""
    area = auroc([(r.score, r.example.contradicts) for r in results])
    bad = sum(r.example.contradicts for r in results)
    trials = min(bad, len(results) - bad)
    return wilson(round(area * trials), trials) if not math.isnan(area) else (0.0, 1.0)


def _grouped(results: Iterable[Result], key: Callable[[Result], str]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[key(result)].append(result)
    return dict(groups)


def _flagged(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, Any]:
    ordered = sorted(results, key=lambda r: (not r.example.contradicts, key(r)))
    return {
        name: {"contradicts": some[0].example.contradicts, **_rate(some)}
        for name, some in _grouped(ordered, key).items()
    }


def _rate(results: Sequence[Result]) -> dict[str, Any]:
    flagged = sum(r.flagged for r in results)
    return {
        "flagged": flagged,
        "of": len(results),
        "interval": wilson(flagged, len(results)),
    }


def show(condition: str, numbers: dict[str, Any]) -> str:
    """The numbers of one condition as lines."""
    rows = [f"effects {condition}: {numbers['cases']} branches"]
    for name, (low, high) in numbers["intervals"].items():
        rows.append(f"  {name.replace('_', ' '):24} {numbers[name]:6.3f}  [{low:.2f}, {high:.2f}]")
    rows.append(f"  {'CPU ms a case':24} {numbers['cpu_ms']:6.2f}")
    for kind, row in numbers["kinds"].items():
        label = "contradicts" if row["contradicts"] else "clean"
        rows.append(f"  {label:12} {kind:20} {_cell(row)}")
    for name, row in numbers["worlds"].items():
        rows.append(
            f"  world {name:18} found {_cell(row['recall'])}   alarms {_cell(row['false_alarms'])}"
        )
    return "\n".join(rows)


def _cell(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['flagged']:>3} of {row['of']:<3} [{low:.2f}, {high:.2f}]"


def misses(results: Iterable[Result]) -> str:
    """The branches judged wrongly, one a line."""
    return "\n".join(
        f"  {'missed' if r.example.contradicts else 'alarm '} {r.example.id} ({r.example.kind}): "
        f"{r.verdict.decision}. {r.verdict.reason}"
        for r in results
        if r.flagged != r.example.contradicts
    )


async def main(arguments: argparse.Namespace) -> None:
    """Measure a folder and print."""
    examples = read(arguments.folder)
    conditions = CONDITIONS[1:] if arguments.withheld else CONDITIONS
    with ExitStack() as stack:
        url = arguments.judge
        if url == "labels":
            url = stack.enter_context(LabelledJudge([_label(example) for example in examples])).url
        asker = _asker(url) if url else None
        results = {name: await check(examples, name, asker) for name in conditions}
        if asker:
            await asker.provider.close()
    numbers = {condition: measures(found) for condition, found in results.items()}
    if arguments.json:
        print(json.dumps(numbers))
        return
    for condition, found in results.items():
        print(show(condition, numbers[condition]), end="\n\n")
        if arguments.misses:
            print(misses(found), end="\n\n")


def _label(example: Example) -> Label:
    branch = example.case.branch
    assert branch
    text = f"{branch.choice}\n\n{branch.consequence}"
    return Label(text, example.contradicts, example.kind, example.evidence)


def _asker(url: str) -> Asker:
    # Imported here, as the SDK takes a second to load and most runs ask no judge.
    from tasks.llm.providers.openai_compatible import OpenAICompatible

    settings = Settings(openai_base_url=url)
    model = settings.judge_model or settings.access("openai").model or "judge"
    settings = settings.model_copy(update={"openai_model": model})
    return Asker(OpenAICompatible(settings), settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Branches written apart from the checker.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--withheld", action="store_true", help="without their effects only")
    parser.add_argument("--judge", metavar="URL", help="a server to ask, or 'labels'")
    parser.add_argument("--json", action="store_true", help="numbers only")
    parser.add_argument("--misses", action="store_true", help="name what was judged wrongly")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
