"""Settings that cannot be: named, all at once, and never repeated."""

from pathlib import Path

import pytest

from tasks.core.errors import InputError
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger


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


@pytest.mark.parametrize(
    "url", ["me:canary@host", "postgres+no://me:canary@h", "sqlite://h:1@canary:x/d"]
)
async def test_a_wrong_url_of_the_ledger_is_named_and_not_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALEWRIGHT_LEDGER_URL", url)
    settings = Settings()
    assert "canary" not in repr(settings)
    with pytest.raises(InputError, match="TALEWRIGHT_LEDGER_URL") as wrong:
        async with Ledger.open(settings):
            pass
    assert "canary" not in str(wrong.value)


async def test_the_home_is_for_its_user_alone(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, talewright_home=tmp_path / "home")
    async with Ledger.open(settings):
        assert settings.home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("wrong", ["\u201ck", "k\u200b1", "\u043a\u043b", "k k"])
def test_a_key_that_no_server_takes_is_one_line_without_it(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", f"secret{wrong}secret")
    with pytest.raises(InputError, match="cannot be in a key") as said:
        Settings(_env_file=None)
    assert "GEMINI_API_KEY" in str(said.value)
    assert "secret" not in str(said.value)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_env_file_is_read_as_its_first_bytes_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    (tmp_path / ".env").write_text("OPENAI_MODEL=größer\n", encoding)
    monkeypatch.chdir(tmp_path)
    assert Settings().access("openai").model == "größer"


def test_an_env_file_of_another_encoding_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes("OPENAI_API_KEY=schl\u00fcssel".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^\.env: is not UTF-8 text"):
        Settings()
