"""Every prompt a run may send, tried before its first call."""

from tasks.core.cache_by_identity import cache_by_identity
from tasks.core.settings import Settings
from tasks.prompts.render import FOLDER, held, prompt_ids, render
from tasks.prompts.samples import samples


@cache_by_identity(4)
def check_prompts(settings: Settings) -> None:
    """Render each prompt that would be sent, for a sample story.

    Raises InputError, with file and line, for one that is broken, needs what it is not given, or is
    held at a version that is not there. Tried once for all stories that share settings.
    """
    for prompt_id in dict.fromkeys([*prompt_ids((FOLDER,)), *held(settings)]):
        render(prompt_id, samples(), settings=settings)
