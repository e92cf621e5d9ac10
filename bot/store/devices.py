"""Which browsers chatted about whose policies (rule 10). Both stand here as keyed hashes only."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from bot.store import policies
from bot.store.keys import Keys
from bot.store.schema import devices


def note(connection: Connection, keys: Keys, callback: str, browser: str) -> list[str]:
    """This browser serves this callback. Returns a callback of each other policyholder it served.
    Raises NotFound."""
    holder = policies.of_callback(connection, keys, callback).holder_id
    row = {"device": keys.keyed("device", browser), "holder": keys.keyed("holder", holder)}
    here = devices.c.device == row["device"]
    known = select(devices.c.callback).where(here, devices.c.callback == callback)
    if connection.execute(known).first() is None:
        connection.execute(insert(devices).values(**row, callback=callback))
    others = select(func.min(devices.c.callback)).where(here, devices.c.holder != row["holder"])
    return list(connection.execute(others.group_by(devices.c.holder)).scalars())
