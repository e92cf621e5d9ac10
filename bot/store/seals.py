"""What seals the records of a store: a Merkle tree over their heads and signed checkpoints of it.

Blocking, thread-safe, each method one transaction (`seal`: one for each part), as `Store`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

from bot.evidence.ledger import wall_text
from bot.evidence.signing import Statement
from bot.store import tree
from bot.store.database import Database
from bot.store.records import Seal, SealedLeaf

PART = 5000
"""Leaves of one transaction; a call in progress waits no longer for its commit."""

Sign = Callable[[str, int, bytes, str], Statement]
"""(store, size, root, time) → a signed checkpoint."""


class Seals:
    """Part of a `Store`."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def seal(
        self, sign: Sign, key: str, *, also: Collection[str] = (), fresh: bool = False
    ) -> tuple[int, Statement]:
        """Seal every record that grew and is not in mid-call, and those in `also` in any case.

        Returns how many leaves were added and the newest checkpoint. A checkpoint is signed when
        there are new leaves, when the last one was not signed by `key`, or when `fresh` asks."""
        added, full = 0, True
        while full:
            with self._database.write() as connection:
                self._database.exclusively(connection, "seal")
                sealed = tree.seal(connection, PART, also)
                added, full = added + sealed, sealed == PART
                last = tree.last_checkpoint(connection)
                size = tree.size(connection)
                stale = last is None or last["size"] != size or last["key"] != key
                if not full and (stale or fresh):
                    time = wall_text(self._clock())
                    root = tree.root(connection, size)
                    statement = sign(tree.store_id(connection), size, root, time)
                    tree.add_checkpoint(connection, statement)
                    return added, statement
        assert last is not None
        return added, last

    def seal_of(self, callback: str, up_to: int) -> Seal | None:
        """The proof that the record, up to event `up_to` at most, is in the newest checkpoint;
        None when it was not sealed yet."""
        with self._database.read() as connection:
            leaf = tree.leaf_of(connection, callback, up_to)
            last = tree.last_checkpoint(connection)
            if leaf is None or last is None or leaf.index >= last["size"]:
                return None
            return Seal(leaf, tuple(tree.path(connection, leaf.index, last["size"])), last)

    def store_id(self) -> str:
        """The name of this store in its checkpoints."""
        with self._database.read() as connection:
            return tree.store_id(connection)

    def size(self) -> int:
        with self._database.read() as connection:
            return tree.size(connection)

    def root(self, size: int) -> bytes:
        """As the stored nodes have it; `size` at most `size()`."""
        with self._database.read() as connection:
            return tree.root(connection, size)

    def checkpoints(self, since: int = 0) -> list[dict[str, Any]]:
        """Of `since` leaves and more, oldest first."""
        with self._database.read() as connection:
            return tree.all_checkpoints(connection, since)

    def leaves(self) -> Iterator[SealedLeaf]:
        """In order, each with what is at its place now. Streams."""
        with self._database.read() as connection:
            yield from tree.sealed_leaves(connection)

    def unsealed(self) -> int:
        """Records whose newest event is in no leaf yet."""
        with self._database.read() as connection:
            return tree.unsealed(connection)
