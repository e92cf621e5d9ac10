"""A clock that only moves when told to, and a page that only remembers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class _Timer:
    def __init__(self, due_ms: float, call: Callable[[], None]) -> None:
        self.due_ms, self.call, self.cancelled = due_ms, call, False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    def __init__(self) -> None:
        self._ms = 0
        self._timers: list[_Timer] = []

    def now(self) -> datetime:
        return START + timedelta(milliseconds=self._ms)

    def mono_ms(self) -> int:
        return self._ms

    def later(self, seconds: float, call: Callable[[], None]) -> _Timer:
        timer = _Timer(self._ms + seconds * 1000, call)
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move on; whatever falls due happens at its own time, in order."""
        end = self._ms + round(seconds * 1000)
        while due := [t for t in self._timers if not t.cancelled and t.due_ms <= end]:
            timer = min(due, key=lambda t: t.due_ms)
            self._timers.remove(timer)
            self._ms = max(self._ms, round(timer.due_ms))
            timer.call()
        self._ms = end


class FakePage:
    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.closed = ""

    def send(self, message: str) -> None:
        self.got.append(json.loads(message))

    def close(self, reason: str) -> None:
        self.closed = reason

    def of(self, type: str) -> list[dict[str, Any]]:
        return [message for message in self.got if message["type"] == type]

    @property
    def words(self) -> list[str]:
        """Everything the page would show."""
        words: list[str] = []
        for message in self.got:
            if message["type"] == "history":
                words = [bubble["text"] for bubble in message["messages"]]
            elif message["type"] == "message":
                words.append(message["message"]["text"])
        return words
