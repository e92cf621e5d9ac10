"""Chat links: an opaque token opens one callback. Only its hash is kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from bot.evidence.ledger import wall_text
from bot.store.schema import links

MAX_TOKEN = 100  # characters that are looked at


def create(connection: Connection, callback: str, now: datetime, valid: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(links).values(
            token_sha256=_hash(token),
            callback=callback,
            expires=wall_text(now + valid),
            created=wall_text(now),
        )
    )
    return token


def find(connection: Connection, token: str, now: datetime) -> str | None:
    """The callback's id; None for an unknown or expired token."""
    if len(token) > MAX_TOKEN:
        return None
    query = select(links.c.callback).where(
        links.c.token_sha256 == _hash(token), links.c.expires > wall_text(now)
    )
    return connection.scalar(query)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
