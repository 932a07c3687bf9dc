from pathlib import Path

import pytest

from tasks.consistency.accepted_findings import AcceptedFinding, read_accepted
from tasks.consistency.check import run
from tasks.consistency.examination import of_branch
from tasks.core.errors import InputError
from tasks.story.scene import BranchDraft
from tasks.story.verdict import Decision, Severity, Verdict
from tests.consistency.worlds import WORLD, branch, scene, state

ACCEPTED = AcceptedFinding(check="D2", quote="Corin hands you a rope.", reason="He is a revenant.")
ROPE = branch("Corin hands you a rope.")


def judged(draft: BranchDraft, *accepted: AcceptedFinding) -> Verdict:
    case = of_branch(WORLD, None, state("dies corin"), scene(), draft)
    return run(case, accepted=accepted)


def test_what_is_intended_is_read_with_its_reason_and_stands(tmp_path: Path) -> None:
    path = tmp_path / "story.intended.yaml"
    assert read_accepted(path) == []
    path.write_text(
        '- {check: D2, quote: "Corin hands you a rope.", reason: "He is a revenant."}\n'
    )
    assert read_accepted(path) == [ACCEPTED]
    assert not judged(ROPE).valid
    allowed = judged(ROPE, ACCEPTED)
    assert allowed.decision == "accept"
    assert allowed.intended == "He is a revenant."
    assert {i.found_by for i in allowed.issues} == {"person"}


def test_it_covers_nothing_else() -> None:
    other = branch("Corin laughs in your face.")
    assert judged(other, ACCEPTED) == judged(other)
    also = branch("Corin hands you a rope.", "moves nemo pier")
    assert not judged(also, ACCEPTED).valid


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.intended.yaml"
    path.write_text("- check: D2\n  quote: a\n  reason: b\n- check: D3\n  qoute: c\n  reason: d\n")
    with pytest.raises(InputError) as wrong:
        read_accepted(path)
    assert "x.intended.yaml:5: [1].qoute: unknown field; did you mean 'quote'?" in str(wrong.value)


def test_severities_and_decisions_are_ordered_and_kept_as_words() -> None:
    assert max(Severity) is Severity.ERROR
    assert max(Decision) is Decision.REJECT
    assert Decision.REVIEW < Decision.REJECT
    assert Decision.ACCEPT < "review"
    refused = judged(ROPE)
    assert refused.model_dump(mode="json")["decision"] == "reject"
    assert Verdict.model_validate_json(refused.model_dump_json(), strict=True) == refused
