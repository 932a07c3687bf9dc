from pathlib import Path

import pytest

from tasks.consistency.accepted_findings import Decision, honour, read_decisions
from tasks.core.errors import InputError
from tests.consistency.worlds import branch, state, verdict

DECISION = Decision(check="D2", quote="Corin hands you a rope.", reason="He is a revenant.")


def test_what_is_intended_is_kept_with_its_reason_and_honoured(tmp_path: Path) -> None:
    path = tmp_path / "story.intended.yaml"
    assert read_decisions(path) == []
    path.write_text("- check: D2\n  quote: Corin hands you a rope.\n  reason: He is a revenant.\n")
    kept = read_decisions(path)
    assert kept == [DECISION]
    refused = verdict(state("dies corin"), branch("Corin hands you a rope."))
    assert not refused.valid
    allowed = honour(refused, kept)
    assert allowed.decision == "accept"
    assert allowed.intended == "He is a revenant."
    assert {i.found_by for i in allowed.issues} == {"person"}


def test_a_decision_covers_nothing_else() -> None:
    other = verdict(state("dies corin"), branch("Corin laughs in your face."))
    assert honour(other, [DECISION]) == other
    also = branch("Corin hands you a rope.", "moves nemo pier")
    assert not honour(verdict(state("dies corin"), also), [DECISION]).valid


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.intended.yaml"
    path.write_text("- check: D2\n  quote: a\n  reason: b\n- check: D3\n  qoute: c\n  reason: d\n")
    with pytest.raises(InputError) as wrong:
        read_decisions(path)
    assert "x.intended.yaml:5: [1].qoute: unknown field; did you mean 'quote'?" in str(wrong.value)
