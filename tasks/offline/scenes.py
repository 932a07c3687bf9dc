"""One scene: it follows from the choice before it, changes something, and leads to a choice."""

from tasks.offline import grammar
from tasks.offline.code_blocks import code_block
from tasks.offline.endings import write_ending
from tasks.offline.page import Page
from tasks.offline.situation import Situation
from tasks.offline.talk import conversation
from tasks.story.scene import DialogueLine, SceneText
from tasks.story.world import Character

_LATE = 2
"""Scenes before this one from which on the end is felt to come nearer."""

_TONES = {
    "opening": "expectant",
    "moves": "watchful",
    "gains": "secretive",
    "learns": "unsettled",
    "clash": "tense",
    "bond": "hopeful",
    "uses": "breathless",
    "other": "uneasy",
    "join": "wary",
}


def write_scene(situation: Situation) -> SceneText:
    """The scene a situation asks for, without its branches."""
    page = Page(situation)
    setting = _setting(situation)
    ending = situation.ask.ending or ("open" if situation.ask.branches == 0 else None)
    title = _title(situation, ending is not None)
    others = _partners(situation)
    if ending:
        dialogue = write_ending(page, ending, others)
        tone = f"{situation.brief.tone}, {ending}"
    else:
        dialogue = _go_on(page, others)
        tone = f"{situation.brief.tone}, {_TONES[situation.turn]}"
    return SceneText(
        title=title,
        setting_description=setting,
        place=situation.place.id,
        present=[situation.lead.id, *(c.id for c in situation.company)],
        narrative_text=page.text,
        beats=page.outline.beats,
        dialogue=dialogue,
        emotional_tone=tone,
        effects=situation.effects,
    )


def _go_on(page: Page, others: list[Character]) -> list[DialogueLine]:
    situation = page.situation
    if situation.turn == "opening":
        _open(page)
    else:
        page.add(f"bridge.{situation.turn}") or page.add("bridge.other")
        page.add(situation.sense)
    page.end_paragraph()
    others = _meet(page, others)
    page.end_paragraph()
    dialogue = conversation(situation, others)
    _happen(page)
    if situation.brief.code and (block := code_block(situation)):
        page.end_paragraph()
        page.put(block)
    _remind(page)
    page.end_paragraph()
    last = 25
    fillers = ("develop", "inner") if others else ("develop", "alone", "inner")
    if len(situation.ask.path) >= _LATE:
        fillers = ("develop", "press", "inner")
    page.fill(fillers, situation.brief.words_per_scene - last)
    page.add("hook")
    return dialogue


def _open(page: Page) -> None:
    situation = page.situation
    begin = page.add("first.begin")
    if begin and situation.state.place_of(situation.lead.id) is None:
        here = {"who": situation.lead.id, "to": situation.place.id}
        situation.try_effects(situation.effect("moves", here, begin.text[:500]))
    page.add("first.lead") or page.add("first.lead_plain")
    page.end_paragraph()
    if premise := _quotable(situation, situation.world.premise):
        page.add("first.premise", {"premise": premise})
    elif event := _latest_event(situation):
        page.add("first.event", {"event": event})
    else:
        page.add("first.unknown")
    page.add("first.wish") or page.add("first.unwished")
    if situation.brief.words_per_scene >= 150:
        page.add("first.stakes")


def _latest_event(situation: Situation) -> str | None:
    past = [e for e in situation.world.timeline if e.id in situation.state.events and e.when]
    for event in sorted(past, key=lambda e: str(e.when), reverse=True):
        if situation.sayable(event.text):
            return grammar.closed(event.text)
    return None


def _quotable(situation: Situation, text: str) -> str | None:
    """The first sentence or two of a text, if they may be said here."""
    start = " ".join(grammar.sentences(text)[:2])
    return grammar.closed(start) if start and situation.sayable(start) else None


def _setting(situation: Situation) -> str:
    """The place and the hour; what the world says of the place, the first time."""
    place = situation.place
    head = ", ".join(situation.values[gap] for gap in ("place", "hour") if gap in situation.values)
    head = f"{grammar.upper_first(head)}."
    been = not situation.joins and not situation.dealer.new(head)
    again = been and situation.dealer.deal("setting.again", situation.values)
    parts = [again.text if again else head]
    room = 2
    for sentence in grammar.sentences(place.description or "")[:4]:
        if room and situation.sayable(sentence):
            parts.append(grammar.closed(sentence))
            situation.dealer.say(sentence)
            room -= 1
    if len(parts) == 1 and (felt := situation.dealer.deal(situation.sense, situation.values)):
        parts.append(felt.text)
    return " ".join(parts)


