"""Root becomes an ordinary user and runs the corpus: `python -m tests.sandbox.as_user`.

Prints one JSON object. What Python needs is imported before, for the user may not read it.
"""

import asyncio
import json
import os

from tasks.sandbox import bubblewrap, probe
from tasks.sandbox.engine import Run
from tests.sandbox.corpus import programs
from tests.sandbox.host import opened_host

USER = 65534


async def main() -> dict[str, list[str]]:
    with opened_host() as host:
        runs = await gathered(bubblewrap.Bubblewrap(), programs("ordinary"))
        failed = [f"{i}: {run.error}" for i, run in enumerate(runs) if run.verdict != "passed"]
        hostile = [host.fill(program) for program in programs("hostile")]
        runs = await gathered(bubblewrap.Bubblewrap(host.limits), hostile)
        broken = [str(run.error) for run in runs if run.verdict == "infra_error"]
        return {"failed": failed, "broken": broken, "effects": host.effects(runs)}


async def gathered(engine: bubblewrap.Bubblewrap, todo: list[str]) -> list[Run]:
    return list(await asyncio.gather(*map(engine.run, todo)))


if __name__ == "__main__":
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    try:
        probe.python()
    except RuntimeError as error:
        print(json.dumps({"unusable": str(error)}))
    else:
        print(json.dumps(asyncio.run(main())))
