"""Running code where it can do no harm."""

from tasks.sandbox.find import find_code
from tasks.sandbox.sandbox import EngineStatus, Sandbox, engines, open_sandbox

__all__ = ["EngineStatus", "Sandbox", "engines", "find_code", "open_sandbox"]
