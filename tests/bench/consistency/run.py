"""The benchmark: `python -m tests.bench.consistency.run [tuning|final|all]`.

Precision, recall and F1 with effects declared and withheld, per kind with Wilson intervals, beside
the baselines; AUROC of 1 - overall score; and pairs made by operators with their clean twins.
A branch counts as flagged when its verdict is 'reject'.
"""

import math
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence

from tasks.consistency import check_branch
from tasks.consistency.relevant_facts import Terms
from tasks.story.scene import BranchDraft
from tests.bench.consistency.cases import KINDS, Proposal, proposals
from tests.bench.consistency.operators import twins

Flag = Callable[[Proposal], bool]


def checked(proposal: Proposal, branch: BranchDraft) -> tuple[bool, float]:
    """Whether a branch is rejected, and 1 - its score."""
    verdict = check_branch(proposal.world, None, proposal.state, proposal.scene, branch)
    return not verdict.valid, 1 - (verdict.overall_score or 0.0)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    if not total:
        return 0.0, 1.0
    share, square = hits / total, z * z
    centre = share + square / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def auroc(pairs: Sequence[tuple[float, bool]]) -> float:
    """The chance that a contradiction scores above a clean branch; ties count half."""
    bad = [score for score, label in pairs if label]
    good = [score for score, label in pairs if not label]
    wins = sum((b > g) + 0.5 * (b == g) for b in bad for g in good)
    return wins / (len(bad) * len(good)) if bad and good else float("nan")


def keywords(proposal: Proposal) -> bool:
    """The first system's rules: a 'no ...' rule and its word anywhere in the text."""
    text = f"{proposal.branch.choice} {proposal.branch.consequence}".lower()
    for rule in proposal.world.rules:
        if "no" in rule.text.lower() and "magic" in rule.text.lower():
            return any(word in text for word in ("magic", "spell", "enchant", "wizard"))
    return "realistic" in proposal.world.style.lower() and "impossible" in text


def terms(proposal: Proposal) -> bool:
    """Forbidden words of any rule, anywhere."""
    text = f"{proposal.branch.choice} {proposal.branch.consequence}".lower()
    found = [t for r in proposal.world.rules for t in getattr(r.form, "terms", [])]
    return any(re.search(rf"\b{re.escape(term.lower())}\b", text) for term in found)


def cosine(proposal: Proposal) -> float:
    """TF-IDF similarity to the nearest thing that holds."""
    facts = proposal.state.sentences(proposal.world, 200)
    text = f"{proposal.branch.choice} {proposal.branch.consequence}"
    return max(Terms(facts).similarity(text), default=0.0)


def line(name: str, flags: Sequence[tuple[bool, bool]]) -> str:
    """One row: precision, recall and F1 with intervals."""
    tp = sum(f and b for f, b in flags)
    fp = sum(f and not b for f, b in flags)
    fn = sum(b and not f for f, b in flags)
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    p, r = wilson(tp, tp + fp), wilson(tp, tp + fn)
    return (
        f"{name:28} P {precision:.3f} [{p[0]:.2f}, {p[1]:.2f}]  "
        f"R {recall:.3f} [{r[0]:.2f}, {r[1]:.2f}]  F1 {f1:.3f}  false alarms {fp}"
    )


def main(half: str) -> None:
    """Print the tables of one half, or of both."""
    chosen = [p for p in proposals() if half in ("all", p.half)]
    worlds = len({p.world.id for p in chosen})
    bad = sum(p.contradicts for p in chosen)
    print(f"{half}: {len(chosen)} branches over {worlds} worlds, {bad} contradictory\n")
    per_kind: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for condition in ("declared", "withheld"):
        flags, scores = [], []
        for p in chosen:
            flagged, score = checked(p, p.branch if condition == "declared" else p.withheld)
            flags.append((flagged, p.contradicts))
            scores.append((score, p.contradicts))
            per_kind[p.kind if p.contradicts else "(clean)"][condition].append(flagged)
        print(line(f"effects {condition}", flags) + f"  AUROC {auroc(scores):.3f}")
    cosines = [cosine(p) for p in chosen]
    cut = sorted(cosines)[len(cosines) // 2]
    similar = [(c, p.contradicts) for c, p in zip(cosines, chosen, strict=True)]
    print(line("cosine, at its median", [(c >= cut, b) for c, b in similar])
          + f"  AUROC {auroc(similar):.3f}")  # fmt: skip
    baselines: dict[str, Flag] = {
        "keyword rules (first system)": keywords,
        "forbidden words only": terms,
        "flag all": lambda _: True,
        "flag none": lambda _: False,
    }
    for name, flag in baselines.items():
        print(line(name, [(flag(p), p.contradicts) for p in chosen]))
    print("\nflagged, by kind          declared                  withheld")
    for kind in (*KINDS, "(clean)"):
        cells = []
        for condition in ("declared", "withheld"):
            row = per_kind[kind][condition]
            low, high = wilson(sum(row), len(row))
            cells.append(f"{sum(row):>3}/{len(row):<3} [{low:.2f}, {high:.2f}]")
        print(f"{kind:24}  {cells[0]:24}  {cells[1]}")
    _twins(half)


def _twins(half: str) -> None:
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for pair in twins(half):
        broken, _ = checked(pair.broken, pair.broken.branch)
        clean, _ = checked(pair.clean, pair.clean.branch)
        found[pair.operator] += [(broken, True), (clean, False)]
    print("\nmade by operators, with clean twins")
    for operator, flags in found.items():
        hits = sum(f for f, b in flags if b)
        alarms = sum(f for f, b in flags if not b)
        half_n = len(flags) // 2
        print(f"{operator:24}  found {hits}/{half_n}, false alarms on twins {alarms}/{half_n}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
