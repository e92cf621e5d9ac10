"""The Merkle tree against RFC 6962's reference tree, and against itself at every size."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evidence import merkle

# The reference leaves and roots of RFC 6962's own implementation (certificate-transparency).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243",
        "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    """The nodes of a list of leaves, as the store keeps them."""

    def __init__(self, data: list[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        for index, item in enumerate(data):
            leaf = merkle.leaf_hash(item)
            for level, place, value in merkle.completed(index, leaf, self.node):
                self.nodes[level, place] = value

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


def naive_root(data: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(data) == 1:
        return sha256(b"\0" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return sha256(b"\1" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def test_roots_are_those_of_the_reference_tree() -> None:
    tree = Tree(LEAVES)
    assert merkle.root(0, tree.node) == sha256(b"").digest()
    for size, stated in enumerate(ROOTS, 1):
        assert merkle.root(size, tree.node).hex() == stated


def test_every_leaf_is_proved_in_every_size_and_nothing_else_is() -> None:
    data = [str(n).encode() for n in range(33)]
    tree = Tree(data)
    frontier, proved = merkle.Frontier(), 0
    for size in range(1, len(data) + 1):
        frontier.add(merkle.leaf_hash(data[size - 1]))
        root = merkle.root(size, tree.node)
        assert root == naive_root(data[:size]) == frontier.root()
        for index in range(size):
            path = merkle.inclusion(index, size, tree.node)
            check = partial(merkle.root_from_inclusion, size=size, path=path)
            assert check(merkle.leaf_hash(data[index]), index) == root
            assert check(merkle.leaf_hash(b"x"), index) != root
            others = (n for n in range(size) if n != index)
            assert all(check(merkle.leaf_hash(data[index]), n) != root for n in others)
            longer = [*path, path[0] if path else root]
            leaf = merkle.leaf_hash(data[index])
            assert merkle.root_from_inclusion(leaf, index, size, longer) is None
            if path:
                assert merkle.root_from_inclusion(leaf, index, size, path[1:]) != root
            proved += 1
    assert proved == 33 * 34 // 2


def test_a_tree_is_consistent_with_its_own_past_only() -> None:
    data = [str(n).encode() for n in range(24)]
    tree = Tree(data)
    other = Tree([*data[:5], b"changed", *data[6:]])
    for new in range(1, 25):
        root = merkle.root(new, tree.node)
        for old in range(1, new + 1):
            before = merkle.root(old, tree.node)
            path = merkle.consistency(old, new, tree.node)
            assert merkle.is_consistent(old, new, before, root, path)
            assert not merkle.is_consistent(old, new, before, root, [*path, root])
            if old > 5:
                rewritten = merkle.root(old, other.node)
                forged = merkle.consistency(old, new, other.node)
                assert not merkle.is_consistent(old, new, rewritten, root, path)
                assert not merkle.is_consistent(old, new, rewritten, root, forged)
            for at in range(len(path)):
                bad = [*path[:at], bytes(32), *path[at + 1 :]]
                assert not merkle.is_consistent(old, new, before, root, bad)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_proofs_hold_for_any_list(data: list[bytes], draw: st.DataObject) -> None:
    tree, size = Tree(data), len(data)
    index = draw.draw(st.integers(0, size - 1))
    old = draw.draw(st.integers(1, size))
    root = merkle.root(size, tree.node)
    path = merkle.inclusion(index, size, tree.node)
    assert merkle.root_from_inclusion(merkle.leaf_hash(data[index]), index, size, path) == root
    proof = merkle.consistency(old, size, tree.node)
    assert merkle.is_consistent(old, size, merkle.root(old, tree.node), root, proof)


def test_what_cannot_be_proved_is_refused() -> None:
    tree = Tree(LEAVES)
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError):
            merkle.inclusion(index, size, tree.node)
        assert merkle.root_from_inclusion(b"", index, size, []) is None
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError):
            merkle.consistency(old, new, tree.node)
        assert not merkle.is_consistent(old, new, b"", b"", [b""])
