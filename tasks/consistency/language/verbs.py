"""Verbs by what they claim, and their forms.

Only verbs whose meaning matters to a check are here; a verb that is missing claims nothing.
"""

from functools import cache
from typing import Literal

Form = Literal["base", "third", "past", "participle", "ing"]

SPEAK = """say tell ask answer reply whisper shout call cry mutter murmur speak talk explain
announce declare insist admit confess reveal promise swear warn greet laugh sing chuckle hiss
growl snap demand beg plead argue agree suggest remark add interrupt joke thank scold order
command urge confide recite introduce""".split()

MOVE = """go walk run climb come arrive enter reach leave return ride sail row march hurry rush
sneak creep step cross descend ascend travel journey drive swim wade crawl stride head slip dash
sprint trudge hike wander stroll gallop fly land board jump leap dive stumble race set make
follow""".split()

GAIN = """take grab seize pocket receive accept steal snatch lift collect catch find recover
retrieve buy pick gather pluck get inherit reclaim""".split()

GIVE = "give hand pass offer sell lend return toss slip press surrender deliver".split()

DROP = "drop lose discard abandon leave throw hurl fling forget".split()

USE = """use light wield swing raise fire read drink wear play strike brandish unfold show wave
ring load aim blow open consult unlock lower unroll hold lift draw unsheathe carry clutch grip
produce turn tie sharpen hoist point press cut pry swallow eat burn fit insert study
throw hurl toss keep strap tighten lean uncork pour spend display slide grasp shoulder switch
flick""".split()

KILL = "kill murder slay execute behead strangle assassinate drown poison shoot hang".split()
DIE = "die perish drown".split()

RUIN = """destroy smash shatter demolish burn wreck crush raze incinerate melt obliterate
explode collapse disintegrate""".split()

SHUT = "close seal lock bar block shut barricade".split()
UNSHUT = "open unlock reopen unseal unbar force clear".split()

INTERACT = """ask question persuade convince invite follow meet greet consult confront join hire
marry warn bribe interrogate embrace hug accompany thank tell beg order challenge escort help
trust wake kiss recruit""".split()
"""What one does with somebody who is there and can answer."""

ACT = """nod smile grin frown shrug wink bow wave point beckon gesture sigh push pull lead guide
show bring carry build cook mend repair write draw paint fight attack defend stab hit punch kick
strike wrestle shove drag hold grip open close shut unlock lock knock listen wait stop start begin
try decide refuse agree offer help join hide search look watch turn kneel sit stand rise wake
drink eat pour serve pay sell buy trade sign read study check count hammer dig chop saw tie untie
light extinguish throw catch steal drop lift raise lower hang load fire aim sail steer row play
dance embrace hug kiss clap shake grab reach touch stroke pat brush wipe wash dress undress pack
gather sweep steady appear emerge vanish lean press squeeze clutch snatch tug yank interrupt
hesitate pause gasp cough shiver tremble blink stare glare glance peer gaze squint scowl shake
accompany escort greet meet welcome usher summon invite teach train heal bandage rescue save free
release untangle arrest chase pursue hunt corner catch betray accuse blame forgive thank obey
approach tap slap spit fold unfold slide set put place hand fetch deliver grant plan
volunteer hurry sprint block bar guard stay leave mount saddle whistle hum shift stoop crouch duck
duel draw parry lunge swing wield hoist haul heave""".split()

WEAK = set(
    """lie rest sleep remain sit stand stare hang fall look gaze watch wait appear vanish
stay smile set make turn""".split()
)
"""What a body, a picture or a memory can be said to do: never evidence by itself."""

PERCEIVE = "see watch find hear spot notice feel discover catch observe".split()
LET = "let help make have".split()

BELIEVE = """think believe imagine hope wish fear suspect suppose expect pretend dream remember
recall wonder doubt guess assume claim know forget picture fancy swear""".split()
"""What follows is in somebody's head."""

