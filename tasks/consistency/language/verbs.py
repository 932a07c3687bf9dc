"""Verbs by what they claim, and their forms. The lists are in `english.toml`.

A verb that no list has still says that its subject acts; see `guess`.
"""

from functools import cache
from typing import Literal

from tasks.consistency.language.english import section, words

Form = Literal["base", "third", "past", "participle", "ing"]

SPEAK = words("verbs", "speak")
MOVE = words("verbs", "move")
GAIN = words("verbs", "gain")
GIVE = words("verbs", "give")
DROP = words("verbs", "drop")
USE = words("verbs", "use")
KILL = words("verbs", "kill")
DIE = words("verbs", "die")
RUIN = words("verbs", "ruin")
SHUT = words("verbs", "shut")
UNSHUT = words("verbs", "unshut")
INTERACT = words("verbs", "interact")
ACT = words("verbs", "act")
WEAK = words("verbs", "weak")
PERCEIVE = words("verbs", "perceive")
LET = words("verbs", "let")
BELIEVE = words("verbs", "believe")
NO_CONTACT = words("verbs", "no_contact")
QUIET = words("verbs", "quiet")
HANDLING = words("verbs", "handling")
CARRYING = words("verbs", "carrying")
LEGACY = words("verbs", "legacy")
_DOUBLED = words("verbs", "doubled")
_IRREGULAR = section("irregular")


def forms(verb: str) -> dict[str, Form]:
    """Every form of a verb: `{'takes': 'third', 'took': 'past', 'taken': 'participle', ...}`."""
    stem = verb[:-1] if verb.endswith("e") else verb
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        third = verb + "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        third = verb[:-1] + "ies"
    else:
        third = verb + "s"
    doubled = verb + verb[-1] if verb in _DOUBLED else stem
    if verb.endswith("ie"):
        ing = verb[:-2] + "ying"
    else:
        ing = (verb if verb.endswith("ee") else doubled) + "ing"
    past = _IRREGULAR.get(verb, "").split()
    if not past:
        y = verb.endswith("y") and verb[-2] not in "aeiou"
        past = [verb[:-1] + "ied" if y else doubled + "ed"]
    found: dict[str, Form] = {past[-1]: "participle", past[0]: "past", ing: "ing", third: "third"}
    if verb == "light":
        found["lighted"] = "past"
    found.setdefault(verb, "base")
    return found


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
    # A form that two verbs share belongs to the first of these lists.
    order = (BELIEVE, PERCEIVE, LET, DIE, KILL, RUIN, SHUT, UNSHUT, INTERACT, DROP, GIVE, GAIN,
             USE, MOVE, SPEAK, ACT, WEAK)  # fmt: skip
    for group in order:
        for verb in sorted(group):
            for word, form in forms(verb).items():
                table.setdefault(word, (verb, form))
    # Two verbs share a form: the commoner one.
    table |= {"left": ("leave", "past"), "found": ("find", "past"), "saw": ("see", "past")}
    table |= {"lay": ("lie", "past"), "felt": ("feel", "past"), "fell": ("fall", "past")}
    return table
