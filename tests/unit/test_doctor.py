"""`huifang doctor` says what would go wrong before it does, and nothing that is secret."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import membership
from bot.cli import doctor
from bot.settings import Settings


def test_a_second_place_that_is_not_mounted_is_found(tmp_path: Path) -> None:
    """Otherwise only the log of the running bot tells, once a call."""
    away = tmp_path / "mnt"
    finding = doctor._check("second place", lambda: doctor._second_place(away))
    assert not finding.ok
    assert "is it mounted" in finding.detail
    away.mkdir()
    assert "can be written" in doctor._second_place(away)
    assert list(away.iterdir()) == []
    assert "HUIFANG_SECOND_PLACE" in doctor._second_place(None)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_the_port_of_the_running_bot_is_no_fault(tmp_path: Path, taken: int) -> None:
    settings = Settings(data=tmp_path)
    assert not doctor._check("web port", lambda: doctor._port(settings, taken)).ok
    with membership.joined(tmp_path):
        assert doctor._check("web port", lambda: doctor._port(settings, taken)).ok


def test_a_secret_that_others_may_read_is_found(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert "nothing is dialled" in doctor._manager(settings)
    secret = tmp_path / "ami.secret"
    secret.write_text("letmein\n")
    secret.chmod(0o644)
    finding = doctor._check("manager", lambda: doctor._manager(settings))
    assert not finding.ok
    assert "chmod 600" in finding.detail
    secret.chmod(0o600)
    finding = doctor._check("manager", lambda: doctor._manager(settings))
    assert finding.ok
    assert "letmein" not in finding.detail


def test_no_password_of_the_database_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(doctor.Store, "open", lambda *_: Opened())
    url = "postgresql+psycopg://huifang:geheim@db.example/calls"
    assert doctor._store(Settings(data=tmp_path, database=url)) == "db.example/calls"
    assert doctor._store(Settings(data=tmp_path)).endswith("/huifang.db")
