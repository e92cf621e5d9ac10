"""A Merkle tree over a growing list, as RFC 6962 (Certificate Transparency) §2.1 defines it. Pure.

Nothing is held in memory: a `Node` function gives the hash of the perfect subtree number `index` of
2**`level` leaves, so that a root or a proof costs a few look-ups however long the list is. Leaves
and inner nodes are hashed behind different prefixes, so that one can never pass for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""(level, index) → hash of a perfect subtree; level 0 are the leaves."""

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def completed(index: int, leaf: bytes, node: Node) -> Iterator[tuple[int, int, bytes]]:
    """(level, index, hash) of every perfect subtree that leaf number `index` completes, itself
    included, from the leaf upwards. `node` must know what was completed before."""
    level, current = 0, leaf
    yield level, index, current
    while index & 1:
        current = node_hash(node(level, index - 1), current)
        level, index = level + 1, index >> 1
        yield level, index, current


def root(size: int, node: Node) -> bytes:
    """The hash of the first `size` leaves."""
    return _subtree(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(m, D[n]): what leads from leaf `index` to the root of `size` leaves.

    Raises ValueError when there is no such leaf."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the proof leads to (RFC 9162 §2.1.3.2); None when it has the wrong shape."""
    if not 0 <= index < size:
        return None
    first, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            current = node_hash(sibling, current)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        first, last = first >> 1, last >> 1
    return current if last == 0 else None


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(m, D[n]): that the tree of `new` leaves begins with the tree of `old` leaves.

    Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError("a tree can only be consistent with an older one that has leaves")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, end, node))
    return path[::-1]


def is_consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the proof shows it (RFC 9162 §2.1.4.2)."""
    if old == new:
        return old_root == new_root and not path
    if not 0 < old < new or not path:
        return False
    parts = list(path)
    if old & (old - 1) == 0:
        parts.insert(0, old_root)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    was = now = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            was, now = node_hash(part, was), node_hash(part, now)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            now = node_hash(now, part)
        first, last = first >> 1, last >> 1
    return last == 0 and (was, now) == (old_root, new_root)


class Frontier:
    """The roots of a list that is read once from its beginning; memory is its logarithm."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: dict[int, bytes] = {}  # level → the newest complete left subtree

    def add(self, leaf: bytes) -> None:
        done = list(completed(self.size, leaf, lambda level, _: self._edge[level]))
        self._edge |= {level: current for level, _, current in done}
        self.size += 1

    def root(self) -> bytes:
        return root(self.size, lambda level, _: self._edge[level])


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(start: int, end: int, node: Node) -> bytes:
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_subtree(start, middle, node), _subtree(middle, end, node))
