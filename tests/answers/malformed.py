"""Answers as models spoil them, made from a good one."""

import json
import random
from collections.abc import Callable
from typing import Any

from tasks.llm.providers.schema import flat_schema
from tasks.story.scene import SceneDraft
from tests.emulators.answers import Cast, answer

Scene = dict[str, Any]
CHAT = ["Sure! Here is your {scene}:\n\n", "Let me think about {this} first.\n", ""]


def good(number: int) -> Scene:
    """A scene, another for every number."""
    text = answer(flat_schema(SceneDraft), str(number).encode(), Cast("quay", ("mara",)), 900, 3)
    scene: Scene = json.loads(text)
    scene["effects"] = [{"kind": "moves", "who": "mara", "to": "quay", "quote": "Rain ran"}]
    return scene


def cut(scene: Scene, rng: random.Random) -> str:
    text = json.dumps(scene)
    return text[: rng.randrange(20, len(text) - 1)]


def cut_in_a_fence(scene: Scene, rng: random.Random) -> str:
    return "```json\n" + cut(scene, rng)


def fenced(scene: Scene, rng: random.Random) -> str:
    return f"```json\n{json.dumps(scene, indent=2)}\n```"


def chatty(scene: Scene, rng: random.Random) -> str:
    return rng.choice(CHAT) + json.dumps(scene) + "\n\nTell me if you would like {changes}."


def wrong_types(scene: Scene, rng: random.Random) -> str:
    change: Scene = rng.choice(
        [{"title": 7}, {"present": "mara"}, {"dialogue": None}, {"effects": {}}, {"title": ["a"]}]
    )
    return json.dumps(scene | change)


def extra_fields(scene: Scene, rng: random.Random) -> str:
    branches = [branch | {"id": n} for n, branch in enumerate(scene["story_branches"])]
    return json.dumps(scene | {"scene_number": 3, "story_branches": branches})


def missing_fields(scene: Scene, rng: random.Random) -> str:
    gone = rng.sample(sorted(scene), rng.randint(1, 3))
    return json.dumps({key: value for key, value in scene.items() if key not in gone})


def single_quotes(scene: Scene, rng: random.Random) -> str:
    return repr(scene)


def bare_inner_quotes(scene: Scene, rng: random.Random) -> str:
    marked = scene | {
        "narrative_text": scene["narrative_text"] + " @Hold fast,@ she said. Then on."
    }
    return json.dumps(marked).replace("@", '"')


def bare_line_breaks(scene: Scene, rng: random.Random) -> str:
    return json.dumps(scene | {"narrative_text": "One.\n\nTwo."}).replace("\\n", "\n")


def trailing_commas(scene: Scene, rng: random.Random) -> str:
    return json.dumps(scene).replace("}]", "},]")


def unquoted_keys(scene: Scene, rng: random.Random) -> str:
    return json.dumps(scene).replace('"title":', "title:")


def looped(scene: Scene, rng: random.Random) -> str:
    return json.dumps(scene) * rng.randint(2, 30)


def loop_in_the_prose(scene: Scene, rng: random.Random) -> str:
    prose = "And the wind did not wait. " * 4000
    return json.dumps(scene | {"narrative_text": prose})[: rng.randrange(30_000, 90_000)]


def not_a_number(scene: Scene, rng: random.Random) -> str:
    feels = {"kind": "feels", "who": "mara", "whom": "mara", "change": float("nan"), "quote": "x"}
    return json.dumps(scene | {"effects": [feels]})


def not_json(scene: Scene, rng: random.Random) -> str:
    return rng.choice(["", "I cannot help with that.", "<scene/>", "null", "[]", '"a"', "{", "{}"])


def another_language(scene: Scene, rng: random.Random) -> str:
    words = {"title": "titel", "narrative_text": "erzaehlung", "place": "ort"}
    return json.dumps({words.get(key, key + "_de"): value for key, value in scene.items()})


def huge(scene: Scene, rng: random.Random) -> str:
    return json.dumps(scene | {"narrative_text": "long " * 1_000_000})


SPOILERS: list[Callable[[Scene, random.Random], str]] = [
    cut,
    cut_in_a_fence,
    fenced,
    chatty,
    wrong_types,
    extra_fields,
    missing_fields,
    single_quotes,
    bare_inner_quotes,
    bare_line_breaks,
    trailing_commas,
    unquoted_keys,
    looped,
    loop_in_the_prose,
    not_a_number,
    not_json,
    another_language,
]
"""All but `huge`, of which a few are enough."""
