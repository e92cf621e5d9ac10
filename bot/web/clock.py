"""Time for a chat: what is it now, and wake me later. Tests pass their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Protocol


class Cancellable(Protocol):
    def cancel(self) -> None: ...


class ChatClock(Protocol):
    def now(self) -> datetime:
        """Aware wall time, UTC."""

    def mono_ms(self) -> int:
        """Monotonic milliseconds; only differences mean anything."""

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        """Call once, after `seconds`."""


class LoopClock:
    """The running event loop's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def mono_ms(self) -> int:
        return monotonic_ns() // 1_000_000

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        return asyncio.get_running_loop().call_later(seconds, call)


class Alarm:
    """At most one pending call; setting it again moves it."""

    def __init__(self, clock: ChatClock) -> None:
        self._clock = clock
        self._pending: Cancellable | None = None

    def set(self, seconds: float, call: Callable[[], None]) -> None:
        self.cancel()
        self._pending = self._clock.later(seconds, call)

    def cancel(self) -> None:
        if self._pending:
            self._pending.cancel()
            self._pending = None
