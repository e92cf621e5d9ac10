"""PostgreSQL 15 or newer, through psycopg 3 and its pool: several processes, several machines.

A writer locks the rows it changes; what must be done by one process at a time takes an advisory
lock. Readers see one moment (REPEATABLE READ). A commit is on disk when it returns, whatever the
server's default says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zlib import crc32

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.errors import ConfigError
from bot.store import notices
from bot.store.database import Database

OLDEST = 150000
MAX_CONNECTIONS = 10
CONNECT_S = 5
RECONNECT_S = 15.0
"""The pool waits twice as long after each connection that fails, minutes in the end, in which a
server that is back is not seen and the other bots take this one for dead. After so many seconds it
gives up, and whoever asks next makes it begin anew, at once."""

_WORDS = {
    "53100": "the disk is full",
    "53300": "the database has too many connections",
    "53": "the database lacks room to work",
    "25006": "the database is read-only",
    "55P03": "another process holds the record for too long",
    "40": "two writers were in each other's way",
    "57": "the database is shutting down",
    "58": "reading or writing the disk failed",
    "08": "the database cannot be reached",
    "28": "the database refuses the user or the password",
    "3D": "there is no such database",
    "42501": "the user may not use the tables",
    "XX": "the database is damaged; restore a backup",
}
"""By SQLSTATE, else by its class."""


class Postgresql(Database):
    """One database of a server."""

    def __init__(self, url: str, *, busy_s: float = 5.0) -> None:
        """Raises ConfigError for a server that is too old or forgets commits,
        StoreUnavailable when it cannot be reached."""
        info = _conninfo(url, busy_s)
        self._examine(info)
        self._info = info
        self._pool = ConnectionPool(
            info,
            min_size=1,
            max_size=MAX_CONNECTIONS,
            timeout=busy_s,
            reconnect_timeout=RECONNECT_S,
            check=ConnectionPool.check_connection,  # a server that was restarted is no fault
            close_returns=True,
            open=True,
        )
        # Errors must never carry the values of a statement: they are personal data.
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._pool.getconn,
            poolclass=NullPool,
            hide_parameters=True,
        )
        reading = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        super().__init__(reading, engine)

    def exclusively(self, connection: Connection, what: str) -> None:
        number = crc32(f"huifang.{what}".encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def shared_time(self, connection: Connection) -> datetime | None:
        time: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return time

    def learn(self, connection: Connection) -> None:
        """The server would do so by itself within a minute or two; without, it sorts whole tables
        for a page."""
        connection.exec_driver_sql("ANALYZE")

    def scrub(self, table: str | None = None) -> None:
        """Tables are written anew, without old versions of rows. What the server keeps for
        recovery (WAL) goes when the server lets it go."""
        with self._clear_words(), self._writers.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"VACUUM FULL {table or ''}")

    async def follow(self, changed: notices.Changed) -> None:
        await notices.follow(self._info, changed)

    def close(self) -> None:
        super().close()
        self._pool.close()

    def _examine(self, info: str) -> None:
        """One connection before the pool, which would only say that it waited in vain."""
        with self._clear_words(), psycopg.connect(info, connect_timeout=CONNECT_S) as connection:
            if connection.info.server_version < OLDEST:
                raise ConfigError("the store needs PostgreSQL 15 or newer")
            row = connection.execute("SHOW fsync").fetchone()
            if row != ("on",):
                raise ConfigError(
                    "the server runs with fsync off and may forget what it acknowledged; "
                    "set fsync = on"
                )

    def _words(self, error: Exception) -> str | None:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, PoolTimeout | PoolClosed):
            return "the database cannot be reached, or too many threads use it at once"
        if not isinstance(cause, psycopg.Error):
            return None
        state = cause.sqlstate or ""
        words = _WORDS.get(state) or _WORDS.get(state[:2])
        if words is None and not state and isinstance(cause, psycopg.OperationalError):
            return _connecting(cause)  # libpq's own errors have no SQLSTATE
        return words


def _connecting(error: psycopg.OperationalError) -> str:
    """libpq tells only in words why it could not connect."""
    said = str(error)
    for hint, state in (("does not exist", "3D"), ("authentication", "28"), ("password", "28")):
        if hint in said:
            return _WORDS[state]
    return _WORDS["08"]


def _conninfo(url: str, busy_s: float) -> str:
    parts = make_url(url)
    if not parts.database:
        raise ConfigError("the address of the store names no database")
    given: dict[str, Any] = {
        "host": parts.host,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "dbname": parts.database,
        "application_name": "huifang",
        "connect_timeout": CONNECT_S,
    }
    given |= {name: str(value) for name, value in parts.query.items()}
    # Last: what keeps a commit on disk is not the user's choice.
    given["options"] = f"-c synchronous_commit=on -c lock_timeout={int(busy_s * 1000)}"
    try:
        return make_conninfo(**{k: v for k, v in given.items() if v is not None})
    except psycopg.Error as error:
        raise ConfigError("the address of the store cannot be read") from error
