"""Where the sound of a call is written as it happens."""

from __future__ import annotations

from typing import Protocol


class Tap(Protocol):
    """Hears both sides of a line, in step."""

    def write(self, caller: bytes, bot: bytes) -> None:
        """One tick: 20 ms of each side, s16le mono at the line's rate, always full frames.

        Called on the loop that paces frames, so it must return at once. Frame n holds the
        milliseconds n x 20 to n x 20 + 20 of the line; the times in events are offsets into it."""
