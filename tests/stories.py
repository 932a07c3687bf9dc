"""Stories for tests, without a flow: prose by the offline writer, verdicts made up.

`make_story` is fast and the same for the same arguments; `hostile_story` has texts that are markup
in every format stories are exported to.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import examples
from tasks.scoring.form import quality
from tasks.story.brief import Brief
from tasks.story.code import CodeReport, Snippet
from tasks.story.scene import Beat, Branch, BranchDraft, DialogueLine, Provenance, Scene, SceneDraft
from tasks.story.story import Missing, Story
from tasks.story.verdict import Issue, Verdict
from tasks.story.world import World
from tasks.world.load import load_brief, load_world
from tests.offline.growing import Leaf, grow

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</script><script>document.title='owned'</script> [[a->b]] [[c|d]] <<run alert(1)>> $name _t "
    "{~a|b} {{7*7}} -> END <- x <> (set: $a to 1) (link: \"x\")[y] |hook> ''b'' //i// __u__ "
    '~~s~~ ^^t^^ @@x;y@@ ==z== `c` """v""" {{{w}}} &lt; &amp;#91; 50 % / 100 % \\n \\ #tag '
    "“quotes” \"straight\" 'single' it's 10:30 http://example.invalid/x javascript:alert(1) -- --- "
    "\u202eright to left\u202c עברית العربية 🜁👩‍👩‍👧 ]]> <!-- --> /* no */ /% no %/ // no"
    "\n:: Not a passage [tag]\n=== not_a_knot ===\n* not a choice\n+ nor this\n- nor a gather\n"
    "~ not = code\n! not a heading\n# nor this\n> no quote\n0. no list\n----\nVAR x = 1\n"
    "INCLUDE other.ink\nTODO: nothing\n<<if $x>>\n\n```python\nif x[0] -> {'a': '<b>'}:\n"
    "    print('<<y>>')  # [[z]]\n```\nend"
)


@cache
def lighthouse() -> tuple[World, Brief]:
    folder = Path(examples.__file__).parent / "the-lighthouse"
    world = load_world(folder / "world.yaml")
    return world, load_brief(folder / "briefs/night-hum.yaml", world)


@dataclass
class _Refusals:
    """Follows the first branches of each scene, and remembers which it did not follow."""

    breadth: int
    followed: dict[str, list[BranchDraft]] = field(default_factory=dict)

    def __call__(self, leaf: Leaf, branch: BranchDraft) -> bool:
        kept = self.followed.setdefault(leaf.ask.scene_id, [])
        if len(kept) < self.breadth:
            kept.append(branch)
            return True
        return False


@cache
def make_story(seed: int = 1, depth: int = 2, breadth: int = 2, joins: bool = False) -> Story:
    """A complete story of `breadth ** 0 + ... + breadth ** depth` scenes, fewer with joins."""
    world, brief = lighthouse()
    refusals = _Refusals(breadth)
    leaves = list(
        grow(world, brief, seed=seed, depth=depth, breadth=breadth, branches=breadth + 1,
             keep=refusals)
    )  # fmt: skip
    written = {leaf.ask.scene_id for leaf in leaves}
    scenes = [_scene(leaf, refusals, written, world, brief) for leaf in leaves]
    scenes.sort(key=lambda scene: [int(n) for n in scene.scene_id.split(".")])
    story = Story(
        id=f"night-hum-{seed}",
        title=brief.title,
        world=world,
        brief=brief,
        seed=seed,
        depth=depth,
        breadth=breadth,
        written_by="offline writer",
        scenes=scenes,
    )
    return _joined(story) if joins else story


def _scene(leaf: Leaf, refusals: _Refusals, written: set[str], world: World, brief: Brief) -> Scene:
    draft, scene_id = leaf.scene, leaf.ask.scene_id
    followed = refusals.followed.get(scene_id, [])
    refused = [branch for branch in draft.story_branches if branch not in followed]
    code = [_code()] if "```" in draft.narrative_text else []
    return Scene(
        **draft.model_dump(exclude={"story_branches"}),
        scene_id=scene_id,
        story_branches=[
            Branch(
                **branch.model_dump(),
                branch_id=f"{scene_id}{'abcdefgh'[n]}",
                verdict=Verdict(decision="accept", overall_score=1, coverage=0.7),
                leads_to=f"{scene_id}.{n + 1}" if f"{scene_id}.{n + 1}" in written else None,
            )
            for n, branch in enumerate(followed)
        ],
        refused_branches=[
            Branch(
                **branch.model_dump(),
                branch_id=f"{scene_id}{'abcdefgh'[len(followed) + n]}",
                verdict=refusal(branch),
            )
            for n, branch in enumerate(refused)
        ],
        verdict=Verdict(decision="accept", overall_score=1, coverage=0.7),
        ending=leaf.ask.ending,
        code=code,
        quality=quality(draft, draft.story_branches, brief, world, code, ending=not followed),
        written_by=Provenance(
            provider="offline",
            model="offline writer",
            prompt_id="scene",
            prompt_version=1,
            prompt_hash="0" * 12,
            seed=1,
        ),
        cost_usd=Decimal("0.000123"),
    )


def refusal(branch: BranchDraft) -> Verdict:
    """A refusal that quotes both sides."""
    issue = Issue(
        check="D1",
        name="the dead act",
        category="character",
        severity="error",
        message="Anselm Calder is dead, yet acts, speaks or answers here.",
        quote=branch.consequence[:200],
        fact="Anselm Calder drowned on the night of the storm.",
        source="world",
        suggested_fix="Let somebody who is alive do it.",
    )
    return Verdict(decision="reject", overall_score=0.3, coverage=0.7, issues=[issue])


def _code() -> CodeReport:
    snippet = Snippet(code="print(1)", first_line=3, last_line=5)
    return CodeReport(snippet=snippet, verdict="passed", engine="bubblewrap", stdout="1\n")


def _joined(story: Story) -> Story:
    """The last choices of sibling scenes lead to the same scene; what only the others led to is
    gone."""
    scenes = {scene.scene_id: scene for scene in story.scenes}
    for parent in story.scenes:
        siblings = [b.leads_to for b in parent.story_branches if b.leads_to in scenes]
        ends = [(s, scenes[s].story_branches) for s in siblings if s and scenes[s].story_branches]
        for scene_id, branches in ends[1:]:
            meet = branches[-1].model_copy(update={"leads_to": ends[0][1][-1].leads_to})
            changed = {"story_branches": [*branches[:-1], meet]}
            scenes[scene_id] = scenes[scene_id].model_copy(update=changed)
    reached, queue = set(), ["1"]
    while queue:
        scene_id = queue.pop()
        if scene_id not in reached:
            reached.add(scene_id)
            queue += [b.leads_to for b in scenes[scene_id].story_branches if b.leads_to]
    return story.model_copy(update={"scenes": [s for i, s in scenes.items() if i in reached]})


def hostile_story() -> Story:
    """A story with joins, a stand-in and a missing scene, every text of which is `HOSTILE`."""
    story = make_story(3, depth=3, breadth=2, joins=True)
    gone = story.scenes[-1].scene_id
    scenes = [_hostile(scene, gone) for scene in story.scenes if scene.scene_id != gone]
    return story.model_copy(
        update={
            "title": f"{HOSTILE[:400]}",
            "written_by": "<b>model</b> [[x]]",
            "scenes": scenes,
            "missing": [Missing(scene_id=gone, reason=HOSTILE[:400])],
        }
    )


def _hostile(scene: Scene, gone: str) -> Scene:
    def branch(old: Branch, n: int) -> Branch:
        leads_to = None if old.leads_to == gone else old.leads_to
        changed = {"choice": f"{n}) {HOSTILE}", "consequence": HOSTILE, "leads_to": leads_to}
        issues = [
            issue.model_copy(update={"message": HOSTILE, "quote": HOSTILE, "fact": HOSTILE})
            for issue in old.verdict.issues
        ]
        return old.model_copy(
            update=changed | {"verdict": old.verdict.model_copy(update={"issues": issues})}
        )

    return scene.model_copy(
        update={
            "title": HOSTILE[:110].replace("\n", " "),
            "setting_description": HOSTILE,
            "narrative_text": f"{HOSTILE}\n\n({scene.scene_id}) {HOSTILE}",
            "beats": [Beat(text=HOSTILE[:500].strip(), quote=HOSTILE[:500])] * 3,
            "dialogue": [DialogueLine(character_id="[[ines]]", text=HOSTILE, emotion=HOSTILE)],
            "story_branches": [branch(b, n) for n, b in enumerate(scene.story_branches)],
            "refused_branches": [branch(b, n) for n, b in enumerate(scene.refused_branches)],
            "written_by": scene.written_by.model_copy(update={"stand_in": scene.scene_id == "1.1"}),
        }
    )


def drafts(story: Story) -> list[tuple[SceneDraft, Scene]]:
    """Every scene as a writer would hand it in, with what became of it."""
    return [
        (
            SceneDraft.model_validate(
                scene.model_dump(include=set(SceneDraft.model_fields) - {"story_branches"})
                | {
                    "story_branches": [
                        b.model_dump(include=set(BranchDraft.model_fields))
                        for b in [*scene.story_branches, *scene.refused_branches]
                    ]
                }
            ),
            scene,
        )
        for scene in story.scenes
    ]
