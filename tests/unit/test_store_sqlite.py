"""SQLite: private files, commits on disk, and clear words about a disk that fails."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import ConfigError, StoreUnavailable
from bot.evidence.ledger import Draft, verify_chain
from bot.store import Store
from tests.harm import crippled, locked
from tests.unit.evidence_case import NOW, Pen, new_callback, open_store

FLAG = Draft("flagged", {"code": "P18_INTERFERENCE"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, clock=lambda: NOW) as opened:
        yield opened


def database_of(tmp_path: Path) -> Path:
    return tmp_path / "data" / "huifang.db"


# -- the file


def test_folder_and_files_are_private(store: Store, tmp_path: Path) -> None:
    new_callback(store)
    folder = tmp_path / "data"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "keys").stat().st_mode) == 0o700
    rights = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.glob("huifang*")}
    assert set(rights) == {"huifang.db", "huifang.db-wal", "huifang.db-shm"}
    assert set(rights.values()) == {0o600}


def test_commits_are_synchronous(store: Store) -> None:
    with store._database.write() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]  # 2 = FULL


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_only_sqlite_files_are_stores(url: str, keys: Path) -> None:
    with pytest.raises(ConfigError, match="SQLite file"):
        Store.open(url, keys)


# -- a disk that fails


def test_a_full_disk_is_said_and_corrupts_nothing(store: Store) -> None:
    callback = new_callback(store)
    pen = Pen(store, callback)
    pen.write(FLAG)
    with store._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    large, written = Draft("agent_said", {"text": "长" * 9000}), 1
    with (
        crippled(store, f"max_page_count = {pages}"),
        pytest.raises(StoreUnavailable, match="the disk is full") as caught,
    ):
        for _ in range(20):
            pen.write(large)
            written += 1
    assert caught.value.retryable
    assert "长" not in f"{caught.value!r} {caught.value.__cause__!r}"
    pen.write(FLAG)
    events = store.events(callback)
    assert len(events) == written + 1
    assert verify_chain(events, callback) == []


def test_a_read_only_disk_is_said(store: Store) -> None:
    callback = new_callback(store)
    with (
        crippled(store, "query_only = ON"),
        pytest.raises(StoreUnavailable, match="read-only"),
    ):
        Pen(store, callback).write(FLAG)
    assert store.events(callback) == []


def test_a_database_held_by_another_process_is_said(tmp_path: Path) -> None:
    with open_store(tmp_path, busy_s=0.05) as store:
        callback = new_callback(store)
        with locked(database_of(tmp_path)):
            with pytest.raises(StoreUnavailable, match="another process holds"):
                Pen(store, callback).write(FLAG)
            assert store.callback(callback).head_seq == -1  # readers are not held up
        assert Pen(store, callback).write(FLAG) == 0


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database_of(tmp_path).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a Huifang database"):
        open_store(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        open_store(tmp_path)
