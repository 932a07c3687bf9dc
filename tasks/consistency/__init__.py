"""Whether what is proposed agrees with everything that is true on its path."""

from tasks.consistency.check import check_branch, check_scene

__all__ = ["check_branch", "check_scene"]
