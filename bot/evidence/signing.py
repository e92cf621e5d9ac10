"""Signed statements about the store: checkpoints, manifests of exports, changes of key. Pure.

A statement is a flat JSON object of strings and whole numbers. Its `signature` is Ed25519 over the
statement's `format`, a newline, and the canonical JSON of everything but the signature. A key is
named by the SHA-256 of its 32 raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.evidence import merkle
from bot.evidence.ledger import canonical

CHECKPOINT = "huifang.checkpoint.1"
MANIFEST = "huifang.signature.1"
ROTATION = "huifang.rotation.1"
_LEAF = "huifang.leaf.1"

Statement = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the whole store held at one moment, in one hash."""

    store: str  # id of the store, made with it
    size: int  # leaves of the tree
    root: str  # hex
    time: str  # UTC, as `ledger.wall_text`
    statement: Statement  # as signed; `key` names the signer

    @classmethod
    def from_statement(cls, statement: Mapping[str, Any]) -> Checkpoint:
        """Raises ValueError for anything but a checkpoint; the signature is not looked at."""
        try:
            if statement["format"] != CHECKPOINT:
                raise ValueError("not a checkpoint")
            fields = (statement["store"], statement["size"], statement["root"], statement["time"])
            return cls(str(fields[0]), int(fields[1]), str(fields[2]), str(fields[3]), statement)
        except (KeyError, TypeError) as error:
            raise ValueError("not a checkpoint") from error


def key_id(key: Ed25519PublicKey) -> str:
    """How statements name a key."""
    return sha256(key.public_bytes_raw()).hexdigest()


def pem(key: Ed25519PublicKey) -> str:
    """The public key as a file that openssl reads as well."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form).decode()


def sign(key: Ed25519PrivateKey, statement: Statement) -> Statement:
    """The statement with the signer's name and signature."""
    named = {**statement, "key": key_id(key.public_key())}
    return {**named, "signature": key.sign(_message(named)).hex()}


def signed_by(statement: Mapping[str, Any], keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether one of `keys` (by id) made this statement."""
    try:
        key = keys[statement["key"]]
        key.verify(bytes.fromhex(statement["signature"]), _message(statement))
    except (KeyError, TypeError, ValueError, InvalidSignature):
        return False
    return True


def checkpoint(key: Ed25519PrivateKey, store: str, size: int, root: bytes, time: str) -> Statement:
    return sign(
        key,
        {"format": CHECKPOINT, "store": store, "size": size, "root": root.hex(), "time": time},
    )


def rotation(old: Ed25519PrivateKey, new: Ed25519PublicKey, time: str) -> Statement:
    """The old key names its successor."""
    public = new.public_bytes_raw().hex()
    return sign(old, {"format": ROTATION, "to": key_id(new), "public": public, "time": time})


def trusted(
    keys: Iterable[Ed25519PublicKey], rotations: Iterable[Mapping[str, Any]]
) -> dict[str, Ed25519PublicKey]:
    """`keys` and every successor that they name, step by step, by id."""
    ring = {key_id(key): key for key in keys}
    for statement in rotations:
        if statement.get("format") == ROTATION and signed_by(statement, ring):
            try:
                key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(statement["public"])))
            except (KeyError, ValueError):
                continue
            if key_id(key) == statement.get("to"):
                ring[key_id(key)] = key
    return ring


def leaf(callback: str, seq: int, head: str) -> bytes:
    """The leaf that seals a record up to event `seq`, whose hash is `head`."""
    sealed = {"format": _LEAF, "callback": callback, "seq": seq, "hash": head}
    return merkle.leaf_hash(canonical(sealed).encode())


def _message(statement: Mapping[str, Any]) -> bytes:
    unsigned = {k: v for k, v in statement.items() if k != "signature"}
    return f"{unsigned.get('format')}\n{canonical(unsigned)}".encode()
