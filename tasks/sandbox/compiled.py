"""Where nothing can run code: whether it is Python at all."""

from tasks.sandbox.engine import Run
from tasks.story.code import Engine


class CompileOnly:
    """Compiles a program and does not run it."""

    name: Engine = "compile"

    async def run(self, program: str) -> Run:
        """`not_executed`, or `raised` for what no Python would run."""
        try:
            compile(program, "story.py", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return Run("raised", error=f"{type(error).__name__}: {error}"[:500])
        return Run("not_executed", error="no engine to run code; it compiles")

    async def close(self) -> None:
        """Nothing is open."""
