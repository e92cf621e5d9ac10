"""PostgreSQL: what it says when it fails, and that it comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.errors import ConfigError, StoreUnavailable
from bot.evidence.ledger import Draft
from bot.store import Store
from tests.postgres import Server
from tests.unit.evidence_case import NOW, Pen, new_callback

FLAG = Draft("flagged", {"code": "P18_INTERFERENCE"})


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.new_database()


@pytest.fixture
def store(url: str, keys: Path) -> Iterator[Store]:
    with Store.open(url, keys, busy_s=10) as opened:
        yield opened


def raw(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_a_commit_is_on_disk_when_it_returns(store: Store) -> None:
    with store._database.write() as connection:
        for name in ("synchronous_commit", "fsync"):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == "on"


def test_the_user_cannot_switch_that_off(url: str, keys: Path) -> None:
    with (
        Store.open(f"{url}&options=-csynchronous_commit%3Doff", keys) as store,
        store._database.write() as connection,
    ):
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("/huifang_", "/nowhere_"), "there is no such database"),
        (("huifang@", "nobody@"), "refuses the user|no such database"),
        (("huifang-pg", "no-such-folder"), "cannot be reached"),
    ],
)
def test_a_wrong_address_is_said(url: str, change: tuple[str, str], said: str, keys: Path) -> None:
    with pytest.raises(StoreUnavailable, match=said):
        Store.open(url.replace(*change), keys)


@pytest.mark.parametrize("wrong", ["postgresql://", "postgresql://localhost/x?no_such=1", "x"])
def test_what_is_no_address_is_said(wrong: str, keys: Path) -> None:
    with pytest.raises(ConfigError):
        Store.open(wrong, keys)


def test_a_record_held_by_another_process_is_said(url: str, keys: Path) -> None:
    with Store.open(url, keys, busy_s=0.5) as store:
        _holding(store, url)


def _holding(store: Store, url: str) -> None:
    callback, other = new_callback(store, "P1"), new_callback(store, "P2")
    with raw(url) as holder, holder.transaction():
        holder.execute("SELECT 1 FROM callbacks WHERE id = %s FOR UPDATE", [callback])
        with pytest.raises(StoreUnavailable, match="another process holds"):
            Pen(store, callback).write(FLAG)
        assert Pen(store, other).write(FLAG) == 0  # only that record is held
    assert Pen(store, callback).write(FLAG) == 0


def test_sealing_does_not_wait_for_a_record_in_mid_commit(store: Store, url: str) -> None:
    from functools import partial

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from bot.evidence import signing

    sign = partial(signing.checkpoint, Ed25519PrivateKey.generate())
    ids = [new_callback(store, f"P{n}") for n in range(2)]
    for id in ids:
        Pen(store, id).write(FLAG)
    with raw(url) as holder, holder.transaction():
        holder.execute("SELECT 1 FROM callbacks WHERE id = %s FOR UPDATE", [ids[0]])
        assert store.seals.seal(sign, "k")[0] == 1
    assert store.seals.seal(sign, "k")[0] == 1


def test_a_read_only_database_is_said(store: Store, url: str) -> None:
    callback = new_callback(store)
    name = url.split("/")[3].split("?", maxsplit=1)[0]
    with raw(url) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with pytest.raises(StoreUnavailable, match="read-only"):
        Pen(store, callback).write(FLAG)


def test_lost_connections_are_replaced(store: Store, url: str) -> None:
    """As after a restart of the server."""
    callback = new_callback(store)
    pen = Pen(store, callback)
    with raw(url) as admin:
        for expected in range(3):
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            assert pen.write(FLAG) == expected


def test_a_reader_sees_one_moment(store: Store) -> None:
    """Events written while a record is read are not half in it."""
    callback = new_callback(store)
    with store._database.read() as connection:
        from bot.store import callbacks, events

        before = callbacks.get(connection, store._keys, callback)
        writer = threading.Thread(target=lambda: Pen(store, callback).write(FLAG))
        writer.start()
        writer.join()
        assert events.of(connection, store._keys, callback) == []
        assert callbacks.get(connection, store._keys, callback) == before
    assert len(store.events(callback)) == 1
    assert NOW.tzinfo is not None
