"""The signing key and its predecessors, as files of one folder.

signing.key       the private key (PEM, PKCS 8), readable by its owner only, else refused
public/ID.pem     every public key there ever was
rotations.jsonl   each old key's signed statement about its successor, oldest first
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.errors import ConfigError
from bot.evidence import signing
from bot.evidence.ledger import canonical
from bot.vault import private_file

PRIVATE = "signing.key"
_NEXT = "next.key"
ROTATIONS = "rotations.jsonl"
_PUBLIC = "public"
_FORMAT = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


class KeyRing:
    """Signs, and knows whom to trust. Opening it makes the key when there is none."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError when the key cannot be read or others may read it."""
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / _PUBLIC).mkdir(mode=0o755, exist_ok=True)
            with self._locked():
                self._finish_rotation()
                if not (folder / PRIVATE).exists():
                    self._make(PRIVATE)
                self._key = _load(folder / PRIVATE)
                self._keep_public(self._key.public_key())
        except OSError as error:
            raise ConfigError(
                f"the signing key in {folder} cannot be used: {error.strerror}"
            ) from error

    @property
    def id(self) -> str:
        return signing.key_id(self.public)

    @property
    def public(self) -> Ed25519PublicKey:
        return self._key.public_key()

    def sign(self, statement: signing.Statement) -> signing.Statement:
        return signing.sign(self._key, statement)

    def checkpoint(self, store: str, size: int, root: bytes, time: str) -> signing.Statement:
        return signing.checkpoint(self._key, store, size, root, time)

    def rotations(self) -> list[dict[str, Any]]:
        """Oldest first. Raises ConfigError when the file is damaged."""
        try:
            lines = (self.folder / ROTATIONS).read_text("utf-8").splitlines()
            return [dict(json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{self.folder / ROTATIONS} cannot be read") from error

    def trusted(self) -> dict[str, Ed25519PublicKey]:
        """The key in use and every one before it, by id."""
        return {signing.key_id(key): key for key in self.public_keys()}

    def public_keys(self) -> list[Ed25519PublicKey]:
        """All there ever were, the one in use first."""
        kept = [load_public(p) for p in sorted((self.folder / _PUBLIC).glob("*.pem"))]
        older = [key for keys in kept for key in keys if signing.key_id(key) != self.id]
        return [self.public, *older]

    def rotate(self, time: str) -> str:
        """Make a new key, named by the old one in a signed statement; returns the new id.

        Killed at any point, either the old key or the new one is in use at the next start."""
        try:
            with self._locked():
                self._key = _load(self.folder / PRIVATE)
                new = self._make(_NEXT)
                statement = signing.rotation(self._key, new.public_key(), time)
                named = [*self.rotations(), dict(statement)]
                lines = "".join(canonical(one) + "\n" for one in named)
                private_file.write(self.folder / ROTATIONS, lines.encode(), 0o644)
                self._finish_rotation()
                self._key = new
                self._keep_public(new.public_key())
        except OSError as error:
            raise ConfigError(f"the key cannot be changed: {error.strerror}") from error
        return self.id

    def _finish_rotation(self) -> None:
        """Put a key in use that its predecessor has named; forget one that it has not."""
        following = self.folder / _NEXT
        if not following.exists():
            return
        try:
            id = signing.key_id(_load(following).public_key())
        except ConfigError:
            id = ""  # killed while it was written
        named = self.rotations()
        if named and named[-1].get("to") == id:
            following.replace(self.folder / PRIVATE)
        else:
            following.unlink()
        private_file.sync_folder(self.folder)

    def _make(self, name: str) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        private_file.write(self.folder / name, key.private_bytes(*_FORMAT))
        return key

    def _keep_public(self, key: Ed25519PublicKey) -> None:
        path = self.folder / _PUBLIC / f"{signing.key_id(key)}.pem"
        if not path.exists():
            path.write_text(signing.pem(key), "ascii")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two processes must not make two keys."""
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def load_public(path: Path) -> list[Ed25519PublicKey]:
    """Every public key of a PEM file. Raises ConfigError when there is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    end = b"-----END PUBLIC KEY-----"
    keys: list[Ed25519PublicKey] = []
    for block in data.split(end)[:-1]:
        try:
            key = serialization.load_pem_public_key(block + end + b"\n")
        except ValueError as error:
            raise ConfigError(f"{path} is not a public key") from error
        if isinstance(key, Ed25519PublicKey):
            keys.append(key)
    if not keys:
        raise ConfigError(f"{path} holds no Ed25519 public key")
    return keys


def _load(path: Path) -> Ed25519PrivateKey:
    """Refuses a key that anybody else could have read or put there."""
    data = private_file.read(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a private key; restore it from its copy") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is not an Ed25519 key")
    return key
