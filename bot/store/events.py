"""The event table: written at the head of a callback's chain, read in order, never changed.

Bodies and salts are sealed under the key of their record; the chain needs only their digests.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Select, insert, select

from bot.errors import ConfigError, UnderWay
from bot.evidence.kinds import OUTLIVING
from bot.evidence.ledger import Draft, Event, chain_after
from bot.evidence.states import State
from bot.store.keys import Keys
from bot.store.records import Chain, Erased, Held
from bot.store.schema import callbacks, data_keys, events
from bot.vault.datakey import KEY_BYTES, DataKey, Unreadable

BETWEEN_CALLS = frozenset({"viewed", "exported", "settled", "held", "released", "erased"})
"""Facts from outside of the conversation. Not while the bot talks: it counts on the numbers of the
events it writes."""
OWNERLESS = BETWEEN_CALLS | {"audio", "failed", "dial_ended"}
"""Facts about what has happened, true whoever owns the conversation by now."""

PART = 200
"""Chains that are read at once."""
_COLUMNS = tuple(events.c)
_NO_KEY = DataKey(bytes(KEY_BYTES))
"""Opens nothing."""


def about(callback: str, seq: int) -> str:
    return f"huifang.body.1\n{callback}\n{seq}"


def append(
    connection: Connection,
    held: Held,
    drafts: Sequence[Draft],
    wall: datetime,
    mono_ms: int,
) -> list[Event]:
    """Chain the drafts behind the head of the row, which was read under the write lock."""
    row = held.row
    if row.state is State.IN_PROGRESS and any(draft.kind in BETWEEN_CALLS for draft in drafts):
        raise UnderWay
    seq, head = row.head_seq + 1, row.head_hash
    added: list[Event] = []
    for draft in drafts:
        salt = secrets.token_hex(16)
        event = chain_after(seq, head, row.id, draft, wall, mono_ms, salt=salt)
        added.append(event)
        seq, head = event.seq + 1, event.hash
    if added:
        connection.execute(insert(events), [_values(event, held.key) for event in added])
    return added


def flagged(connection: Connection, callback: str) -> bool:
    """Whether anything was noted for quality control: nothing is unsealed for that."""
    query = select(events.c.seq).where(events.c.callback == callback, events.c.kind == "flagged")
    return connection.execute(query.limit(1)).first() is not None


def of(connection: Connection, keys: Keys, callback: str) -> list[Event]:
    """In order; empty for a callback without any, or unknown. Raises Erased, Unreadable."""
    query = select(callbacks.c.erased, data_keys.c.wrapped)
    query = query.join(data_keys, data_keys.c.row == callbacks.c.key_row, isouter=True)
    found = connection.execute(query.where(callbacks.c.id == callback)).first()
    if found is None:
        return []
    if found.erased:
        raise Erased(found.erased)
    query = select(*_COLUMNS).where(events.c.callback == callback).order_by(events.c.seq)
    rows = connection.execute(query).all()
    if not rows:
        return []
    key = keys.unwrap(found.wrapped or b"", callback)
    return [_event(row, key) for row in rows]


def chains(connection: Connection, keys: Keys) -> Iterator[Chain]:
    """Streams part by part: memory holds a few chains, and no database has to sort them all. A
    body that cannot be read is empty."""
    c = callbacks.c
    heads = select(c.row, c.id, c.state, c.head_seq, c.head_hash, data_keys.c.wrapped)
    heads = heads.join(data_keys, data_keys.c.row == c.key_row, isouter=True)
    bodies = select(*_COLUMNS).join(callbacks, events.c.callback == c.id)
    for part in in_parts(connection, heads, c.row, PART):
        within = c.row.between(part[0].row, part[-1].row)
        rows = connection.execute(bodies.where(within).order_by(c.row, events.c.seq))
        found = {id: list(group) for id, group in groupby(rows, key=itemgetter(0))}
        for _, id, state, seq, head, wrapped in part:
            key = _key(keys, id, wrapped)
            chain = tuple(_seen(row, key or _NO_KEY) for row in found.get(id, ()))
            yield Chain(id, state, (seq, head), chain, key)


def in_parts(
    connection: Connection, query: Select[Any], place: Column[int], size: int
) -> Iterator[Sequence[Any]]:
    """The rows of `query` in the order of `place`, its first column, `size` at a time."""
    query = query.order_by(place).limit(size)
    part = connection.execute(query).all()
    while part:
        yield part
        part = connection.execute(query.where(place > part[-1][0])).all()


def _event(row: Sequence[Any], key: DataKey) -> Event:
    """Raises Unreadable."""
    callback, seq, kind, wall, mono_ms, prev, digest, hashed, body = row
    if not isinstance(body, bytes):  # SQLite lets an intruder write text here
        raise Unreadable("a body is not what was written")
    plain = body if kind in OUTLIVING else key.open(body, about(callback, seq))
    salt, _, text = plain.decode("utf-8", "replace").partition("\n")
    return Event(callback, seq, kind, text, wall, mono_ms, prev, salt, digest, hashed)


def _seen(row: Sequence[Any], key: DataKey) -> Event:
    """As `_event`, for whoever looks for damage."""
    try:
        return _event(row, key)
    except Unreadable:
        callback, seq, kind, wall, mono_ms, prev, digest, hashed, *_ = row
        return Event(callback, seq, kind, "", wall, mono_ms, prev, "", digest, hashed)


def _key(keys: Keys, callback: str, wrapped: bytes | None) -> DataKey | None:
    try:
        return None if wrapped is None else keys.unwrap(wrapped, callback)
    except (Unreadable, ConfigError):  # changed by an intruder: as good as gone
        return None


def _values(event: Event, key: DataKey) -> dict[str, object]:
    body = f"{event.salt}\n{event.text}".encode()
    if event.kind not in OUTLIVING:
        body = key.seal(body, about(event.callback, event.seq))
    return {
        "callback": event.callback,
        "seq": event.seq,
        "kind": event.kind,
        "wall": event.wall,
        "mono_ms": event.mono_ms,
        "prev": event.prev,
        "digest": event.digest,
        "hash": event.hash,
        "body": body,
    }
