"""In which mode a sentence claims what it claims. Only what is asserted can contradict."""

import re
from typing import Literal

Mode = Literal["asserted", "said", "dreamt", "hypothetical", "negated", "past", "depicted"]

_CUES: tuple[tuple[Mode, str], ...] = (
    (
        "dreamt",
        r"dream\w*|nightmares?|visions?|hallucinat\w+|delirium|reverie|trance|mirage|fever|asleep"
        r"|in (?:your|her|his|their|my|our) sleep|half[- ]asleep|imagin\w+|fantas\w+|daydream\w*"
        r"|in (?:your|her|his|their|my) (?:mind|head)|mind's eye|sleep takes",
    ),
    (
        "past",
        r"remember\w*|recall\w*|memory|memories|reminisc\w+|(?:years?|months?|weeks?|days?|hours?|winters?|summers?)"
        r" (?:ago|before|earlier|since)|long ago|once upon|used to|back (?:then|when)|in those days|as a "
        r"(?:child|boy|girl|cadet|student)|as children|flashback|th(?:ink|inks|inking|ought) (?:back|of)|"
        r"last (?:year|summer|winter|spring|autumn|month|week|night)|in (?:his|her|their) day|once,|had once|once (?:said"
        r"|told|taught|gave|stood|made|hung|was|were)|before (?:he|she|they|it) "
        r"(?:died|fell|burned|left|sank|was|were)|in happier|the (?:day|night|morning|evening|summer|winter|year|time) "
        r"(?:that |when |before |of )|childhood|decades|mourn\w*|griev\w*|grief|miss(?:es|ed|ing)? (?:him|her|them)|"
        r"in memory|anniversary|where .{1,30} (?:stood|was|were|used)|epitaph|eulogy|toast to the|in honou?r of|legacy|"
        r"the late|history|centur(?:y|ies)",
    ),
    (
        "depicted",
        r"(?:the|a|this|her|his|school|stage|miracle|passion|puppet) play|on[- ]?stage|on the stage|simulat\w+|drills?|war game|practice run|exercise|theat(?:re|er)|theatrical"
        r"|actors?|actress|understudy|rehears\w+|puppets?|marionettes?|masks?|portraits?|painting|painted|paints"
        r"|statues?|bust|photographs?|photo|picture|effigy|costume|plays the (?:part|role)|role of|ballads?|songs?"
        r"|legends?|tales?|story|stories|novel|fable|myth|ghosts?|spirit|phantom|apparition|spect(?:re|er|ral)|s[eé]ance"
        r"|disguis\w+|dressed as|impersonat\w+|imitat\w+|mimic\w*|recordings?|recorded|tape|film|reel|footage|projection"
        r"|hologram|archive\w*|carved|carving|sculpt\w+|tapestry|mural|fresco|likeness|lookalike|look-alike"
        r"|pretend\w*|make-believe|charade|conjur\w+|illusion\w*|sleight|stagecraft|card trick|magic trick|tricks? of"
        r"|(?:'s|’s|in (?:his|her|the|a|their|that)|last|from|your|old|reads?|reading|opens?|opened) (?:\w+ ){0,2}(?:letters?|notes?)|letters? (?:is|was|says?|reads?|from|asks?|came|to|ends?)"
        r"|diary|diaries|journal|log entry|postcard|telegram|message|inscription|reads:|wrote|writes|written"
        r"|handwriting|signature|testament|engraved|sketch\w*|drawing|drawn|map shows|on the map|model of|replica|copy"
        r"|forger\w+|counterfeit|fake|namesake|named (?:for|after)|reflection|echo|wax|doll|scarecrow|stand-?in",
    ),
    (
        "said",
        r"rumou?r\w*|according to|gossip\w*|hearsay|claims?|claimed|claiming|alleg\w+|insists?|insisted|boasts?|boasted"
        r"|pretends?|lies? (?:that|about|to)|lied|lying (?:about|to)|bluff\w*|word is|word has it|swears?|swore|they say|people say"
        r"|reportedly|supposedly|so (?:he|she|they) says?|tells? (?:\w+ ){1,3}(?:that|how|about|of)|told (?:\w+ ){1,3}(?:that|how|about|of)"
        r"|says? (?:that )?(?=\w+ (?:is|was|has|had))|invents?|invented|alibi|made[- ]up|false(?:ly)?|prophe\w+|predict\w*|foretell\w*|promises?",
    ),
    (
        "hypothetical",
        r"if|unless|would|could|might|perhaps|maybe|suppose\w*|supposing|wish(?:es|ed|ing)?|hop(?:e|es|ed|ing)|wonder\w*|what if"
        r"|whether|in case|lest|were to|if only|as though|as if|or else|pretend|plan(?:s|ned|ning)? to|ought|otherwise|had .{1,20} lived"
        r"|should|instead of|rather than|threaten\w*|try to picture|picture|theor\w+|guess\w*|suspect\w*|seems? to|half expect\w*|expect\w*|doubt\w*|almost|nearly",
    ),
    (
        "negated",
        r"not|never|no longer|cannot|nobody|no one|nothing|none|neither|nor|without|refus\w+|fail\w*|no sign of|n't|isn't|"
        r"don't|doesn't|didn't|can't|won't|wasn't|aren't|couldn't|wouldn't|hasn't|haven't|hadn't|absence|empty|missing|gone|ruins?"
        r"|rubble|remains of|ashes of|nowhere|vacant|used to be",
    ),
)  # fmt: skip
_PLAIN_WORD = re.compile(r"([a-z'-]+)(\\w[*+])?")
_IN_TEXT = re.compile(r"[a-z'-]+")


