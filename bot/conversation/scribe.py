"""The pen of one conversation: commits its events, in order, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from time import monotonic_ns
from typing import Any, Protocol

from bot import off_loop
from bot.evidence.ledger import Draft, Event
from bot.store import Store


class Clock(Protocol):
    """Where time comes from; tests pass their own."""

    def now(self) -> datetime:
        """Aware wall time, UTC."""

    def mono_ms(self) -> int:
        """Monotonic milliseconds; only differences mean anything."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def mono_ms(self) -> int:
        return monotonic_ns() // 1_000_000


class Scribe:
    """Writes for one callback under one ownership `generation`.

    Every method returns only when the events are on disk. Raises `OwnershipLost` when somebody
    else owns the conversation by now, `StoreUnavailable` when nothing could be committed, or nobody
    knows whether it was: a disk that hangs.
    """

    def __init__(
        self,
        store: Store,
        callback: str,
        clock: Clock,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        row = store.callback(callback)
        self.callback = callback
        self.generation, self.next_seq = row.generation, row.head_seq + 1
        self._store = store
        self._clock = clock
        self._on_event = on_event or (lambda _: None)
        self._lock = asyncio.Lock()

    async def write(self, drafts: Sequence[Draft], **columns: Any) -> list[Event]:
        """Commit events with the callback's `snapshot`, `state` and `outcome` if given."""
        async with self._lock:
            append = partial(
                self._store.append,
                self.callback,
                drafts,
                wall=self._clock.now(),
                mono_ms=self._clock.mono_ms(),
                generation=self.generation,
                **columns,
            )
            events = await off_loop.in_time(append)
            self._committed(events)
            return events

    async def book(self, when: datetime, draft: Draft, by: str = "bot") -> None:
        """Book another call, of the bot or of a human, committed together with its event."""
        async with self._lock:
            book = partial(
                self._store.book,
                self.callback,
                when,
                by=by,
                drafts=[draft],
                wall=self._clock.now(),
                mono_ms=self._clock.mono_ms(),
                generation=self.generation,
            )
            events = await off_loop.in_time(book)
            self._committed(events)

    async def note(self, draft: Draft) -> None:
        """Commit a fact that holds whoever owns the conversation by now (a recording, a fault)."""
        async with self._lock:
            append = partial(
                self._store.append,
                self.callback,
                [draft],
                wall=self._clock.now(),
                mono_ms=self._clock.mono_ms(),
                generation=None,
            )
            events = await off_loop.in_time(append)
            self._committed(events)

    async def transfer(self, owner: str, drafts: Sequence[Draft], **columns: Any) -> None:
        """Commit a change of owner together with its events; the generation moves on."""
        async with self._lock:
            transfer = partial(
                self._store.transfer,
                self.callback,
                self.generation,
                owner,
                drafts,
                wall=self._clock.now(),
                mono_ms=self._clock.mono_ms(),
                **columns,
            )
            within_s = off_loop.HAND_OVER_S if owner == "queue" else None
            self.generation, events = await off_loop.in_time(transfer, within_s)
            self._committed(events)

    async def renew(self) -> str:
        """Write on for whoever has the conversation by now, whose name is returned. Not for the
        bot's own stretch: there, a new owner means silence."""
        async with self._lock:
            row = await off_loop.in_time(partial(self._store.callback, self.callback))
            self.generation, self.next_seq = row.generation, row.head_seq + 1
            return row.owner

    def _committed(self, events: Sequence[Event]) -> None:
        if events:
            self.next_seq = events[-1].seq + 1
        for event in events:
            self._on_event(event)
