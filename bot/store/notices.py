"""What other bots on the same store have written, as it happens (PostgreSQL's LISTEN and NOTIFY).

A notice names a callback and nothing else, is sent with the commit that changed it, and may be
missed: screens read the store, a notice only tells them when. SQLite serves one bot and has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from sqlalchemy import Connection, text

log = structlog.get_logger()

CHANNEL = "huifang"
AGAIN_S = 5.0  # between attempts to reach a server that is away


def announce(connection: Connection, callback: str) -> None:
    """Tell the other bots at the commit of this transaction."""
    if connection.dialect.name == "postgresql":
        notify = text("SELECT pg_notify(:channel, :callback)")
        connection.execute(notify, {"channel": CHANNEL, "callback": callback})


async def follow(conninfo: str, changed: Callable[[str], None]) -> None:
    """For ever: call `changed` with the id of each callback that any bot has written, this one
    included. After a server that was away `changed("")` says that notices may have been missed."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True
            ) as listening:
                await listening.execute(f"LISTEN {CHANNEL}")
                changed("")
                async for notice in listening.notifies():
                    changed(notice.payload)
        except psycopg.Error as error:
            log.warning("notices.away", error=type(error).__name__)
        await asyncio.sleep(AGAIN_S)
