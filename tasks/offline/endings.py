"""The last scene of a path, of the kind that is asked for."""

from tasks.offline import grammar
from tasks.offline.page import Page
from tasks.offline.talk import last_words
from tasks.story.brief import EndingKind
from tasks.story.scene import DialogueLine
from tasks.story.world import Character


def write_ending(page: Page, kind: EndingKind, others: list[Character]) -> list[DialogueLine]:
    """Fill the page with an ending; returns what is said in it."""
    situation = page.situation
    page.add(f"bridge.{situation.turn}") or page.add("bridge.other")
    page.add(situation.sense)
    page.add("press")
    page.end_paragraph()
    page.add(f"{kind}.turn")
    if kind not in {"escape", "open"}:
        _learn(page)
    if kind in {"triumph", "escape"}:
        _use(page)
    page.end_paragraph()
    page.add(f"{kind}.close")
    page.add(f"{kind}.wish")
    if kind in {"triumph", "bittersweet", "discovery"}:
        _keep(page)
    page.end_paragraph()
    friends = [other for other in others if not situation.hostile(other)]
    if friends and kind != "escape":
        page.add("with.ending", situation.of(friends[0]))
    page.fill((f"{kind}.close", "inner", "develop"), situation.brief.words_per_scene - 40)
    page.add(f"{kind}.image")
    return last_words(situation, others)


def _learn(page: Page) -> None:
    situation = page.situation
    lead = situation.lead.id
    unknown = [f for f in situation.world.facts if not situation.state.knows_fact(lead, f.id)]
    for fact in sorted(unknown, key=lambda f: not f.secret):
        if situation.sayable(fact.text):
            words = {"fact": grammar.closed(fact.text)}
            page.add_with("learns.ending", words, "learns", {"who": lead, "fact": fact.id})
            return


def _use(page: Page) -> None:
    situation = page.situation
    for item in situation.held()[:1]:
        words = {"item": grammar.the_item(item.name)}
        page.add_with("use.ending", words, "uses", {"who": situation.lead.id, "item": item.id})


def _keep(page: Page) -> None:
    situation = page.situation
    for key, promise in situation.state.promises.items():
        if promise.who == situation.lead.id and promise.value == "open":
            words = {"whom": situation.name(situation.character(promise.whom))}
            who = {"who": promise.who, "promise": key}
            page.add_with("keep.ending", words, "keeps", who)
            return
