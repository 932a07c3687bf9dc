"""Which server a run is recorded on, and what is said where there is none."""

import base64

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    temporary_settings,
)

from flows.runs import server as room
from flows.runs.server import ensure_server
from tasks.core.errors import UserError
from tests.emulators.http import Answer, HttpServer, Request, json_answer
from tests.ports import free_port

PASSWORD = "admin:secret"


class Guarded(HttpServer):
    """Answers who knows the password."""

    async def answer(self, request: Request) -> Answer:
        expected = f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"
        if request.headers.get("authorization") != expected:
            return json_answer({"exception_message": "Unauthorized"}, 401)
        return json_answer("3.8.8")


class Page(HttpServer):
    """Some web app."""

    async def answer(self, request: Request) -> Answer:
        return Answer(body=b"<!doctype html>", headers={"content-type": "text/html"})


def test_a_server_with_a_password_is_used_or_asked_for_it() -> None:
    with Guarded() as server, temporary_settings({PREFECT_API_URL: f"{server.url}/api"}):
        with pytest.raises(UserError, match="set PREFECT_API_AUTH_STRING"):
            ensure_server(print)
        with temporary_settings({PREFECT_API_AUTH_STRING: PASSWORD}):
            assert ensure_server(print) == f"{server.url}/api"


def test_a_server_that_is_away_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with (
        temporary_settings({PREFECT_API_URL: url}),
        pytest.raises(UserError, match=f"No Prefect server answers at {url}"),
    ):
        ensure_server(print)


def test_a_web_app_is_not_taken_for_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    with Page() as app:
        with (
            temporary_settings({PREFECT_API_URL: f"{app.url}/api"}),
            pytest.raises(UserError, match="does not answer as Prefect's does"),
        ):
            ensure_server(print)
        monkeypatch.setattr(room, "PORTS", range(app.port, app.port + 1))
        with (
            temporary_settings(restore_defaults={PREFECT_API_URL}),
            pytest.raises(UserError, match="are all taken"),
        ):
            ensure_server(print)
