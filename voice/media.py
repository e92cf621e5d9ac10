"""What a phone line needs of any media transport: AudioSocket now, a WebSocket channel later."""

from __future__ import annotations

import asyncio
from collections import deque
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
    """One call's transport."""

    rate: int  # Hz, both ways
    closed_by: str
    """Empty while open; then "caller", "closed" (we did) or "error: …"."""

    def take(self) -> list[Media]:
        """What the other side sent since, in order. Never waits. Who takes nothing makes a peer
        wait that sends faster than real time."""

    async def ended(self) -> None:
        """Wait until either side hung up; `closed_by` then says which."""

    def send_frame(self, pcm: bytes) -> None:
        """Send one 20 ms frame. Never blocks: on a connection that is gone, or whose peer does not
        read, it has no effect beyond ending the iteration."""

    def close(self, reason: str = "closed") -> None:
        """Hang up; safe to call twice. `reason` becomes `closed_by`."""


class Inbox:
    """What the other side of a connection sent and nobody has taken yet. Taken by the frame, not by
    a task that wakes for each message: with many calls that costs more than the sound itself."""

    def __init__(self) -> None:
        self._waiting: deque[Media] = deque()
        self._arrived = asyncio.Event()
        self._ended = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Media) -> None:
        self._waiting.append(message)
        self._arrived.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended.set()
        self._arrived.set()

    def take(self) -> list[Media]:
        """All of it, in order."""
        if not self._waiting:
            return []
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def ended(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    async def __aiter__(self) -> AsyncIterator[Media]:
        """Message by message until the end, for who has no clock of its own."""
        while self._waiting or not self._ended.is_set():
            while self._waiting:
                yield self._waiting.popleft()
            self._arrived.clear()
            if not self._ended.is_set():
                await self._arrived.wait()
