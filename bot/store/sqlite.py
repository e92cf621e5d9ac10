"""SQLite: durable, private, one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import ConfigError
from bot.store.database import Database, unavailable
from bot.store.notices import Changed

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the disk or the file is read-only",
    sqlite3.SQLITE_BUSY: "another process holds the database for too long",
    sqlite3.SQLITE_LOCKED: "the database is locked",
    sqlite3.SQLITE_IOERR: "reading or writing the disk failed",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_PERM: "the database file may not be read",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged; restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a Huifang database",
}


class Sqlite(Database):
    """One file."""

    def __init__(self, url: str, *, busy_s: float = 5.0) -> None:
        """Creates folder (0700) and file (0600) when missing."""
        self.path = _file_of(url)
        self._busy_s = busy_s
        self._writer = threading.Lock()  # SQLite polls for its lock; threads need not
        _create(self.path)
        # Errors must never carry the values of a statement: they are personal data.
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_s})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        super().__init__(engine, engine.execution_options(immediate=True))

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Holds the write lock from its start."""
        if not self._writer.acquire(timeout=self._busy_s):
            raise unavailable("another thread holds the database for too long")
        try:
            with super().write() as connection:
                yield connection
        finally:
            self._writer.release()

    async def follow(self, changed: Changed) -> None:
        """One machine, one bot: nobody else writes."""

    def exclusively(self, connection: Connection, what: str) -> None:
        """Every write transaction is alone anyway."""

    def shared_time(self, connection: Connection) -> datetime | None:
        """One machine, one clock."""

    def learn(self, connection: Connection) -> None:
        """Queries are written so that they need no statistics here."""

    def scrub(self, table: str | None = None) -> None:
        """Deleted rows are overwritten with zeros at once (`secure_delete`); older copies of their
        pages may stand in the -wal file, which is emptied. A whole store is written anew."""
        with self._clear_words(), self._writer, self._readers.connect() as connection:
            raw = connection.connection.cursor()
            if table is None:
                raw.execute("VACUUM")
            if raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise unavailable("a reader keeps old pages; stop the bot and try again")

    def _words(self, error: Exception) -> str | None:
        if isinstance(error, PoolTimeout):
            return "too many threads use it at once"
        cause = error.orig if isinstance(error, DBAPIError) else error
        return _WORDS.get(getattr(cause, "sqlite_errorcode", -1) & 0xFF)  # low byte: the class


def _file_of(url: str) -> Path:
    database = make_url(url).database
    if not database or database == ":memory:":
        raise ConfigError("the store must be an SQLite file: sqlite:////path/to/huifang.db")
    return Path(database)


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the rights of the database file.
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise unavailable(error.strerror or "the file cannot be made") from error


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_begin`
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
