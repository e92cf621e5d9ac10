"""Which bot serves which callback, where several bots share one store.

A bot is known by the id in its data folder, which one process has at a time (bot/membership.py),
and says every few seconds that it lives. What a dead one served, another may take over; the new
generation keeps a process that only seemed dead from writing on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.errors import ServedElsewhere
from bot.evidence.ledger import wall_text
from bot.evidence.states import State
from bot.store.records import Callback
from bot.store.schema import bots, callbacks

LEASE = timedelta(seconds=45)
"""Silent for longer, by the machines' clocks, and a bot is dead."""
LIVE = {State.IN_PROGRESS, State.HUMAN}
"""States in which somebody may be on the line."""


def beat(connection: Connection, bot: str, now: datetime) -> None:
    """This bot lives."""
    seen = {"seen": wall_text(now)}
    if not connection.execute(update(bots).where(bots.c.id == bot).values(seen)).rowcount:
        connection.execute(insert(bots).values(id=bot, **seen))


def elsewhere(connection: Connection, row: Callback, bot: str, now: datetime) -> bool:
    """Whether another bot that lives has this callback on its line."""
    if row.bot in (None, bot) or row.state not in LIVE:
        return False
    since = wall_text(now - LEASE)
    alive = select(bots.c.id).where(bots.c.id == row.bot, bots.c.seen >= since)
    return connection.execute(alive).first() is not None


def orphans(connection: Connection, bot: str, now: datetime, limit: int) -> list[str]:
    """Callbacks that a bot had in progress which is dead now; not this one's own."""
    alive = select(bots.c.id).where(bots.c.seen >= wall_text(now - LEASE))
    query = select(callbacks.c.id).where(
        callbacks.c.state == State.IN_PROGRESS.value,
        callbacks.c.bot.is_not(None),
        callbacks.c.bot != bot,
        callbacks.c.bot.not_in(alive),
    )
    return list(connection.execute(query.order_by(callbacks.c.row).limit(limit)).scalars())


def claim(connection: Connection, row: Callback, bot: str, now: datetime) -> None:
    """From here on this bot serves the callback. `row` is held. Raises ServedElsewhere."""
    if row.bot == bot:
        return
    if elsewhere(connection, row, bot, now):
        raise ServedElsewhere
    values: dict[str, object] = {"bot": bot}
    if row.bot is not None:
        values["generation"] = row.generation + 1
    connection.execute(update(callbacks).where(callbacks.c.id == row.id).values(values))
