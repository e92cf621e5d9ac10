"""The connection to a database: durable, one writer at a time of each record, clear errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import ConfigError, StoreUnavailable
from bot.store.notices import Changed


class Database(ABC):
    """Read and write transactions; may be used from any thread."""

    def __init__(self, readers: Engine, writers: Engine) -> None:
        self._readers, self._writers = readers, writers

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Raises StoreUnavailable."""
        with self._clear_words(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; on disk when the block ends, or undone. Raises StoreUnavailable."""
        with self._clear_words(), self._writers.begin() as connection:
            yield connection

    @abstractmethod
    def exclusively(self, connection: Connection, what: str) -> None:
        """Only one writer at a time does `what`, until its transaction ends."""

    @abstractmethod
    def shared_time(self, connection: Connection) -> datetime | None:
        """By the one clock of all who share the store; None where they are on one machine."""

    @abstractmethod
    def learn(self, connection: Connection) -> None:
        """Many rows came at once: what the planner of queries knows is out of date."""

    @abstractmethod
    def scrub(self, table: str | None = None) -> None:
        """What was deleted or overwritten (in `table`, else anywhere) leaves the database's files
        too, as far as the database can do that. Raises StoreUnavailable."""

    @abstractmethod
    async def follow(self, changed: Changed) -> None:
        """For ever: tell of callbacks that any bot has written. Returns at once where a store
        serves one bot."""

    def close(self) -> None:
        self._readers.dispose()

    @contextmanager
    def _clear_words(self) -> Iterator[None]:
        """Turns what the database says about itself into StoreUnavailable. What it says about a
        fault of ours, such as a broken constraint, stays what it is."""
        try:
            yield
        except Exception as error:
            words = self._words(error)
            if words is None:
                raise
            raise unavailable(words) from error

    @abstractmethod
    def _words(self, error: Exception) -> str | None:
        """What is wrong with the database, without personal data; None: nothing is."""


def unavailable(words: str) -> StoreUnavailable:
    return StoreUnavailable(f"the store cannot be used: {words}")


def open_database(url: str, busy_s: float) -> Database:
    """`busy_s`: how long to wait for another writer. Raises ConfigError for another kind of
    database, StoreUnavailable."""
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind == "sqlite":
        from bot.store.sqlite import Sqlite

        return Sqlite(url, busy_s=busy_s)
    if kind == "postgresql":
        from bot.store.postgresql import Postgresql

        return Postgresql(url, busy_s=busy_s)
    raise ConfigError(
        "the store must be an SQLite file (sqlite:////path/to/huifang.db) or PostgreSQL "
        "(postgresql+psycopg://user@host/database)"
    )
