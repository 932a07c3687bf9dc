"""People meet for the first time once; promises are made before they are kept."""

from collections.abc import Iterator

from tasks.consistency.examination import Case, Check, Finding
from tasks.consistency.language.english import pattern
from tasks.story.verdict import Severity

_FIRST_HINTS = ("first", "never", "introduc", "stranger", "know", "meet", "name", "must be")


def met_before(case: Case) -> Iterator[Finding]:
    """Two people who know each other do not meet for the first time."""
    for step in case.steps:
        effect = step.effect
        if effect.kind != "meets" or step.mode in ("dreamt", "past", "depicted"):
            continue
        if step.state.have_met(effect.who, effect.whom):
            yield _known(case, effect.who, effect.whom, effect.quote)
    for passage in case.passages:
        for n, (sentence, row) in enumerate(zip(passage.sentences, passage.words, strict=True)):
            low = sentence.text.lower()
            if not any(word in low for word in _FIRST_HINTS):
                continue
            found = pattern("first_meeting").search(sentence.text)
            if not found or not passage.plainly(n, past=True):
                continue
            people = {w.ref.id for w in row if w.ref and w.ref.kind == "character"}
            yours = any(w.low in {"you", "i", "your", "yourself", "we"} for w in row)
            pair = people | ({case.lead} if yours else set())
            if not pair:
                # 'The two have never met': those whom the text names.
                pair = {who for who in case.atlas.characters if case.mentions(who)}
            if len(pair) == 2:
                who, whom = sorted(pair, key=lambda one: one != case.lead)
                if case.before.have_met(who, whom):
                    yield _known(case, who, whom, sentence.text, inferred=True)


def _known(case: Case, who: str, whom: str, quote: str, *, inferred: bool = False) -> Finding:
    since = case.before.met.get(who, {}).get(whom)
    fact = f"{case.name(who)} and {case.name(whom)} know each other."
    return Finding(
        f"{case.name(who)} and {case.name(whom)} have met before.",
        quote=quote,
        fact=(since.quote if since else "") or fact,
        source=since.source if since else "world",
        fix="Let them meet again as people who know each other.",
        found_by="inferred" if inferred else "rule",
        confidence=0.85 if inferred else 1.0,
        key=f"{who}:{whom}",
    )


def promises(case: Case) -> Iterator[Finding]:
    """A promise is kept or broken once, after it was made, by who made it."""
    for step in case.steps:
        effect = step.effect
        if effect.kind not in ("keeps", "breaks") or step.mode == "dreamt":
            continue
        promise = step.state.promises.get(effect.promise)
        if promise is None:
            problem, fact, source = "was never made", "", "world"
        elif promise.who != effect.who:
            problem = f"was made by {case.name(promise.who)}"
            fact, source = promise.since.quote, promise.since.source
        elif promise.value != "open":
            problem = f"has already been {promise.value}"
            fact, source = promise.since.quote, promise.since.source
        else:
            continue
        words = effect.promise.replace("_", " ")
        yield Finding(
            f"The promise '{words}' {problem}.",
            quote=effect.quote,
            fact=fact,
            source=source,
            fix="Let the promise be made first, or leave it open.",
            key=effect.promise,
        )


CHECKS = (
    Check(
        "D7",
        "met before",
        "character",
        Severity.ERROR,
        met_before,
        "Mira and Corin are siblings. 'You meet Corin for the first time.'",
        "Mira and Corin are siblings. 'You ask Corin for your first audience with the queen.'",
        lambda case: any(case.before.met.values()),
    ),
    Check(
        "D7b",
        "promise out of order",
        "character",
        Severity.ERROR,
        promises,
        "Mira broke her promise to return. 'She keeps it after all': the same promise, kept.",
        "Mira promised to return and has not yet. 'She keeps her word.'",
        lambda case: (
            bool(case.before.promises) or any(e.kind in ("keeps", "breaks") for e in case.effects)
        ),
    ),
)
