"""Tells any number of screens that something changed, without ever holding up the one who rings.

A watcher that is slow gets each changed callback once, however often it changed meanwhile: memory
is bounded by the number of callbacks, and the state it then reads is the newest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from bot.web.desk import Changed


class Bell:
    """A coalescing broadcast. All methods belong to one event loop."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    def ring(self, callback: str | None = None) -> None:
        """The queue (None) or this callback's case has changed."""
        for watcher in self._watchers:
            watcher.add(Changed(callback))

    async def watch(self) -> AsyncGenerator[Changed, None]:
        """As in `Desk.watch`."""
        watcher = _Watcher()
        watcher.add(Changed(None))
        self._watchers.add(watcher)
        try:
            while True:
                yield await watcher.get()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    def __init__(self) -> None:
        self._news: dict[Changed, None] = {}  # an ordered set
        self._some = asyncio.Event()

    def add(self, change: Changed) -> None:
        self._news[change] = None
        self._some.set()

    async def get(self) -> Changed:
        await self._some.wait()
        change = next(iter(self._news))
        del self._news[change]
        if not self._news:
            self._some.clear()
        return change
