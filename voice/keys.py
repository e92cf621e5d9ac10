"""One press, one key: a key may come as an event of the line, as sound, and from the exchange's
manager, in any order and not by every way. Pure.

A report that is late must never be a second press: it would answer the next question. The line's
own reports come within `WINDOW_MS` of each other; the manager's come over a connection that may
stall for any time, so there each report is taken for the oldest press it has not told of yet.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

KEYS = frozenset("0123456789*#")
"""Those of a caller's telephone. A to D are sent by machines only and mean nothing to us."""
WINDOW_MS = 1000
"""Between the first and the last report of a press: an exchange reports a key when it is released,
and sound is late by its jitter buffers."""
REMEMBERED = 16

Way = Literal["event", "tone", "manager"]


@dataclass
class _Press:
    digit: str
    at_ms: int
    ways: set[Way] = field(default_factory=set)


class KeyOnce:
    """Brings together what comes by several ways. Two presses of one key are two."""

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=REMEMBERED)  # the oldest first

    def new(self, digit: str, way: Way, at_ms: int) -> bool:
        """A key came by one way at `at_ms`. False if another way has told of this press already."""
        for press in self._presses:
            same = press.digit == digit and way not in press.ways
            if same and (at_ms - press.at_ms <= WINDOW_MS or _by_manager(press, way)):
                press.ways.add(way)
                return False
        self._presses.append(_Press(digit, at_ms, {way}))
        return True

    def held(self, digit: str, at_ms: int) -> None:
        """The sound of a key goes on: its event comes when it is released."""
        if self._presses and self._presses[-1].digit == digit and "tone" in self._presses[-1].ways:
            self._presses[-1].at_ms = at_ms


def _by_manager(press: _Press, way: Way) -> bool:
    """Whether one of the two reports is the manager's. What else comes long after it is another
    press if it is sound: where the manager alone tells of most keys, some can be heard."""
    return way == "manager" or (way == "event" and "manager" in press.ways)
