"""What servers and SDKs say is shown without the keys in it."""

import pytest

from tasks.core.scrub import scrub, without_user
from tasks.sandbox.e2b import said
from tests.canary import CANARY


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no e2b_0123456789abcdef0123", "no ***"),
        ("token ya29.a0AfH6SMBx-0123456789_abc was refused", "token *** was refused"),
        (f"at postgresql://me:{CANARY}@db.example/x?y", "at postgresql://***@db.example/x?y"),
        (
            f"at https://:{CANARY}@h/ and http://h:80/a:b@c",
            "at https://***@h/ and http://h:80/a:b@c",
        ),
    ],
)
def test_keys_and_passwords_are_hidden(text: str, shown: str) -> None:
    assert scrub(text) == shown


def test_what_e2b_says_is_hidden_too() -> None:
    assert said(RuntimeError("no e2b_0123456789abcdef0123\x1b[2J")) == "E2B: no *** [2J"


def test_urls_are_shown_without_their_user() -> None:
    said = "ftp://u:pass@host/x and s3://key:secret@bucket/y and http://host/a@b"
    assert without_user(said) == "ftp://host/x and s3://bucket/y and http://host/a@b"
