"""What is done to a store from outside: damage, a writer who lets nobody in, a failing disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event, text

from bot.store import Store


def damage(store: Store, *callbacks: str) -> None:
    """These records can be read no more."""
    with store._database.write() as connection:
        for id in callbacks:
            other = text("UPDATE callbacks SET contract = :contract WHERE id = :id")
            connection.execute(other, {"contract": b"another's", "id": id})


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes all the time."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def crippled(store: Store, pragma: str) -> Iterator[None]:
    """Every connection of the store gets SQLite's own limit, as a failing disk would set it."""

    def limit(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute(f"PRAGMA {pragma}")

    engine = store._database._readers
    store.close()  # old connections have no limit
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        store.close()
