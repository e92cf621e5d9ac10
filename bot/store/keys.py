"""The keys of the records: wrapped in a table of their own, unwrapped on demand.

A record whose row is gone is erased: its bodies, snapshot, facts and sound cannot be read again.
The row is looked at every time, so that this holds at once in every process; only the unwrapping of
what was found is remembered.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from bot.errors import ConfigError
from bot.store.database import Database
from bot.store.schema import data_keys, stores
from bot.vault.datakey import KEY_BYTES, DataKey, Unreadable
from bot.vault.master import MasterKey, Vault

REMEMBERED = 4096
PART = 5000
LOOKUP = "lookup"
"""The name of the key of keyed hashes; it never changes, so that what was stored is found again."""

What = Literal["number", "phone", "facts", "device", "holder"]


class Keys:
    """Part of a `Store`. Thread-safe."""

    def __init__(self, vault: Vault, lookup: DataKey) -> None:
        self.vault = vault
        self._lookup = lookup
        self._unwrap = lru_cache(REMEMBERED)(vault.unwrap)

    @classmethod
    def load(cls, database: Database, vault: Vault) -> Keys:
        """Raises ConfigError when the master key is missing or another store's."""
        with database.read() as connection:
            master, lookup = connection.execute(select(stores.c.master, stores.c.lookup)).one()
        vault.settle(master)
        try:
            return cls(vault, vault.unwrap(lookup, LOOKUP))
        except Unreadable as error:
            raise ConfigError("the store's own key is damaged; restore a backup") from error

    def create(self, connection: Connection, name: str) -> tuple[int, DataKey]:
        """A new key for the record `name`, as part of the transaction that makes the record, and
        the row where it stands."""
        # Held until the transaction ends: a change of the master key waits for us, or we for it.
        master = connection.execute(select(stores.c.master).with_for_update(read=True)).scalar_one()
        key = DataKey.new()
        wrapped = self.vault.master(master).wrap(key, name)
        made = insert(data_keys).values(id=name, wrapped=wrapped).returning(data_keys.c.row)
        return connection.execute(made).scalar_one(), key

    def unwrap(self, wrapped: bytes, name: str) -> DataKey:
        """Raises ConfigError without the master key, Unreadable."""
        return self._unwrap(bytes(wrapped), name)

    def keyed(self, what: What, value: str) -> str:
        """HMAC-SHA-256 of a value, to look it up by; hex."""
        return self._lookup.digest(f"{what}\n{value}")


def destroy(connection: Connection, row: int) -> None:
    connection.execute(delete(data_keys).where(data_keys.c.row == row))


def new_lookup(master: MasterKey) -> bytes:
    """The key of keyed hashes of a new store, wrapped."""
    return master.wrap(DataKey(secrets.token_bytes(KEY_BYTES)), LOOKUP)


def rotate(database: Database, vault: Vault) -> str:
    """A new master key wraps every data key anew, in one transaction. Returns its id."""

    def commit(master: MasterKey) -> None:
        with database.write() as connection:
            query = select(stores.c.lookup).with_for_update()
            lookup = connection.execute(query).scalar_one()
            values = {"master": master.id, "lookup": _again(vault, master, lookup, LOOKUP)}
            connection.execute(update(stores).values(**values))
            last = 0
            while rows := _after(connection, last):
                last = rows[-1][0]
                changed = [
                    {"of": row, "to": _again(vault, master, old, name)} for row, name, old in rows
                ]
                change = update(data_keys).where(data_keys.c.row == bindparam("of"))
                connection.execute(change.values(wrapped=bindparam("to")), changed)

    return vault.change(commit)


def _after(connection: Connection, last: int) -> list[tuple[int, str, bytes]]:
    query = select(data_keys).where(data_keys.c.row > last).order_by(data_keys.c.row).limit(PART)
    return [(row, name, bytes(wrapped)) for row, name, wrapped in connection.execute(query)]


def _again(vault: Vault, master: MasterKey, wrapped: bytes, name: str) -> bytes:
    return master.wrap(vault.unwrap(bytes(wrapped), name), name)
