"""The event table: written at the head of a callback's chain, read in order, never changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, insert, select

from bot.evidence.ledger import Draft, Event, chain_after
from bot.store.records import Callback, Chain
from bot.store.schema import callbacks, events

OWNERLESS = frozenset({"audio", "failed", "dial_ended"})
"""Facts about what has happened, true whoever owns the conversation by now."""

_COLUMNS = tuple(events.c)
"""In the order of the fields of `Event`."""


def append(
    connection: Connection,
    row: Callback,
    drafts: Sequence[Draft],
    wall: datetime,
    mono_ms: int,
) -> list[Event]:
    """Chain the drafts behind the head of `row`, which was read under the write lock."""
    seq, head = row.head_seq + 1, row.head_hash
    added: list[Event] = []
    for draft in drafts:
        salt = secrets.token_hex(16)
        event = chain_after(seq, head, row.id, draft, wall, mono_ms, salt=salt)
        added.append(event)
        seq, head = event.seq + 1, event.hash
    if added:
        connection.execute(insert(events), [_values(event) for event in added])
    return added


def of(connection: Connection, callback: str) -> list[Event]:
    query = select(*_COLUMNS).where(events.c.callback == callback).order_by(events.c.seq)
    return [Event(*row) for row in connection.execute(query)]


def chains(connection: Connection) -> Iterator[Chain]:
    """Streams: memory holds one chain at a time."""
    c = callbacks.c
    query = (
        select(c.id, c.state, c.head_seq, c.head_hash, *_COLUMNS)
        .join(events, events.c.callback == c.id, isouter=True)
        .order_by(c.row, events.c.seq)
    )
    rows = connection.execution_options(yield_per=1000).execute(query)
    for (callback, state, *head), group in groupby(rows, key=lambda row: tuple(row[:4])):
        chain = tuple(Event(*row[4:]) for row in group if row[4] is not None)
        yield Chain(callback, state, (head[0], head[1]), chain)


def _values(event: Event) -> dict[str, object]:
    return {
        "callback": event.callback,
        "seq": event.seq,
        "kind": event.kind,
        "body": event.text,
        "wall": event.wall,
        "mono_ms": event.mono_ms,
        "prev": event.prev,
        "salt": event.salt,
        "digest": event.digest,
        "hash": event.hash,
    }
