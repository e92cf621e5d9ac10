"""The Asterisk Manager Interface on the wire, version 2 to 11: messages apart from connections.

A message is a block of `Key: value` lines ended by an empty line; keys may repeat. The server
greets with one line first. Source: Asterisk documentation, "AMI v2 Specification".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_LINE = 16 * 1024  # bytes; Asterisk's own longest is 1,025, list answers excepted
MAX_FIELDS = 2_000  # lines of one message: `Output` of a command repeats
_END = b"\r\n"


class AmiSyntax(ValueError):
    """What came is not AMI: the connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Message:
    """One block, its lines in order. Keys compare without regard to case."""

    fields: tuple[tuple[str, str], ...]

    def get(self, key: str, default: str = "") -> str:
        """The first value of a key."""
        wanted = key.lower()
        return next((value for name, value in self.fields if name.lower() == wanted), default)

    def all(self, key: str) -> list[str]:
        """Every value of a key that may repeat, such as Output or ChanVariable."""
        wanted = key.lower()
        return [value for name, value in self.fields if name.lower() == wanted]

    @property
    def event(self) -> str:
        """Name of the event; empty for a response."""
        return self.get("Event")

    @property
    def ok(self) -> bool:
        """Whether a response says that the action was accepted."""
        return self.get("Response") in {"Success", "Goodbye", "Follows"}


def encode(action: str, fields: Mapping[str, str | list[str]]) -> bytes:
    """An action for the wire. Raises ValueError for a line break, which would begin a line of its
    own (and with it an action of somebody else's choice)."""
    lines = [("Action", action)]
    for key, value in fields.items():
        lines += [(key, v) for v in ([value] if isinstance(value, str) else value)]
    if any(breaks in part for line in lines for part in line for breaks in "\r\n\0"):
        raise ValueError("a line break has no place in an AMI field")
    return b"".join(f"{key}: {value}".encode() + _END for key, value in lines) + _END


class Decoder:
    """Bytes in, messages out, whatever the cuts."""

    def __init__(self) -> None:
        self.greeting = ""
        """The server's first line, e.g. `Asterisk Call Manager/11.0.0`; empty until it came."""
        self._rest = b""
        self._fields: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> Iterator[Message]:
        """Raises AmiSyntax for a line or message beyond all bounds, or no greeting."""
        self._rest += data
        while _END in self._rest:
            raw, _, self._rest = self._rest.partition(_END)
            line = raw.decode("utf-8", errors="replace")
            if not self.greeting:
                if not line.startswith("Asterisk Call Manager"):
                    raise AmiSyntax("no Asterisk Call Manager answers there")
                self.greeting = line
            elif line:
                key, _, value = line.partition(":")
                self._fields.append((key.strip(), value.strip()))
                if len(self._fields) > MAX_FIELDS:
                    raise AmiSyntax("a message without end")
            elif self._fields:
                message = Message(tuple(self._fields))
                self._fields.clear()
                yield message
        if len(self._rest) > MAX_LINE:
            raise AmiSyntax("a line without end")


def challenge_key(challenge: str, secret: str) -> str:
    """The answer to a login challenge, so that the secret itself never travels (AuthType MD5)."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
