"""Small English grammar: names in mid-sentence, pronouns, times, lists."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tasks.story.world import Character

LONGEST_NAME = 120
"""Characters of a name that prose can carry; a longer one is cut."""

_WORDS = {
    name.strip(): words.split()
    for name, _, words in (
        part.partition("\n")
        for part in (Path(__file__).parent / "vocabulary.txt").read_text("utf-8").split("# ")[1:]
    )
}
"""Word lists by name, from `vocabulary.txt`."""


def plain(text: str) -> str:
    """Text on one line, without the marks that would open a code block."""
    return " ".join(text.split()).replace("`", "'")


def clip(text: str, longest: int = LONGEST_NAME) -> str:
    """Text on one line, cut after a word where it is too long."""
    text = plain(text)
    if len(text) <= longest:
        return text
    head, _, _ = text[: longest - 1].rpartition(" ")
    return (head or text[: longest - 1]).rstrip(" ,;:") + "…"


def upper_first(text: str) -> str:
    """The same text with a capital first letter."""
    return text[:1].upper() + text[1:]


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    ends = re.compile("(?<=[.!?…])\\s+|(?<=[.!?…][\"'\u201d\u2019])\\s+")
    return [s for line in text.splitlines() for s in ends.split(plain(line)) if s]


def closed(text: str) -> str:
    """A sentence with a capital and a full stop, whether it had them or not."""
    text = upper_first(clip(text, 480))
    return text if text.endswith((".", "!", "?", "…", '"', "”")) else f"{text}."


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def short_name(character: Character, everyone: Sequence[Character]) -> str:
    """What people call somebody: the first name or a nickname, where nobody shares it."""
    words = clip(character.name).split()
    first = words[0]
    given = [alias for alias in character.aliases if alias.isalpha() and alias.istitle()]
    if len(words) == 1 or first in given:
        return first
    if given and given[0] != words[-1]:
        return given[0]
    if first.rstrip(".").lower() in _WORDS["titles"]:
        return f"{first} {words[-1]}" if first.rstrip(".").lower() != "old" else " ".join(words)
    if first.lower() in {"the", "a", "an"}:
        return " ".join(["the", *words[1:]])
    shared = sum(other.name.split()[:1] == [first] for other in everyone) > 1
    return " ".join(words) if shared or not first.isalpha() else first


def the_item(name: str) -> str:
    """An item in mid-sentence: `the brass key`, `Harker's diary`."""
    return _with_article(clip(name), common=True)


def the_place(name: str) -> str:
    """A place in mid-sentence: `the harbour`, `Whitby`, `the Lamp Room`."""
    words = [word.strip(",.").lower() for word in clip(name).split()]
    head = words[words.index("of") - 1] if "of" in words[1:] else words[-1]
    return _with_article(
        clip(name), common=head in _WORDS["places"] or head[:-1] in _WORDS["places"]
    )


def _with_article(name: str, *, common: bool) -> str:
    words = name.split()
    first = words[0]
    if first.lower() in {"the", "a", "an"} and len(words) > 1:
        return " ".join(["the", *words[1:]])
    possessive = any(w.endswith(("'s", "\u2019s", "s'", "s\u2019")) for w in words[:2])
    if possessive or first.lower() in {"my", "our", "your", "his", "her", "their"}:
        return name
    if first[:1].islower():
        return f"the {name}"
    if not common:
        return name
    proper = len(words) > 1 and any(word[:1].isupper() for word in words[1:])
    return f"the {name}" if proper or first.isupper() else f"the {name[:1].lower()}{name[1:]}"


def pronouns(character: Character) -> dict[str, str]:
    """Subject, object, possessive and past tense of `to be` for somebody."""
    known = {
        "she": ("her", "her"),
        "he": ("him", "his"),
        "they": ("them", "their"),
        "it": ("it", "its"),
    }
    given = [p.strip().lower() for p in re.split(r"[/,]", character.pronouns) if p.strip()]
    subject = given[0] if given and given[0].isalpha() else "they"
    objective, possessive = known.get(subject, known["they"])
    if subject not in known:
        if len(given) < 3:
            subject = "they"
        else:
            objective, possessive = given[1:3]
    were = "were" if subject == "they" else "was"
    return {"sub": subject, "obj": objective, "pos": possessive, "was": were}


def traits_of(character: Character) -> str | None:
    """Up to three short traits as a list, or None."""
    short = [clip(trait).rstrip(".") for trait in character.traits if len(trait.split()) <= 3]
    return listed([t[:1].lower() + t[1:] for t in short[:3]]) or None


def wish(goal: str) -> str | None:
    """A goal as it stands after `wanted to`, or None if it does not read as one."""
    text = clip(goal, 160).rstrip(".")
    text = re.sub(r"^(wants? |hopes? |tries |try )?to ", "", text[:1].lower() + text[1:])
    words = text.split()
    if not words or words[0] not in _WORDS["verbs"]:
        return None
    third_person = {"he", "him", "his", "she", "her", "hers", "they", "them", "their"}
    return None if third_person & {w.strip(",.;:").lower() for w in words} else text


def number(n: int) -> str:
    """A number in words up to ninety-nine, in digits above."""
    if n <= 20:
        return _WORDS["ones"][n]
    if n < 100:
        return _WORDS["tens"][n // 10] + (f"-{_WORDS['ones'][n % 10]}" if n % 10 else "")
    return str(n)


def span(minutes: int) -> str:
    """A length of time: `twenty minutes`, `two hours and ten minutes`, `three days`."""
    parts = []
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        count, minutes = divmod(minutes, size)
        if count:
            parts.append(f"{number(count)} {name}{'s' if count > 1 else ''}")
    return listed(parts) or "no time"


def hour(moment: datetime) -> str:
    """The time as people say it: `a little after nine in the evening`."""
    ahead = (moment.hour + (moment.minute > 40)) % 24
    if ahead in (0, 12):
        name = "midnight" if ahead == 0 else "noon"
    else:
        name = f"{number(ahead % 12)} {_of_the_day(ahead)}"
    if moment.minute > 40:
        return f"shortly before {name}"
    if moment.minute >= 20:
        return f"about half an hour past {name}"
    return f"a little after {name}" if moment.minute > 3 else f"about {name}"


def _of_the_day(hour: int) -> str:
    bounds = ((12, "in the morning"), (18, "in the afternoon"), (22, "in the evening"))
    return next((words for bound, words in bounds if hour < bound), "at night")


def daypart(moment: datetime) -> str:
    """`dawn`, `day`, `dusk` or `night`; without a sun or a season, by the clock."""
    bounds = ((5, "night"), (8, "dawn"), (17, "day"), (21, "dusk"))
    return next((name for bound, name in bounds if moment.hour < bound), "night")
