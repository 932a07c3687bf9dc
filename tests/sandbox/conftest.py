"""An engine, an emulator, and why they are not here."""

from collections.abc import Iterator

import pytest

from tasks.sandbox import probe
from tests.emulators.e2b import E2BEmulator
from tests.sandbox.host import Host, opened_host


@pytest.fixture(scope="session")
def bwrap() -> str:
    """The interpreter that starts in bubblewrap."""
    try:
        return probe.python()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture
def e2b(bwrap: str, prefect_server: str) -> Iterator[E2BEmulator]:
    with E2BEmulator() as emulator:
        yield emulator


@pytest.fixture
def host() -> Iterator[Host]:
    with opened_host() as host:
        yield host
