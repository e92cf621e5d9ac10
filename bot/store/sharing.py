"""Several bots on one store: who lives, and which callback has whom on its line.

Blocking, thread-safe, each method one transaction, as `Store`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection

from bot.store import bots, callbacks
from bot.store.database import Database
from bot.store.keys import Keys
from bot.store.notices import Changed

AT_ONCE = 50
"""Orphans that are told of in one look; the next one finds the others."""


class Sharing:
    """Part of a `Store`."""

    def __init__(self, database: Database, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._database, self._keys, self._clock = database, keys, clock

    def beat(self, bot: str) -> None:
        """This bot lives; to be said every few seconds (see `bots.LEASE`)."""
        with self._database.write() as connection:
            self._database.exclusively(connection, "bots")  # two may begin all leases anew
            bots.beat(connection, bot, self._time(connection))

    def claim(self, callback: str, bot: str) -> None:
        """From here on this bot serves the callback: to be asked before reading its generation.
        Raises ServedElsewhere while another one that lives has it, NotFound."""
        with self._database.write() as connection:
            held = callbacks.hold(connection, self._keys, callback, None)
            bots.claim(connection, held.row, bot, self._time(connection))

    def served_elsewhere(self, callback: str, bot: str) -> bool:
        """Whether another bot that lives has this callback on its line. Raises NotFound."""
        with self._database.read() as connection:
            row = callbacks.get(connection, self._keys, callback)
            return bots.elsewhere(connection, row, bot, self._time(connection))

    def orphans(self, bot: str, served: Collection[str] = ()) -> list[str]:
        """Ids of callbacks in progress whose bot has died, and of those of this one that are not
        `served` on any line and on which nothing was written lately."""
        with self._database.read() as connection:
            now, here = self._time(connection), self._clock()
            return bots.orphans(connection, bot, served, now, here, AT_ONCE)

    async def follow(self, changed: Changed) -> None:
        """For ever, where several bots may share the store (PostgreSQL): `changed` is told of
        each callback that was written."""
        await self._database.follow(changed)

    def _time(self, connection: Connection) -> datetime:
        """One whose clock is late must not seem dead."""
        return self._database.shared_time(connection) or self._clock()
