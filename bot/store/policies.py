"""Policies and their versions: a changed policy is a new row, the old one stays readable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.evidence.ledger import canonical
from bot.policy import Policy
from bot.store.records import NotFound
from bot.store.schema import callbacks, policies


class Saved(NamedTuple):
    """What an import changed."""

    new: int
    unchanged: int
    changed: int


def save(connection: Connection, given: Sequence[Policy], now: str) -> Saved:
    counts = {"new": 0, "unchanged": 0, "changed": 0}
    for policy in given:
        counts[_save_one(connection, policy, now)] += 1
    return Saved(**counts)


def _save_one(connection: Connection, policy: Policy, now: str) -> str:
    facts = canonical(policy.to_json())
    digest = sha256(facts.encode()).hexdigest()
    current = (policies.c.number == policy.number) & policies.c.current
    known = connection.scalar(select(policies.c.sha256).where(current))
    if known == digest:
        return "unchanged"
    connection.execute(update(policies).where(current).values(current=False))
    connection.execute(
        insert(policies).values(
            number=policy.number,
            phone=policy.phone,
            facts=facts,
            sha256=digest,
            imported=now,
            current=True,
        )
    )
    return "changed" if known else "new"


def get(connection: Connection, number: str) -> Policy:
    row = current_row(connection, number)
    return _policy(row["facts"])


def current_row(connection: Connection, number: str) -> RowMapping:
    query = select(policies).where(policies.c.number == number, policies.c.current)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("the store has no such policy; import it first")
    return row


def page(connection: Connection, limit: int, after: str | None) -> list[Policy]:
    query = select(policies.c.facts).where(policies.c.current).order_by(policies.c.number)
    if after is not None:
        query = query.where(policies.c.number > after)
    return [_policy(facts) for facts in connection.scalars(query.limit(limit))]


def by_phone(connection: Connection, phone: str, limit: int) -> list[Policy]:
    query = select(policies.c.facts).where(policies.c.phone == phone, policies.c.current)
    return [_policy(facts) for facts in connection.scalars(query.limit(limit))]


def of_callback(connection: Connection, callback: str) -> Policy:
    facts = connection.scalar(
        select(policies.c.facts).join(callbacks).where(callbacks.c.id == callback)
    )
    if facts is None:
        raise NotFound("the store has no such callback")
    return _policy(facts)


def _policy(facts: str) -> Policy:
    data: dict[str, Any] = json.loads(facts)
    return Policy.from_json(data)