def _split(pattern: str) -> list[str]:
    """The alternatives of a pattern, those inside brackets left alone."""
    parts, depth = [""], 0
    for letter in pattern:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


_EXACT: dict[str, Mode] = {}
_PREFIX: dict[str, Mode] = {}
_phrases: list[tuple[Mode, str]] = []
for _mode, _words in _CUES:
    for _one in _split(_words):
        if _plain := _PLAIN_WORD.fullmatch(_one):
            (_PREFIX if _plain[2] else _EXACT).setdefault(_plain[1], _mode)
        else:
            _phrases.append((_mode, _one))
# Single words are looked up, which is much faster than trying hundreds of alternatives.
_LENGTHS = sorted({len(prefix) for prefix in _PREFIX})
_PHRASE = re.compile(
    "|".join(
        rf"(?P<{mode}>\b(?:{'|'.join(p for m, p in _phrases if m == mode)})(?!\w))"
        for mode in dict.fromkeys(m for m, _ in _phrases)
    )
)
_FRAME = re.compile(
    r"\b(?:dream\w*|nightmare|vision|trance|reverie|fever|remember\w*|recall\w*|memory|memories|flashback|"
    r"think(?:s|ing)? back|imagin\w+|stage|play begins|rehears\w+|story|tale|ballad|legend|film|reel|recording|"
    r"suppose|puppets?|pretend\w*|years? (?:ago|before|earlier)|long ago|diary|letter|s[eé]ance)\b",
)
_WAKE = re.compile(
    r"\b(?:wakes?|woke|awake|awoke|only a dream|just a dream|was a dream|never happened|none of it|trick of the light"
    r"|only a (?:story|game|trick|memory|play|vision)|just a (?:story|game|trick|memory|play|vision)|applau\w+|curtain"
    r"|the director|or so (?:you|she|he|they)|open (?:your|her|his) eyes|dream|lie|lying|imagined?|vanish\w*|rehearsal)\b",
)
_BACK = re.compile(
    r"\b(?:wakes?|woke|awake|awoke|now|today|back (?:in|at|to|on)|the (?:dream|memory|vision|song|play|story|film|reel) "
    r"(?:ends|fades|is over|breaks|stops)|open (?:your|her|his) eyes|curtain|shake (?:it|your head|the memory)|then you)\b",
)
AFTER_ONLY = frozenset({"negated", "hypothetical", "said"})
"""Cues that reach only what follows them; the others colour the whole sentence."""


def cues(sentence: str) -> list[tuple[int, Mode]]:
    """Every cue in a sentence, with its offset, in order."""
    low = sentence.lower().replace("’", "'")
    found: list[tuple[int, Mode]] = [
        (m.start(), m.lastgroup)  # type: ignore[misc]
        for m in _PHRASE.finditer(low)
    ]
    for match in _IN_TEXT.finditer(low):
        word = match.group()
        mode = _EXACT.get(word) or (_EXACT.get("n't") if word.endswith("n't") else None)
        if mode is None:
            mode = next((_PREFIX[word[:n]] for n in _LENGTHS if word[:n] in _PREFIX), None)
        if mode:
            found.append((match.start(), mode))
    return sorted(found)


def opens_frame(sentence: str) -> bool:
    """Whether a dream, a memory or a tale begins that the next sentences belong to."""
    return _FRAME.search(sentence.lower()) is not None


def ends_frame(sentence: str) -> bool:
    """Whether a dream, a memory or a tale is over with this sentence."""
    return _BACK.search(sentence.lower()) is not None


def unmakes(sentence: str) -> bool:
    """Whether what came before turns out to be a dream, a game or a lie."""
    return _WAKE.search(sentence.lower()) is not None