def _title(situation: Situation, ends: bool) -> str:
    if not situation.ask.path:
        return grammar.clip(situation.brief.title, 110)
    deck = "title.ending" if ends else "title"
    values = situation.values
    if situation.company:
        values = values | situation.of(situation.company[0])
    passage = situation.dealer.deal(deck, values)
    return grammar.clip(passage.text, 110) if passage else grammar.clip(situation.place.name, 110)


def _partners(situation: Situation) -> list[Character]:
    """Who is there, in the order in which they matter to this scene."""
    others = situation.company
    situation.random("partners").shuffle(others)
    last = situation.ask.path[-1] if situation.ask.path else None
    ids = {"who", "whom"}
    concerned = {getattr(e, f, None) for e in (last.effects if last else []) for f in ids}
    spoke = {line.character_id for line in last.scene.dialogue} if last else set()
    return sorted(
        others,
        key=lambda c: (
            c.id not in concerned,
            not situation.news_for(situation.lead.id, by=c.id),
            c.id in spoke,
            c.id not in situation.brief.cast,
        ),
    )


def _meet(page: Page, others: list[Character]) -> list[Character]:
    """Say who is there, and let strangers meet; somebody may come."""
    situation = page.situation
    lead = situation.lead.id
    timely = situation.timed and situation.turn != "opening"
    comes = situation.comer() if timely and not others else None
    if comes:
        words = situation.of(comes)
        page.add_with("comes", words, "moves", {"who": comes.id, "to": situation.place.id})
        if comes in situation.company:
            others = [comes]
    if not others:
        page.add("alone")
        return []
    for nth, other in enumerate(others[:2]):
        # Where paths meet, they may have met on one of them.
        known = situation.joins or situation.state.have_met(lead, other.id)
        if not known:
            deck = "meets.comer" if comes else "meets" if nth == 0 else "meets.third"
            page.add_with(deck, situation.of(other), "meets", {"who": lead, "whom": other.id})
        elif nth == 0 and not comes:
            page.add("foe" if situation.hostile(other) else "here", situation.of(other))
        elif nth:
            deck = "foe.also" if situation.hostile(other) else "also"
            page.add(deck, situation.of(other, "third"))
    return others


def _happen(page: Page) -> None:
    """What the world has ready for this place: an event that is due, a thing that lies here."""
    situation = page.situation
    event = situation.due() if situation.ask.path else None
    if event:
        words = {"event": grammar.closed(event.text)}
        page.add_with("event", words, "happens", {"event": event.id})
    _show_item(page)
    _recall(page)
    if situation.ask.path and situation.random("pass").random() < 0.4:
        minutes = situation.random("minutes").choice([10, 15, 20, 25, 30, 40])
        words = {"span": grammar.span(minutes)}
        page.add_with("pass", words, "time_passes", {"minutes": minutes})


def _show_item(page: Page) -> None:
    situation = page.situation
    chance = situation.random("item")
    here, held = situation.lying_here(), situation.held()
    if not here and (not held or chance.random() < 0.4):
        return
    item = chance.choice(here or held)
    words = {"item": grammar.the_item(item.name)}
    if page.add("find" if here else "carry", words) and item.description:
        description = grammar.closed(item.description)
        if situation.sayable(description):
            page.add("as_it_is", {"text": description})


def _recall(page: Page) -> None:
    """Something the protagonist has known all along and the path has not told."""
    situation = page.situation
    known = situation.state.knows.get(situation.lead.id, {})
    facts = [f for f in situation.world.facts if f.id in known and f.about != situation.lead.id]
    for fact in facts:
        if situation.sayable(fact.text):
            page.add("recall", {"fact": grammar.closed(fact.text)})
            return


def _remind(page: Page) -> None:
    """Bring in what the brief wants to see and the path has not told yet."""
    for wanted in page.situation.brief.must_include:
        text = grammar.clip(wanted, 300).rstrip(".")
        if not page.situation.dealer.has_told(text) and page.add("remind", {"must": text}):
            return
