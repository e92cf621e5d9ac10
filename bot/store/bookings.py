"""Calls that the policyholder asked for at another time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.evidence.ledger import wall_text
from bot.store.records import Booking, NotFound
from bot.store.schema import bookings

_CALLERS = ("bot", "human")


def book(connection: Connection, callback: str, when: datetime, by: str, now: str) -> None:
    """A newer wish replaces an open one of the same callback."""
    if by not in _CALLERS:
        raise ValueError(f"by must be one of {_CALLERS}")
    open_ones = (bookings.c.callback == callback) & (bookings.c.state == "open")
    connection.execute(update(bookings).where(open_ones).values(state="replaced"))
    new = insert(bookings).values(
        callback=callback, at=wall_text(when), by=by, state="open", created=now
    )
    connection.execute(new)


def due(
    connection: Connection, before: datetime | None, limit: int, by: str | None = None
) -> list[Booking]:
    """Open bookings, the earliest first."""
    query = select(bookings).where(bookings.c.state == "open").order_by(bookings.c.at)
    if before is not None:
        query = query.where(bookings.c.at <= wall_text(before))
    if by is not None:
        query = query.where(bookings.c.by == by)
    return [_booking(row) for row in connection.execute(query.limit(limit)).mappings()]


def of(connection: Connection, callback: str) -> Booking | None:
    """The open one of this callback."""
    wanted = (bookings.c.callback == callback) & (bookings.c.state == "open")
    row = connection.execute(select(bookings).where(wanted)).mappings().first()
    return None if row is None else _booking(row)


def callback_of(connection: Connection, booking: int) -> str:
    """Raises NotFound."""
    callback = connection.scalar(select(bookings.c.callback).where(bookings.c.id == booking))
    if callback is None:
        raise NotFound("the store has no such booking")
    return str(callback)


def finish(connection: Connection, booking: int) -> None:
    """Raises NotFound when it is not open (any more)."""
    wanted = (bookings.c.id == booking) & (bookings.c.state == "open")
    if not connection.execute(update(bookings).where(wanted).values(state="done")).rowcount:
        raise NotFound("the store has no such open booking")


def _booking(row: RowMapping) -> Booking:
    return Booking(row["id"], row["callback"], _time(row["at"]), row["by"], _time(row["created"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
