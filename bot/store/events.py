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

from sqlalchemy import Connection, insert, select

from bot.errors import ConfigError, UnderWay
from bot.evidence.kinds import OUTLIVING
from bot.evidence.ledger import Draft, Event, chain_after
from bot.evidence.states import State
from bot.store.keys import Keys
from bot.store.records import Chain, Erased, Held
from bot.store.schema import callbacks, data_keys, events
from bot.vault.datakey import KEY_BYTES, DataKey, Unreadable

BETWEEN_CALLS = frozenset({"viewed", "exported", "held", "released", "erased"})
"""Facts from outside of the conversation. Not while the bot talks: it counts on the numbers of the
events it writes."""
OWNERLESS = BETWEEN_CALLS | {"audio", "failed", "dial_ended"}
"""Facts about what has happened, true whoever owns the conversation by now."""

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
    """Streams: memory holds one chain at a time. A body that cannot be read is empty."""
    c = callbacks.c
    query = (
        select(*_COLUMNS, c.id, c.state, c.head_seq, c.head_hash, data_keys.c.wrapped)
        .join_from(callbacks, data_keys, data_keys.c.row == c.key_row, isouter=True)
        .join(events, events.c.callback == c.id, isouter=True)
        .order_by(c.row, events.c.seq)
    )
    rows = connection.execution_options(yield_per=1000).execute(query)
    for callback, group in groupby(rows, key=itemgetter(len(_COLUMNS))):
        here = list(group)
        state, seq, head, wrapped = here[0][len(_COLUMNS) + 1 :]
        key = _key(keys, callback, wrapped)
        chain = tuple(_seen(row, key or _NO_KEY) for row in here if row[0] is not None)
        yield Chain(callback, state, (seq, head), chain, key)


def _event(row: Sequence[Any], key: DataKey) -> Event:
    """Raises Unreadable."""
    callback, seq, kind, wall, mono_ms, prev, digest, hashed, body, *_ = row
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
