"""Policies and their versions: a changed policy is a new row, the old one stays readable.

Each version has a key of its own. Number and phone stand there as keyed hashes only, to be looked
up by; the facts are sealed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, insert, select, update

from bot.evidence.ledger import canonical
from bot.policy import Policy
from bot.store.keys import Keys
from bot.store.records import NotFound
from bot.store.schema import callbacks, data_keys, policies


class Saved(NamedTuple):
    """What an import changed."""

    new: int
    unchanged: int
    changed: int


class Version(NamedTuple):
    """One version of a policy, as it stands in its row."""

    id: int
    facts: str  # canonical JSON

    @property
    def sha256(self) -> str:
        return sha256(self.facts.encode()).hexdigest()

    @property
    def policy(self) -> Policy:
        data: dict[str, Any] = json.loads(self.facts)
        return Policy.from_json(data)


def about(key: str) -> str:
    return f"huifang.facts.1\n{key}"


def save(connection: Connection, keys: Keys, given: Sequence[Policy], now: str) -> Saved:
    counts = {"new": 0, "unchanged": 0, "changed": 0}
    for policy in given:
        counts[_save_one(connection, keys, policy, now)] += 1
    return Saved(**counts)


def _save_one(connection: Connection, keys: Keys, policy: Policy, now: str) -> str:
    facts = canonical(policy.to_json())
    number, fingerprint = keys.keyed("number", policy.number), keys.keyed("facts", facts)
    current = (policies.c.number == number) & policies.c.current
    known = connection.scalar(select(policies.c.fingerprint).where(current))
    if known == fingerprint:
        return "unchanged"
    connection.execute(update(policies).where(current).values(current=False))
    name = str(uuid.uuid4())
    key_row, key = keys.create(connection, name)
    connection.execute(
        insert(policies).values(
            key=name,
            key_row=key_row,
            number=number,
            phone=keys.keyed("phone", policy.phone),
            facts=key.seal(facts.encode(), about(name)),
            fingerprint=fingerprint,
            imported=now,
            current=True,
        )
    )
    return "changed" if known else "new"


def current(connection: Connection, keys: Keys, number: str, *, hold: bool = False) -> Version:
    """Raises NotFound. `hold`: nobody erases it until the transaction ends."""
    wanted = policies.c.number == keys.keyed("number", number)
    query = _query().where(wanted, policies.c.current)
    if hold:
        query = query.with_for_update(of=policies, read=True)
    found = _all(connection, keys, query)
    if not found:
        raise NotFound("the store has no such policy; import it first")
    return found[0]


def page(connection: Connection, keys: Keys, limit: int, after: str | None) -> list[Policy]:
    query = _query().where(policies.c.current).order_by(policies.c.id).limit(limit)
    if after is not None:
        number = keys.keyed("number", after)
        last = select(policies.c.id).where(policies.c.number == number, policies.c.current)
        query = query.where(policies.c.id > last.scalar_subquery())
    return [version.policy for version in _all(connection, keys, query)]


def by_phone(connection: Connection, keys: Keys, phone: str, limit: int) -> list[Policy]:
    wanted = policies.c.phone == keys.keyed("phone", phone)
    query = _query().where(wanted, policies.c.current).limit(limit)
    return [version.policy for version in _all(connection, keys, query)]


def of_callback(connection: Connection, keys: Keys, callback: str) -> Policy:
    """The version a callback was created from. Raises NotFound, also for one that was erased."""
    query = _query().join(callbacks, callbacks.c.policy == policies.c.id)
    found = _all(connection, keys, query.where(callbacks.c.id == callback))
    if not found:
        raise NotFound("the store has no such callback")
    return found[0].policy


def _query() -> Select[Any]:
    """Versions that were not erased."""
    return select(policies.c.id, policies.c.key, policies.c.facts, data_keys.c.wrapped).join(
        data_keys, data_keys.c.row == policies.c.key_row
    )


def _all(connection: Connection, keys: Keys, query: Select[Any]) -> list[Version]:
    return [
        Version(id, keys.unwrap(wrapped, key).open(facts, about(key)).decode())
        for id, key, facts, wrapped in connection.execute(query)
    ]
