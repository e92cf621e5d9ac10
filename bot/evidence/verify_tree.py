"""Checks the seals of a whole store: the tree over its records, and every checkpoint of it.

A chain alone cannot tell that it was rewritten from its beginning, nor a store that it was put back
to an earlier day. A checkpoint that was signed before, best one kept elsewhere, can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.evidence import merkle, signing
from bot.evidence.signing import Checkpoint

MAX_FAULTS = 1000


class Leaf(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def callback(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def head(self) -> str: ...


class SealedLeaf(Protocol):
    @property
    def leaf(self) -> Leaf: ...
    @property
    def found(self) -> str | None: ...


class Seals(Protocol):
    """What of `bot.store.Store.seals` is needed here."""

    def store_id(self) -> str: ...
    def size(self) -> int: ...
    def root(self, size: int) -> bytes: ...
    def checkpoints(self, since: int = 0) -> list[dict[str, Any]]: ...
    def leaves(self) -> Iterable[SealedLeaf]: ...
    def unsealed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TreeReport:
    """What a check of a store's seals found."""

    leaves: int
    checkpoints: int  # in the store
    elsewhere: int | None  # in the second place; None: there is none
    unsealed: int  # records younger than the last checkpoint: no fault
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        return {"tree": True, "ok": self.ok, **asdict(self)}

    def __str__(self) -> str:
        kept = "none kept elsewhere" if self.elsewhere is None else f"{self.elsewhere} elsewhere"
        return (
            f"seals: {'ok' if self.ok else 'BROKEN'}, {self.leaves} leaves, "
            f"{self.checkpoints} checkpoints ({kept}), {self.unsealed} records not sealed yet"
            + ("" if self.ok else f"; {self.faults[0]}")
        )


def verify_tree(
    seals: Seals,
    keys: Mapping[str, Ed25519PublicKey],
    elsewhere: Sequence[Mapping[str, Any]] | None = None,
) -> TreeReport:
    """`keys` are those to trust, by id; `elsewhere` the checkpoints of the second place."""
    walk = _Walk(seals.store_id(), keys)
    inside = seals.checkpoints()
    walk.learn(inside, "the store's")
    walk.learn(elsewhere or (), "the second place's")
    leaves = walk.over(seals.leaves())
    if not walk.faults and seals.root(seals.size()) != walk.root:
        walk.faults.append("the nodes of the tree are not those of its leaves")
    kept = None if elsewhere is None else len(elsewhere)
    faults = tuple(walk.faults[:MAX_FAULTS])
    return TreeReport(leaves, len(inside), kept, seals.unsealed(), faults)


class _Walk:
    """Once over all leaves; checkpoints are met at the size they speak of."""

    def __init__(self, store: str, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self.faults: list[str] = []
        self.root = merkle.EMPTY
        self._store, self._keys = store, keys
        self._by_size: dict[int, list[Checkpoint]] = defaultdict(list)

    def learn(self, statements: Iterable[Mapping[str, Any]], whose: str) -> None:
        for number, statement in enumerate(statements):
            try:
                checkpoint = Checkpoint.from_statement(statement)
            except ValueError:
                self.faults.append(f"{whose} checkpoint number {number} cannot be read")
                continue
            if not signing.signed_by(statement, self._keys):
                fault = "is not signed by a trusted key"
            elif checkpoint.store != self._store:
                fault = "is of another store"
            else:
                self._by_size[checkpoint.size].append(checkpoint)
                continue
            self.faults.append(f"{whose} checkpoint of {checkpoint.time} {fault}")

    def over(self, leaves: Iterable[SealedLeaf]) -> int:
        """Returns how many there are."""
        frontier = merkle.Frontier()
        self._meet(0, merkle.EMPTY)
        for sealed in leaves:
            leaf = sealed.leaf
            where = f"callback {leaf.callback}: event {leaf.seq}"
            if leaf.index != frontier.size:
                self.faults.append(f"leaf {frontier.size} is missing")
                return frontier.size  # nothing after it can fit
            if sealed.found is None:
                self.faults.append(f"{where} was sealed and is gone")
            elif sealed.found != leaf.head:
                self.faults.append(f"{where} is not the one that was sealed")
            frontier.add(signing.leaf(leaf.callback, leaf.seq, leaf.head))
            if frontier.size in self._by_size:
                self._meet(frontier.size, frontier.root())
        self._beyond(frontier.size)
        self.root = frontier.root()
        return frontier.size

    def _meet(self, size: int, root: bytes) -> None:
        for checkpoint in self._by_size.pop(size, ()):
            if checkpoint.root != root.hex():
                self.faults.append(f"the store is not the one sealed on {checkpoint.time}")

    def _beyond(self, size: int) -> None:
        for stated, checkpoints in sorted(self._by_size.items()):
            self.faults += [
                f"the store was put back: on {one.time} it had {stated} seals, now {size}"
                for one in checkpoints
            ]
