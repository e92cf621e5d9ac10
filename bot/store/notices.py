"""What other bots on the same store have written, as it happens (PostgreSQL's LISTEN and NOTIFY).

A notice names a callback, says whether its state or owner moved, goes with the commit, and may be
missed: screens read the store, a notice only tells them when. SQLite serves one bot and has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from sqlalchemy import Connection, text

from voice.survived import survived

log = structlog.get_logger()

CHANNEL = "huifang"
AGAIN_S = 5.0  # between attempts to reach a server that is away


Changed = Callable[[str, bool], None]
"""(callback, whether its state or owner moved); "" as callback: some may have been missed."""

_MOVED = " moved"


def announce(connection: Connection, callback: str, *, moved: bool) -> None:
    """Tell the other bots at the commit of this transaction."""
    if connection.dialect.name == "postgresql":
        notify = text("SELECT pg_notify(:channel, :notice)")
        notice = callback + _MOVED if moved else callback
        connection.execute(notify, {"channel": CHANNEL, "notice": notice})


async def follow(conninfo: str, changed: Changed) -> None:
    """For ever: tell of each callback that any bot has written, this one included."""
    while True:
        with survived("notices.broken"):
            try:
                async with await psycopg.AsyncConnection.connect(
                    conninfo, autocommit=True
                ) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    changed("", True)  # after a server that was away as well
                    async for notice in listening.notifies():
                        callback = notice.payload.removesuffix(_MOVED)
                        changed(callback, callback != notice.payload)
            except psycopg.Error as error:
                log.warning("notices.away", error=type(error).__name__)
        await asyncio.sleep(AGAIN_S)
