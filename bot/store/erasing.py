"""Erasing: a record's key is destroyed, and what else points to a person goes with it.

What stays: ids, times, kinds, states, digests, and the event that says who erased it and why.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from bot.errors import ConfigError, UnderWay
from bot.evidence.ledger import Event
from bot.evidence.states import State
from bot.store import callbacks as rows
from bot.store import keys as data_keys
from bot.store.keys import Keys
from bot.store.records import Held
from bot.store.schema import bookings, callbacks, devices, links, policies

TALKING = frozenset({State.IN_PROGRESS, State.HUMAN})


def hold(connection: Connection, keys: Keys, callback: str) -> Held:
    """Its row and those of its policy, for the writer. Raises NotFound, Erased, ConfigError."""
    held = rows.hold(connection, keys, callback, None)
    if held.row.held:
        raise ConfigError("this record is held for a dispute; run: huifang retention release")
    if held.row.state in TALKING:
        raise UnderWay
    _hold_policy(connection, keys, held.row.policy_number)
    return held


def erase(connection: Connection, keys: Keys, held: Held, told: Event) -> None:
    """`told`: the event that says so, the last one of the record."""
    row = held.row
    connection.execute(
        update(callbacks)
        .where(callbacks.c.id == row.id)
        .values(
            head_seq=told.seq,
            head_hash=told.hash,
            updated=told.wall,
            erased=told.wall,
            policy_number="",
            contract=b"",
            snapshot=None,
            key_row=None,
        )
    )
    data_keys.destroy(connection, held.key_row)
    connection.execute(delete(links).where(links.c.callback == row.id))
    connection.execute(delete(devices).where(devices.c.callback == row.id))
    dropped = (bookings.c.callback == row.id) & (bookings.c.state == "open")
    connection.execute(update(bookings).where(dropped).values(state="dropped"))
    _erase_versions(connection, keys, row.policy_number)


def erase_policy(connection: Connection, keys: Keys, number: str) -> bool:
    """False when a record needs it."""
    _hold_policy(connection, keys, number)
    return _erase_versions(connection, keys, number)


def _hold_policy(connection: Connection, keys: Keys, number: str) -> None:
    """No callback is created from it meanwhile."""
    wanted = policies.c.number == keys.keyed("number", number)
    connection.execute(select(policies.c.id).where(wanted).with_for_update()).all()


def _erase_versions(connection: Connection, keys: Keys, number: str) -> bool:
    """Those that no record needs; the current one is needed as long as there is any record."""
    keyed = keys.keyed("number", number)
    needed = select(callbacks.c.policy).where(
        callbacks.c.policy_number == keyed, callbacks.c.erased.is_(None)
    )
    last = connection.execute(needed.limit(1)).first() is None
    query = select(policies.c.id, policies.c.key_row).where(
        policies.c.number == keyed, policies.c.id.not_in(needed)
    )
    if not last:
        query = query.where(~policies.c.current)
    for id, key_row in connection.execute(query).all():
        data_keys.destroy(connection, key_row)
        connection.execute(
            update(policies)
            .where(policies.c.id == id)
            .values(
                number="", phone="", key="", key_row=None, facts=b"", fingerprint="", current=False
            )
        )
    return last
