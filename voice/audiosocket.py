"""The AudioSocket wire format, and nothing else.

`type (1 byte) | length (2 bytes, big-endian) | payload`, as Asterisk's res_audiosocket speaks it.
The stream may be cut anywhere: `Decoder` takes bytes as they come.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from voice.media import Audio, Digit


class Kind(IntEnum):
    """Every message type we understand. All others are skipped and counted."""

    HANGUP = 0x00  # no payload
    UUID = 0x01  # 16 bytes, the first message of a call
    DTMF = 0x03  # one ASCII digit, at key-up (Asterisk from 20.14, 21.9 and 22.4)
    SLIN = 0x10  # s16le mono 8 kHz
    ERROR = 0xFF  # 0 or 1 byte of error code; never sent by us: it drops the call


HEADER = struct.Struct(">BH")
MAX_PAYLOAD = 3200  # bytes; 200 ms of sound, ten times what Asterisk sends in one message
DIGITS = frozenset("0123456789*#ABCD")
HANGUP = HEADER.pack(Kind.HANGUP, 0)


@dataclass(frozen=True, slots=True)
class Hello:
    """The call's UUID."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class Bye:
    """The other side ends the call."""


CALLER_HUNG_UP = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """The other side reports an error of its own: 0 none given, 1 hung up, 2 frame, 4 memory."""

    code: int


Message = Hello | Audio | Digit | Bye | Fault


def encode_hello(uuid: UUID) -> bytes:
    return HEADER.pack(Kind.UUID, 16) + uuid.bytes


def encode_audio(pcm: bytes) -> bytes:
    """One message, header and sound together so that they leave in one write.

    Raises ValueError for no sound at all (Asterisk takes an empty frame for the end), for half a
    sample and for more than `MAX_PAYLOAD` bytes."""
    if not 0 < len(pcm) <= MAX_PAYLOAD or len(pcm) % 2:
        raise ValueError(f"an audio message has 2..{MAX_PAYLOAD} bytes, even; got {len(pcm)}")
    return HEADER.pack(Kind.SLIN, len(pcm)) + pcm


def encode_digit(digit: str) -> bytes:
    """Raises ValueError for anything but one DTMF digit."""
    if digit not in DIGITS:
        raise ValueError("not a DTMF digit")
    return HEADER.pack(Kind.DTMF, 1) + digit.encode("ascii")


class Decoder:
    """Bytes in, messages out; holds at most one message of `MAX_PAYLOAD` bytes.

    Never raises. What is unknown, malformed or too long is skipped; the counters say how often.
    """

    def __init__(self) -> None:
        self.unknown = 0  # messages of a type we do not know
        self.malformed = 0  # messages of a known type with a payload that makes no sense
        self._buffer = bytearray()
        self._skip = 0  # bytes of an over-long payload still to be thrown away

    def feed(self, data: bytes) -> list[Message]:
        """The messages completed by `data`, in order."""
        if self._skip:
            thrown = min(self._skip, len(data))
            self._skip -= thrown
            data = data[thrown:]
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        at = 0
        while len(buffer) - at >= HEADER.size:
            kind, length = HEADER.unpack_from(buffer, at)
            body = at + HEADER.size
            end = body + length
            if length > MAX_PAYLOAD:
                self._count(kind)
                self._skip = max(0, end - len(buffer))
                at = min(end, len(buffer))
                continue
            if end > len(buffer):
                break
            message = self._parse(kind, bytes(buffer[body:end]))
            if message is not None:
                messages.append(message)
            at = end
        del buffer[:at]
        return messages

    @property
    def held(self) -> int:
        """Bytes of a message that is not complete yet."""
        return len(self._buffer)

    def _parse(self, kind: int, payload: bytes) -> Message | None:
        match kind:
            case Kind.SLIN if payload and len(payload) % 2 == 0:
                return Audio(payload)
            case Kind.DTMF if len(payload) == 1 and chr(payload[0]) in DIGITS:
                return Digit(chr(payload[0]))
            case Kind.UUID if len(payload) == 16:
                return Hello(UUID(bytes=payload))
            case Kind.HANGUP:
                return Bye()
            case Kind.ERROR:
                return Fault(payload[0] if payload else 0)
        self._count(kind)
        return None

    def _count(self, kind: int) -> None:
        if kind in _KNOWN:
            self.malformed += 1
        else:
            self.unknown += 1


_KNOWN = frozenset(int(kind) for kind in Kind)
