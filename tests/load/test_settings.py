"""Settings that cannot be: named, all at once, and never repeated."""

import pytest

from tasks.errors import InputError
from tasks.settings import Settings


def test_every_wrong_setting_is_named_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_RATE_LIMIT", "canary-value")
    monkeypatch.setenv("SCORE_VOTES", "2")
    with pytest.raises(InputError) as wrong:
        Settings()
    assert "LLM_RATE_LIMIT: Input should be a valid integer" in str(wrong.value)
    assert "SCORE_VOTES: Input should be 0, 1, 3 or 5" in str(wrong.value)
    assert "canary-value" not in str(wrong.value)


def test_votes_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_VOTES", "3")
    assert Settings().judge_votes == 3
