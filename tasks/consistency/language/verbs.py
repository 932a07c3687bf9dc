"""Verbs by what they claim. The lists are in `english.toml`; a verb that no list has still says
that its subject acts.
"""

from tasks.consistency.language.english import words

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
WORKS = words("verbs", "works")
