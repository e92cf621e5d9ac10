"""Leaves, nodes and checkpoints: written in order under one lock, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    bindparam,
    column,
    exists,
    func,
    insert,
    or_,
    select,
    update,
    values,
)

from bot.evidence import merkle, signing
from bot.evidence.ledger import canonical
from bot.evidence.states import State
from bot.store.events import in_parts
from bot.store.records import Leaf, SealedLeaf
from bot.store.schema import callbacks, checkpoints, events, leaves, nodes, stores

PART = 1000
"""Leaves that are read at once."""

_T = TypeVar("_T")
_Found = dict[tuple[int, int], bytes]


def store_id(connection: Connection) -> str:
    id: str = connection.execute(select(stores.c.id)).scalar_one()
    return id


def size(connection: Connection) -> int:
    last = connection.scalar(select(func.max(leaves.c.idx)))
    return 0 if last is None else int(last) + 1


def root(connection: Connection, of_size: int) -> bytes:
    return _with_nodes(connection, partial(merkle.root, of_size))


def seal(connection: Connection, limit: int, also: Collection[str] = ()) -> int:
    """A leaf for each record that grew since its last one, the oldest first, at most `limit`.

    Left out are records in mid-call, unless they are named in `also`, and those that are being
    written at this moment: sealing waits for nobody, the next one will find them. The caller
    does it exclusively. Returns how many."""
    c = callbacks.c
    quiet = c.state != State.IN_PROGRESS
    wanted = or_(quiet, c.id.in_(also)) if also else quiet
    grown = connection.execute(
        select(c.row, c.id, c.head_seq, c.head_hash)
        .where(c.head_seq > c.sealed_seq, wanted)
        .order_by(c.row)
        .limit(limit)
        .with_for_update(skip_locked=not also)
    ).all()
    if not grown:
        return 0
    before = size(connection)
    known: _Found = {}
    # All that new leaves need of the old ones are the subtrees that the old root is made of.
    merkle.root(before, lambda level, index: known.setdefault((level, index), b""))
    known = _fetch(connection, known)
    new_leaves, new_nodes = [], []
    for index, (_, callback, seq, head) in enumerate(grown, before):
        new_leaves.append({"idx": index, "callback": callback, "seq": seq, "head": head})
        leaf = signing.leaf(callback, seq, head)
        for level, place, value in merkle.completed(index, leaf, lambda *at: known[at]):
            known[level, place] = value
            new_nodes.append({"level": level, "idx": place, "hash": value})
    connection.execute(insert(leaves), new_leaves)
    connection.execute(insert(nodes), new_nodes)
    sealed = [{"of": row, "to": seq} for row, _, seq, _ in grown]
    change = update(callbacks).where(c.row == bindparam("of"))
    connection.execute(change.values(sealed_seq=bindparam("to")), sealed)
    return len(grown)


def add_checkpoint(connection: Connection, statement: signing.Statement) -> None:
    connection.execute(
        insert(checkpoints).values(
            size=statement["size"],
            key=statement["key"],
            time=statement["time"],
            statement=canonical(dict(statement)),
        )
    )


def last_checkpoint(connection: Connection) -> dict[str, Any] | None:
    query = select(checkpoints.c.statement).order_by(checkpoints.c.id.desc()).limit(1)
    text = connection.scalar(query)
    return None if text is None else dict(json.loads(text))


def all_checkpoints(connection: Connection, since: int) -> list[dict[str, Any]]:
    """Of `since` leaves and more, oldest first."""
    newer = checkpoints.c.size >= since
    query = select(checkpoints.c.statement).where(newer).order_by(checkpoints.c.id)
    return [dict(json.loads(text)) for text in connection.scalars(query)]


def leaf_of(connection: Connection, callback: str, up_to: int) -> Leaf | None:
    """The newest leaf of a record that seals no event after `up_to`."""
    query = (
        select(leaves)
        .where(leaves.c.callback == callback, leaves.c.seq <= up_to)
        .order_by(leaves.c.seq.desc(), leaves.c.idx.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Leaf(*row)


def path(connection: Connection, index: int, of_size: int) -> list[bytes]:
    return _with_nodes(connection, partial(merkle.inclusion, index, of_size))


def sealed_leaves(connection: Connection) -> Iterator[SealedLeaf]:
    """Every leaf with what the store has at its place today. Streams part by part."""
    here = (events.c.callback == leaves.c.callback) & (events.c.seq == leaves.c.seq)
    query = select(*leaves.c, events.c.hash).join(events, here, isouter=True)
    for part in in_parts(connection, query, leaves.c.idx, PART):
        for *leaf, found in part:
            yield SealedLeaf(Leaf(*leaf), found)


def unsealed(connection: Connection) -> int:
    """Records whose newest event no leaf seals."""
    c = callbacks.c
    newest = exists().where(leaves.c.callback == c.id, leaves.c.seq == c.head_seq)
    query = select(func.count()).select_from(callbacks).where(c.head_seq >= 0, ~newest)
    return int(connection.execute(query).scalar_one())


def _with_nodes(connection: Connection, work: Callable[[merkle.Node], _T]) -> _T:
    """`work` with the nodes it asks for, fetched in one query: which they are does not depend on
    what is in them."""
    wanted: set[tuple[int, int]] = set()

    def note(level: int, index: int) -> bytes:
        wanted.add((level, index))
        return b""

    work(note)
    found = _fetch(connection, wanted)
    return work(lambda level, index: found[level, index])


def _fetch(connection: Connection, wanted: Collection[tuple[int, int]]) -> _Found:
    if not wanted:
        return {}
    # Joined, each pair is one look into the index; a list of pairs has SQLite read the whole table.
    level, place = (column(c.name, c.type) for c in (nodes.c.level, nodes.c.idx))
    pairs = values(level, place, name="wanted").data(list(wanted)).cte()
    here = (nodes.c.level == pairs.c.level) & (nodes.c.idx == pairs.c.idx)
    rows = connection.execute(select(nodes).join_from(pairs, nodes, here))
    return {(level, index): bytes(value) for level, index, value in rows}
