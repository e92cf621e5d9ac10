"""Which bot serves which callback, where several bots share one store.

A bot is known by the id in its data folder, which one process has at a time (bot/membership.py),
and says every few seconds that it lives. What a dead one served, another may take over; the new
generation keeps a process that only seemed dead from writing on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, insert, select, update

from bot.errors import ServedElsewhere
from bot.evidence.ledger import wall_text
from bot.evidence.states import State
from bot.store.records import Callback
from bot.store.schema import bots, callbacks, events

LEASE = timedelta(seconds=45)
"""Silent for longer, by the database's clock where it has one, and a bot is dead."""
UNHEARD = LEASE / 2
"""Nobody heard of for longer, and the store was away, or no bot ran. Two beats and more; and so
short that whoever spoke one beat before the last that was heard is within its lease by then."""
LIVE = {State.IN_PROGRESS, State.HUMAN}
"""States in which somebody may be on the line."""


def beat(connection: Connection, bot: str, now: datetime) -> None:
    """This bot lives. Where none could say so for a while, the others' leases begin anew: they may
    live as well, and have calls that went on while the store was away."""
    seen = {"seen": wall_text(now)}
    last = _last_heard(connection)
    if last is not None and last < now - UNHEARD:
        connection.execute(update(bots).values(seen))
    if not connection.execute(update(bots).where(bots.c.id == bot).values(seen)).rowcount:
        connection.execute(insert(bots).values(id=bot, **seen))


def elsewhere(connection: Connection, row: Callback, bot: str, now: datetime) -> bool:
    """Whether another bot that lives has this callback on its line."""
    if row.bot in (None, bot) or row.state not in LIVE:
        return False
    since = _alive_since(connection, now)
    alive = select(bots.c.id).where(bots.c.id == row.bot, bots.c.seen >= since)
    return connection.execute(alive).first() is not None


def orphans(
    connection: Connection,
    bot: str,
    served: Collection[str],
    now: datetime,
    here: datetime,
    limit: int,
) -> list[str]:
    """Callbacks in progress whose bot is dead now, and those of this bot that it has on no line:
    not `served`, and nothing written for as long as a dead bot is silent, by the time `here`, which
    is on its events."""
    c, since, lately_here = callbacks.c, _alive_since(connection, now), wall_text(here - LEASE)
    alive = select(bots.c.id).where(bots.c.seen >= since)
    lately = exists().where(
        events.c.callback == c.id,
        events.c.seq == c.head_seq,
        events.c.wall >= lately_here,
    )
    dead = c.bot.is_not(None) & (c.bot != bot) & c.bot.not_in(alive)
    left = (c.bot == bot) & c.id.not_in(served) & ~lately
    query = select(c.id).where(c.state == State.IN_PROGRESS.value, dead | left)
    return list(connection.execute(query.order_by(c.row).limit(limit)).scalars())


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


def _alive_since(connection: Connection, now: datetime) -> str:
    """Who spoke at that time or later lives. Counted from when any bot was last heard of: a time in
    which none was is nobody's fault."""
    last = _last_heard(connection)
    return wall_text((now if last is None else min(now, last)) - LEASE)


def _last_heard(connection: Connection) -> datetime | None:
    last = connection.scalar(select(func.max(bots.c.seen)))
    return None if last is None else datetime.fromisoformat(last)
