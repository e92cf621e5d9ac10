"""Copies a whole store into an empty database of another kind: every row, then counts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, text, update

from bot.errors import ConfigError
from bot.store.database import open_database
from bot.store.migrate import migrate
from bot.store.schema import metadata, stores
from bot.vault.master import Vault

PART = 2000
"""Rows of one statement."""

Progress = Callable[[str, int, int], None]
"""(table, rows copied, rows in all)."""


def copy_store(
    source: str, target: str, keys: Path, progress: Progress = lambda *_: None
) -> dict[str, int]:
    """All or nothing: one transaction reads, one writes. Returns the rows of each table.

    What is sealed is copied as it is; both stores have the master key in `keys`. `target` must be
    empty. Nothing may write to `source` meanwhile; what does is not copied.
    Raises ConfigError when the target has rows or the counts differ, StoreUnavailable."""
    vault = Vault(keys)
    with ExitStack() as stack:
        databases = []
        for url in (source, target):
            database = open_database(url, busy_s=30)
            stack.callback(database.close)
            migrate(database, vault)
            databases.append(database)
        with databases[0].read() as reading, databases[1].write() as writing:
            databases[1].exclusively(writing, "copy")
            if any(_count(writing, table) for table in metadata.sorted_tables if table != stores):
                raise ConfigError("the target holds records already; give an empty database")
            counts = {}
            for table in metadata.sorted_tables:
                counts[table.name] = _copy(reading, writing, table, progress)
            databases[1].learn(writing)
            return counts


def _copy(reading: Connection, writing: Connection, table: Table, progress: Progress) -> int:
    total, done = _count(reading, table), 0
    if table == stores:
        # Checkpoints name the store: the copy goes on under the old name, and finds by the old key.
        row = reading.execute(select(stores)).mappings().one()
        writing.execute(update(stores).values(**row))
        return 1
    query = select(table).order_by(*table.primary_key)
    rows = reading.execution_options(yield_per=PART).execute(query).mappings()
    for part in rows.partitions(PART):
        writing.execute(insert(table), [dict(row) for row in part])
        done += len(part)
        progress(table.name, done, total)
    if _count(writing, table) != total:
        raise ConfigError(f"{table.name}: not every row arrived; nothing was copied")
    move_sequence(writing, table)
    return total


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def move_sequence(writing: Connection, table: Table) -> None:
    """PostgreSQL numbers new rows from a sequence that copied rows do not move."""
    column = table.autoincrement_column
    if writing.dialect.name != "postgresql" or column is None:
        return
    highest = writing.execute(select(func.max(column))).scalar()
    if highest is not None:
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :value)")
        names = {"table": table.name, "column": column.name, "value": highest}
        writing.execute(sequence, names)
