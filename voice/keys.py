"""One press, one key: a trunk may send it as an event, as sound, or as both. Pure."""

from __future__ import annotations

from collections import deque
from typing import Literal

WINDOW_MS = 1000
"""Between the end of a key's sound and its event: an exchange reports a key when it is released,
and sound is late by its jitter buffers."""
REMEMBERED = 16

Way = Literal["event", "tone"]


class KeyOnce:
    """Pairs what comes by both ways. Two presses of one key are two pairs."""

    def __init__(self) -> None:
        self._alone: deque[tuple[str, Way, int]] = deque(maxlen=REMEMBERED)  # not yet paired

    def new(self, digit: str, way: Way, at_ms: int) -> bool:
        """A key came by one way at `at_ms`. False if it is the other half of one already told."""
        for known in self._alone:
            if known[0] == digit and known[1] != way and at_ms - known[2] <= WINDOW_MS:
                self._alone.remove(known)
                return False
        self._alone.append((digit, way, at_ms))
        return True

    def held(self, digit: str, at_ms: int) -> None:
        """The sound of a key goes on: its event comes when it is released."""
        if self._alone and self._alone[-1][:2] == (digit, "tone"):
            self._alone[-1] = (digit, "tone", at_ms)
