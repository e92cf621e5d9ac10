"""Fixtures: each test that asks for `url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import memory
from tests.postgres import NoServer, Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests; skips with the reason where there is none."""
    server = Server(memory.folder())
    try:
        server.start()
    except NoServer as error:
        server.stop()
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The folder of the master key."""
    return tmp_path / "data" / "keys"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'huifang.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()
