"""Whether what is proposed agrees with everything that is true on its path.

Declared effects are checked one by one against the state they meet, and condemn (found by 'rule').
The prose is read too, because a model that contradicts itself also forgets to declare it. What it
plainly asserts (a named subject, an unmistakable verb, no dream, memory, tale, lie, wish or
negation about it) condemns with confidence 0.85-0.9 (found by 'inferred'); anything less certain
is a warning or a remark. Effects read from the prose of stories that declare none only warn.
"""

from tasks.consistency.check import check_branch, check_scene

__all__ = ["check_branch", "check_scene"]
