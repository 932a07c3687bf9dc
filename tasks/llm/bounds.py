"""What a call can cost at most, in tokens."""

import json

from tasks.llm.prompt import Prompt, Usage
from tasks.llm.schema import flat_schema


def upper_bound(prompt: Prompt) -> Usage:
    """Tokens no attempt can exceed: a token is at least one byte, and the output is limited."""
    texts = [prompt.system, prompt.shared, prompt.text]
    if prompt.schema is not None:
        texts.append(json.dumps(flat_schema(prompt.schema)))
    return Usage(
        tokens_in=sum(len(text.encode()) for text in texts),
        tokens_out=prompt.max_output_tokens,
        estimated=True,
    )