IRREGULAR = {
    "say": "said", "tell": "told", "speak": "spoke spoken", "swear": "swore sworn",
    "sing": "sang sung", "go": "went gone", "run": "ran run", "come": "came come",
    "leave": "left", "ride": "rode ridden", "creep": "crept", "drive": "drove driven",
    "swim": "swam swum", "stride": "strode stridden", "fly": "flew flown", "leap": "leapt",
    "dive": "dove dived", "set": "set", "make": "made", "take": "took taken",
    "steal": "stole stolen", "catch": "caught", "find": "found", "buy": "bought",
    "get": "got gotten", "give": "gave given", "sell": "sold", "lend": "lent", "lose": "lost",
    "throw": "threw thrown", "fling": "flung", "forget": "forgot forgotten", "light": "lit",
    "swing": "swung", "read": "read", "drink": "drank drunk", "wear": "wore worn",
    "strike": "struck", "ring": "rang rung", "blow": "blew blown", "hold": "held",
    "draw": "drew drawn", "tie": "tied", "cut": "cut", "eat": "ate eaten", "burn": "burnt",
    "fit": "fitted", "keep": "kept", "lean": "leant", "spend": "spent", "slide": "slid",
    "slay": "slew slain", "shoot": "shot", "hang": "hung", "shut": "shut", "meet": "met",
    "wake": "woke woken", "lead": "led", "show": "showed shown", "bring": "brought",
    "build": "built", "write": "wrote written", "fight": "fought", "hit": "hit",
    "begin": "began begun", "hide": "hid hidden", "kneel": "knelt", "sit": "sat",
    "stand": "stood", "rise": "rose risen", "pay": "paid", "shake": "shook shaken",
    "sweep": "swept", "teach": "taught", "spit": "spat", "put": "put", "think": "thought",
    "feel": "felt", "see": "saw seen", "hear": "heard", "let": "let", "have": "had",
    "dream": "dreamt", "know": "knew known", "lie": "lay lain", "sleep": "slept",
    "fall": "fell fallen", "break": "broke broken", "dig": "dug", "free": "freed",
    "forgive": "forgave forgiven", "die": "died", "hurt": "hurt", "bear": "bore borne",
    "melt": "melted", "pry": "pried", "saw": "sawed",
}  # fmt: skip

DOUBLED = set(
    """stop nod step slip grab grin hug pat tap tug drag drop wrap hum chop grip clap
snap beg plan shrug dig cut put set sit run swim get hit bar shut sprint plot strap spit
flick""".split()
) - {"sprint", "flick"}


def forms(verb: str) -> dict[str, Form]:
    """Every form of a verb: `{'takes': 'third', 'took': 'past', 'taken': 'participle', ...}`."""
    stem = verb[:-1] if verb.endswith("e") else verb
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        third = verb + "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        third = verb[:-1] + "ies"
    else:
        third = verb + "s"
    doubled = verb + verb[-1] if verb in DOUBLED else stem
    if verb.endswith("ie"):
        ing = verb[:-2] + "ying"
    else:
        ing = (verb if verb.endswith("ee") else doubled) + "ing"
    past = IRREGULAR.get(verb, "").split()
    if not past:
        y = verb.endswith("y") and verb[-2] not in "aeiou"
        past = [verb[:-1] + "ied" if y else doubled + "ed"]
    found: dict[str, Form] = {past[-1]: "participle", past[0]: "past", ing: "ing", third: "third"}
    if verb == "light":
        found["lighted"] = "past"
    found.setdefault(verb, "base")
    return found


NO_CONTACT = frozenset(
    """see want need miss seek regret mention notice consider describe curse admire
hate love dread avoid mourn chase watch imagine remember recall recognise recognize know understand
sketch ask demand owe promise deny covet desire find lack forget hear follow pass approach face
expect picture envy resent fear prefer like value trust doubt think dream wish hope circle spot
glimpse eye name call draw reach say tell discuss search request offer describe lose hunt crave
await suspect mean be have become paint smell inherit design invent study""".split()
)
"""Verbs whose object need not be at hand."""

QUIET = frozenset(
    """drown hurt suffer haunt lie rest sleep remain belong mean matter deserve live seem fall hang look
gaze stare sit stand wait stay appear vanish smile die perish become stretch sound need want love
hate weigh owe own know believe rise loom was his its this thus less""".split()
)
"""Verbs that say nothing about whether their subject can act."""

LEGACY = frozenset(
    """teach leave give make build write tell show warn promise plant own love carve use
bring say buy sew hide plan keep name draw paint call mean raise train sing want know think""".split()
)
"""What somebody did in their lifetime and is still spoken of in the simple past."""


def guess(word: str, plural: bool) -> tuple[str, Form] | None:
    """A verb that stands right after its subject, though no list has it: 'Corin trots'."""
    if not word.isalpha() or len(word) < 4:
        return None
    if not plural and word.endswith("s") and not word.endswith(("ss", "ous", "us", "is")):
        stem = word[:-2] if word.endswith(("ches", "shes", "sses", "xes")) else word[:-1]
        return (stem[:-2] + "y" if word.endswith("ies") else stem), "third"
    if word.endswith("ed"):
        return word[:-2], "past"
    return None


@cache
def lexicon() -> dict[str, tuple[str, Form]]:
    """Every form of every verb here, to its base and form."""
    table: dict[str, tuple[str, Form]] = {}
    for group in (BELIEVE, PERCEIVE, LET, DIE, KILL, RUIN, SHUT, UNSHUT, INTERACT, DROP, GIVE, GAIN,
                  USE, MOVE, SPEAK, ACT, list(WEAK)):  # fmt: skip
        for verb in group:
            for word, form in forms(verb).items():
                table.setdefault(word, (verb, form))
    # Two verbs share a form: the commoner one.
    table |= {"left": ("leave", "past"), "found": ("find", "past"), "saw": ("see", "past")}
    table |= {"lay": ("lie", "past"), "felt": ("feel", "past"), "fell": ("fall", "past")}
    return table
