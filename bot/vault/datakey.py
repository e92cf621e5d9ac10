"""The key of one record: AES-256-GCM over its event bodies, snapshot, facts and sound.

Sealed bytes are a random nonce (12 bytes), the ciphertext, and the tag (16 bytes). What they are
about (which record, which column, which number) is authenticated with them, so that a ciphertext
moved elsewhere cannot be read there.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import HuifangError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class Unreadable(HuifangError, ValueError):
    """Ciphertext that was changed, moved or cut off, or is of another key."""


class DataKey:
    """Seals and opens. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._key, self._cipher = key, AESGCM(key)

    @classmethod
    def new(cls) -> DataKey:
        return cls(secrets.token_bytes(KEY_BYTES))

    def __repr__(self) -> str:
        return "DataKey(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataKey) and hmac.compare_digest(self._key, other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def seal(self, plain: bytes, about: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises Unreadable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
            raise Unreadable("something sealed cannot be opened: it was changed") from error

    def derived(self, salt: bytes, purpose: str) -> bytes:
        """32 bytes for one purpose (HKDF-SHA-256)."""
        return HKDF(SHA256(), KEY_BYTES, salt, purpose.encode()).derive(self._key)

    def digest(self, value: str) -> str:
        """HMAC-SHA-256 of a value, to name it by; hex."""
        return hmac.digest(self._key, f"huifang.digest.1\n{value}".encode(), "sha256").hex()

    def raw(self) -> bytes:
        """For the one who wraps it."""
        return self._key
