"""Running code where it can do no harm."""

from tasks.sandbox.find import find_code
from tasks.sandbox.sandbox import ENGINES, Sandbox, open_sandbox

__all__ = ["ENGINES", "Sandbox", "find_code", "open_sandbox"]
