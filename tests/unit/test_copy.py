"""Stores moved to another database, backed up and restored: nothing is lost, all still fits."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.errors import ConfigError
from bot.evidence.verify import verify_store
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from bot.store.copy import copy_store
from tests.postgres import Server, binaries
from tests.unit.evidence_case import NOW, Pen, finished_callback, new_callback
from tests.unit.test_store import FLAG


def filled(url: str, folder: Path) -> Settings:
    """A store with three sealed callbacks, one in mid-call, a booking and a link."""
    settings = Settings(data=folder / "data")
    with Store.open(url, settings.key_folder, clock=lambda: NOW) as store:
        for n in range(3):
            finished_callback(store, folder / "data" / "audio", f"P{n}")
        Sealer(store, settings).checkpoint()
        busy = new_callback(store, "P9")
        Pen(store, busy).write(FLAG, state="IN_PROGRESS", snapshot={"阶段": "items"})
        store.book(busy, NOW)
        store.token_for(busy)
    return settings


def same(one: Store, other: Store) -> None:
    assert list(one.chains()) == list(other.chains())
    assert one.callbacks() == other.callbacks()
    assert one.policies() == other.policies()
    assert one.bookings() == other.bookings()
    assert list(one.seals.leaves()) == list(other.seals.leaves())


def goes_on(store: Store, settings: Settings) -> None:
    """New rows get new numbers, the tree grows from where it was."""
    callback = new_callback(store, "P77")
    Pen(store, callback).write(FLAG)
    store.book(callback, NOW)
    sealer = Sealer(store, settings)
    assert sealer.checkpoint().checkpoint.size == 4
    assert sealer.verify().ok, sealer.verify()
    assert all(report.integrity for report in verify_store(store))


@pytest.mark.parametrize("way", ["out", "back"])
def test_a_store_moves_between_the_databases(
    postgres: Server, tmp_path: Path, keys: Path, way: str
) -> None:
    urls = [f"sqlite:///{tmp_path / 'data' / 'huifang.db'}", postgres.new_database()]
    source, target = urls if way == "out" else urls[::-1]
    settings = filled(source, tmp_path)
    command = ["migrate", "--from", source, "--to", target, "--data", str(keys.parent)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "callbacks    4" in result.output
    assert "4 checked, 0 broken" in result.output
    with Store.open(source, keys) as one, Store.open(target, keys) as other:
        same(one, other)
        assert one.seals.store_id() == other.seals.store_id()
        goes_on(other, settings)


def test_a_target_with_records_is_refused_and_left_alone(
    url: str, tmp_path: Path, keys: Path
) -> None:
    filled(url, tmp_path)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with Store.open(other, keys) as store:
        callback = new_callback(store)
    with pytest.raises(ConfigError, match="holds records already"):
        copy_store(url, other, keys)
    with Store.open(other, keys) as store:
        assert [row.id for row in store.callbacks()] == [callback]


def test_a_copy_that_fails_on_the_way_leaves_nothing(
    url: str, tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(url, tmp_path)
    other = f"sqlite:///{tmp_path / 'other.db'}"

    def fail(table: str, done: int, total: int) -> None:
        if table == "events":
            raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError):
        copy_store(url, other, keys, fail)
    counts = copy_store(url, other, keys)
    assert (counts["callbacks"], counts["leaves"], counts["checkpoints"]) == (4, 3, 1)


def test_an_sqlite_backup_is_a_whole_store(tmp_path: Path, keys: Path) -> None:
    """As docs/evidence.md tells: `.backup` while the bot writes."""
    source = f"sqlite:///{tmp_path / 'data' / 'huifang.db'}"
    settings = filled(source, tmp_path)
    copy = tmp_path / "backup" / "huifang.db"
    copy.parent.mkdir()
    with Store.open(source, keys) as running:
        new_callback(running, "P5")
        with sqlite3.connect(tmp_path / "data" / "huifang.db") as live, sqlite3.connect(copy) as to:
            live.backup(to)
        with Store.open(f"sqlite:///{copy}", keys) as restored:
            same(running, restored)
            goes_on(restored, settings)


def test_a_postgresql_dump_is_a_whole_store(postgres: Server, tmp_path: Path, keys: Path) -> None:
    """As docs/evidence.md tells: `pg_dump -Fc` while the bot writes, `pg_restore` elsewhere."""
    source, target = postgres.new_database(), postgres.new_database()
    settings = filled(source, tmp_path)
    dump = tmp_path / "huifang.dump"
    plain = [url.replace("+psycopg", "") for url in (source, target)]
    environment = {"PATH": os.environ["PATH"]}
    with Store.open(source, keys) as running:
        for command in (
            [binaries() / "pg_dump", "-Fc", "-f", dump, plain[0]],
            [binaries() / "pg_restore", "--exit-on-error", "-d", plain[1], dump],
        ):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        with Store.open(target, keys) as restored:
            same(running, restored)
            goes_on(restored, settings)
