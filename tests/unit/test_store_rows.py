"""Rows in the order of creation: keys are found by them, a whole store is read along them.

A store whose keys were found by random ids learns their rows, with all its records."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, insert, select, text, update

from bot.evidence.verify import verify_store
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from bot.store import migrate as migrations
from bot.store.copy import move_sequence
from bot.store.database import open_database
from bot.store.records import Erased
from bot.store.schema import callbacks, data_keys, metadata
from bot.vault.master import Vault
from tests.unit.evidence_case import NOW, finished_callback, policy

CALLS = 4


def of_before(url: str, keys: Path, like: Path) -> Store:
    """A store in layout 0004 at `url`, with all the rows of the one that is returned: policies in
    two versions, finished records, and one that was erased."""
    store = Store.open(f"sqlite:///{like / 'huifang.db'}", keys, clock=lambda: NOW)
    ids = [finished_callback(store, like / "audio", f"P{n}") for n in range(CALLS)]
    store.save_policies([policy("P1", term="20年")])
    store.erase(ids[2], by="x", reason="x", wall=NOW, mono_ms=0)
    Sealer(store, Settings(data=like, keys=keys)).checkpoint()
    database = open_database(url, busy_s=5)
    config = Config()
    config.set_main_option("script_location", str(migrations._SCRIPTS))
    with database.write() as connection:
        config.attributes |= {"connection": connection, "vault": Vault(keys)}
        command.upgrade(config, "0004")
        before = MetaData()
        before.reflect(connection)
        with store._database.read() as reading:
            for now in metadata.sorted_tables:
                if now.name not in before.tables:  # of a later layout
                    continue
                table = before.tables[now.name]
                columns = [now.c[column.name] for column in table.c]
                # Backwards: the order of the old rows must not be what brings the new order.
                rows = reading.execute(select(*columns).order_by(*now.primary_key)).mappings().all()
                if now.name == "stores":
                    connection.execute(update(table).values(**rows[0]))
                elif rows:
                    connection.execute(insert(table), [dict(row) for row in rows[::-1]])
                    if now is not data_keys:
                        move_sequence(connection, now)
    database.close()
    return store


def test_keys_are_found_by_their_rows(url: str, keys: Path, tmp_path: Path) -> None:
    with of_before(url, keys, tmp_path / "like") as like, Store.open(url, keys) as store:
        assert list(store.chains()) == list(like.chains())
        assert store.callbacks() == like.callbacks()
        assert store.policies() == like.policies()
        assert [store.record(c.id) for c in store.callbacks()] == [
            like.record(c.id) for c in like.callbacks()
        ]
        assert all(report.ok or report.erased for report in verify_store(store))
        with store._database.read() as connection:
            rows = connection.execute(
                select(callbacks.c.id, data_keys.c.id, callbacks.c.erased, callbacks.c.key_row)
                .join(data_keys, data_keys.c.row == callbacks.c.key_row, isouter=True)
                .order_by(callbacks.c.row)
            ).all()
        (gone,) = (row for row in rows if row.erased)
        assert gone.key_row is None
        kept = [row for row in rows if not row.erased]
        assert [callback for callback, name, *_ in kept] == [name for _, name, *_ in kept]
        assert [r.key_row for r in kept] == sorted(r.key_row for r in kept), "neighbours in time"
        with pytest.raises(Erased):
            store.callback(gone[0])


def test_the_store_goes_on_with_them(url: str, keys: Path, tmp_path: Path) -> None:
    of_before(url, keys, tmp_path / "like").close()
    with Store.open(url, keys) as store:
        later = finished_callback(store, tmp_path / "audio", "P9")
        store.rotate_master()
        store.erase(store.callbacks()[-1].id, by="x", reason="x", wall=NOW, mono_ms=0)
        with store._database.read() as connection:
            left = connection.execute(text("SELECT count(*) FROM data_keys")).scalar_one()
        assert left == 7, "of P1 two versions and a record, of P3 and P9 one of each"
    with Store.open(url, keys) as again:
        assert again.callback(later).policy_number == "P9"
        assert all(report.ok or report.erased for report in verify_store(again))


def test_a_move_that_fails_leaves_the_store_as_it_was(
    url: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_before(url, keys, tmp_path / "like") as like:
        with monkeypatch.context() as patched:
            patched.setattr("alembic.op.drop_table", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Store.open(url, keys)
        with Store.open(url, keys) as store:
            assert list(store.chains()) == list(like.chains())


def test_a_store_is_read_in_parts_and_whole(
    url: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(url, keys) as store:
        ids = [finished_callback(store, tmp_path / "audio", f"P{n}") for n in range(CALLS)]
        ids.insert(2, store.create_callback("P1", "zh-2026.1", "chat"))  # without an event
        with store._database.write() as connection:  # hidden below the first one, by an intruder
            hidden = update(callbacks).where(callbacks.c.id == ids[2]).values(row=-7)
            connection.execute(hidden)
        sealer = Sealer(store, Settings(data=tmp_path, keys=keys))
        sealer.checkpoint()
        whole, leaves = list(store.chains()), list(store.seals.leaves())
        assert {chain.callback for chain in whole} == set(ids)
        assert len(leaves) == CALLS
        monkeypatch.setattr("bot.store.events.PART", 2)
        monkeypatch.setattr("bot.store.tree.PART", 3)
        assert list(store.chains()) == whole
        assert list(store.seals.leaves()) == leaves
        assert sealer.verify().ok
