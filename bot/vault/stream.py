"""Sound sealed as it grows: frames under one key, each in its place, the last one marked.

A file is a header (format, sample rate, 32 random bytes) and frames: length (4 bytes,
little-endian), then AES-256-GCM ciphertext with its tag. The key is derived from the record's key
and the header's random bytes, so the nonce may be the frame's number (11 bytes) and whether it is
the last (1 byte): frames cannot be left out, swapped, repeated, or cut off unnoticed, as in STREAM
(Hoang, Reyhanitabar, Rogaway, Vizár 2015). Killed in the middle, every whole frame can still be
read. A last frame is always empty, so that closing a file again writes the same bytes.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.vault.datakey import TAG_BYTES, DataKey

MAX_FRAME = 1 << 20
"""Bytes of plain sound in one frame."""

_FORMAT = b"huifang.sound.1\n"
_HEADER = struct.Struct("<16sI32s")
_LENGTH = struct.Struct("<I")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a file."""

    plain: bytes
    last: bool
    end: int  # offset in the file


class Stream:
    """The frames of one file."""

    def __init__(self, key: DataKey, header: bytes) -> None:
        """Raises ValueError for a header of anything else."""
        try:
            format_, self.rate, salt = _HEADER.unpack(header)
        except struct.error as error:
            raise ValueError("not a sealed recording") from error
        if format_ != _FORMAT:
            raise ValueError("not a sealed recording")
        self.header = header
        self._cipher = AESGCM(key.derived(salt, _FORMAT.decode()))

    @classmethod
    def new(cls, key: DataKey, rate: int) -> Stream:
        return cls(key, _HEADER.pack(_FORMAT, rate, secrets.token_bytes(32)))

    def frame(self, number: int, plain: bytes | bytearray, *, last: bool = False) -> bytes:
        """The bytes of frame `number` (0, 1, 2, …). Each number is written once."""
        sealed = self._cipher.encrypt(_nonce(number, last), bytes(plain), self.header)
        return _LENGTH.pack(len(sealed)) + sealed

    def frames(self, file: BinaryIO) -> Iterator[Frame]:
        """From behind the header on, up to the last one or to the first that is not whole."""
        end = HEADER_BYTES
        size = file.seek(0, 2)
        number, last = 0, False
        while not last:
            file.seek(end)
            length = file.read(_LENGTH.size)
            if len(length) < _LENGTH.size:
                return
            (expected,) = _LENGTH.unpack(length)
            if not TAG_BYTES <= expected <= MAX_FRAME + TAG_BYTES:
                return
            sealed = file.read(expected)
            end += _LENGTH.size + expected
            if end > size:
                return
            plain = self._open(number, sealed, last=False)
            if plain is None:
                plain, last = self._open(number, sealed, last=True), True
            if plain is None:
                return
            yield Frame(plain, last, end)
            number += 1

    def _open(self, number: int, sealed: bytes, *, last: bool) -> bytes | None:
        try:
            return self._cipher.decrypt(_nonce(number, last), sealed, self.header)
        except InvalidTag:
            return None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
