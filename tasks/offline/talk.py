"""What is said in a scene: two to five lines, by those who are there."""

from tasks.offline.grammar import closed
from tasks.offline.situation import Situation
from tasks.story.effects import Tells
from tasks.story.scene import DialogueLine
from tasks.story.world import Character

_VOICES = {
    "terse": "short terse clipped blunt few gruff curt sparing laconic silent rarely little brief",
    "formal": "formal precise polite exact courteous educated learned measured careful official "
    "elegant dignified legal scholarly correct full",
    "warm": "warm gentle kind tender soft friendly motherly hearty affectionate caring cheerful",
    "wry": "wry dry ironic sarcastic joke jokes joking mocking witty teasing amused sly humour",
}
_EMOTIONS = {
    "greet": "wary",
    "tell": "serious",
    "deflect": "evasive",
    "warn": "worried",
    "close": "relieved",
    "end": "quiet",
    "ask": "curious",
    "probe": "curious",
    "react": "surprised",
    "resolve": "determined",
    "accuse": "angry",
    "foe": "defiant",
    "alone": "uneasy",
    "end_alone": "quiet",
    "remark": "nervous",
}


def voice(character: Character) -> str:
    """The deck that suits how somebody speaks, or failing that, what they are like."""
    for text in (character.voice or "", " ".join(character.traits)):
        words = {word.strip(".,;:!").lower() for word in text.replace("-", " ").split()}
        for name, signs in _VOICES.items():
            if words & set(signs.split()):
                return name
    return "plain"


class Talk:
    """Collects the lines of one scene."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.lines: list[DialogueLine] = []

    def say(self, who: Character, deck: str, other: Character | None = None) -> None:
        """Add a line from a deck, if one is left."""
        situation = self.situation
        values = situation.values | (situation.of(other) if other else {})
        if passage := situation.dealer.deal(deck, values):
            self._add(who, passage.text, deck)

    def lead(self, kind: str, other: Character | None = None) -> None:
        """A line of the protagonist's."""
        self.say(self.situation.lead, f"lead.{kind}", other)

    def other(self, who: Character, kind: str) -> None:
        """A line in somebody else's voice."""
        self.say(who, f"voice.{self._voice(who)}.{kind}")

    def _voice(self, who: Character) -> str:
        return "foe" if self.situation.hostile(who) else voice(who)

    def tell(self, who: Character) -> bool:
        """Somebody tells the protagonist what they do not know yet, if there is such a thing."""
        situation = self.situation
        for fact in situation.news_for(situation.lead.id, by=who.id):
            text = closed(fact.text)
            told = Tells(kind="tells", who=who.id, whom=situation.lead.id, fact=fact.id, quote=text)
            if situation.try_effects(told):
                values = situation.values | situation.of(who)
                prefix = situation.dealer.deal(f"voice.{self._voice(who)}.tell", values)
                situation.dealer.say(text)
                words = f"{prefix.text} {text}" if prefix else text
                self._add(who, words, "tell")
                return True
        return False

    def _add(self, who: Character, text: str, deck: str) -> None:
        emotion = _EMOTIONS[deck.rpartition(".")[2]]
        self.lines.append(DialogueLine(character_id=who.id, text=text, emotion=emotion))


def conversation(situation: Situation, others: list[Character]) -> list[DialogueLine]:
    """The lines of a scene that goes on: `others[0]` answers the protagonist."""
    talk = Talk(situation)
    if not others:
        talk.lead("alone")
        talk.lead("alone")
        return talk.lines
    who = others[0]
    if situation.hostile(who):
        return _against(talk, who)
    chance = situation.random("talk")
    if situation.turn == "opening" or chance.random() < 0.2:
        talk.other(who, "greet")
    angry = situation.turn == "clash" or chance.random() < 0.15
    asks = "accuse" if angry else "ask"
    if chance.random() < 0.65 and situation.news_for(situation.lead.id, by=who.id):
        talk.lead(asks, who)
        if talk.tell(who):
            talk.lead("react", who)
    else:
        talk.lead("accuse" if angry else "probe", who)
        talk.other(who, "deflect")
    talk.other(who, chance.choice(["warn", "close"]) if len(talk.lines) > 2 else "warn")
    if len(others) > 1 and len(talk.lines) < 5:
        foe = situation.hostile(others[1])
        talk.say(others[1], "voice.foe.warn" if foe else "third.remark")
    elif len(talk.lines) < 4:
        talk.lead("resolve", who)
    return talk.lines[:5]


def _against(talk: Talk, foe: Character) -> list[DialogueLine]:
    """What is said between the protagonist and an enemy."""
    if talk.situation.state.have_met(talk.situation.lead.id, foe.id):
        talk.other(foe, "greet")
    talk.lead("foe", foe)
    if talk.tell(foe):
        talk.lead("react", foe)
        talk.other(foe, "close")
    else:
        talk.other(foe, "deflect")
        talk.lead("foe", foe)
        talk.other(foe, "warn")
    return talk.lines[:5]


def last_words(situation: Situation, others: list[Character]) -> list[DialogueLine]:
    """The lines of an ending."""
    talk = Talk(situation)
    if not others:
        talk.lead("end_alone")
        talk.lead("end_alone")
        return talk.lines
    talk.other(others[0], "end")
    talk.lead("end", others[0])
    if len(others) > 1:
        talk.other(others[1], "end")
    return talk.lines
