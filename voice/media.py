"""What a phone line needs of any media transport: AudioSocket now, a WebSocket channel later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound of the caller: s16le mono at the connection's rate; any whole number of samples."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """One DTMF digit, 0-9, *, # or A-D, at the moment the key was released."""

    digit: str


Media = Audio | Digit


class MediaConnection(Protocol):
    """One call's transport. Iterating yields what the caller sends and ends when either side hangs
    up; `closed_by` then says which."""

    rate: int  # Hz, both ways
    closed_by: str
    """Empty while open; then "caller", "closed" (we did) or "error: …"."""

    def __aiter__(self) -> AsyncIterator[Media]: ...

    def send_frame(self, pcm: bytes) -> None:
        """Send one 20 ms frame. Never blocks: on a connection that is gone, or whose peer does not
        read, it has no effect beyond ending the iteration."""

    def close(self, reason: str = "closed") -> None:
        """Hang up; safe to call twice. `reason` becomes `closed_by`."""
