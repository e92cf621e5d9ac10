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

from sqlalchemy import Connection, Row, Select, insert, select, update

from bot.evidence.ledger import canonical
from bot.policies.policy import Policy
from bot.store.keys import Keys, destroy
from bot.store.records import DamagedPolicy, NotFound
from bot.store.schema import callbacks, data_keys, policies
from bot.vault.datakey import Unreadable


class Saved(NamedTuple):
    """What an import changed."""

    new: int
    unchanged: int
    changed: int  # also what was damaged and stands there again


class Version(NamedTuple):
    """One version of a policy, as it stands in its row."""

    row: int
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
    query = _query().add_columns(policies.c.fingerprint, policies.c.key_row).where(current)
    known = connection.execute(query).first()
    same = known is not None and known.fingerprint == fingerprint
    if known and same and not isinstance(_read(keys, known), DamagedPolicy):
        return "unchanged"
    name = str(uuid.uuid4())
    key_row, key = keys.create(connection, name)
    sealed = {"key": name, "key_row": key_row, "facts": key.seal(facts.encode(), about(name))}
    if known and same:  # the very facts that were damaged: callbacks were made from this row
        connection.execute(update(policies).where(current).values(**sealed))
        destroy(connection, known.key_row)
        return "changed"
    connection.execute(update(policies).where(current).values(current=False))
    connection.execute(
        insert(policies).values(
            **sealed,
            number=number,
            phone=keys.keyed("phone", policy.phone),
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


def page(
    connection: Connection, keys: Keys, limit: int, after: int = 0
) -> list[Version | DamagedPolicy]:
    """Current ones, by their rows; `after`: the last row of the page before."""
    wanted = policies.c.current & (policies.c.id > after)
    query = _query().where(wanted).order_by(policies.c.id).limit(limit)
    return [_read(keys, row) for row in connection.execute(query)]


def by_phone(connection: Connection, keys: Keys, phone: str, limit: int) -> list[Policy]:
    return [version.policy for version in _all(connection, keys, _with(keys, phone, limit))]


def holders(connection: Connection, keys: Keys, phone: str, limit: int) -> int:
    """How many policyholders have this number; who is damaged is not counted."""
    found = [_read(keys, row) for row in connection.execute(_with(keys, phone, limit))]
    return len({one.policy.holder_id for one in found if isinstance(one, Version)})


def _with(keys: Keys, phone: str, limit: int) -> Select[Any]:
    wanted = policies.c.phone == keys.keyed("phone", phone)
    return _query().where(wanted, policies.c.current).limit(limit)


def of_callback(connection: Connection, keys: Keys, callback: str) -> Policy:
    """The version a callback was created from. Raises NotFound, also for one that was erased."""
    query = _query().join(callbacks, callbacks.c.policy == policies.c.id)
    found = _all(connection, keys, query.where(callbacks.c.id == callback))
    if not found:
        raise NotFound("the store has no such callback")
    return found[0].policy


def _query() -> Select[Any]:
    """Versions that were not erased."""
    columns = select(policies.c.id, policies.c.key, policies.c.facts, data_keys.c.wrapped)
    joined = columns.join(data_keys, data_keys.c.row == policies.c.key_row, isouter=True)
    return joined.where(policies.c.key_row.is_not(None))


def _all(connection: Connection, keys: Keys, query: Select[Any]) -> list[Version]:
    """Raises Unreadable."""
    return [_open(keys, row) for row in connection.execute(query)]


def _read(keys: Keys, row: Row[Any]) -> Version | DamagedPolicy:
    try:
        return _open(keys, row)
    except Unreadable:
        return DamagedPolicy(row.id)


def _open(keys: Keys, row: Row[Any]) -> Version:
    """Raises Unreadable, also when its key is gone though it was not erased."""
    if row.wrapped is None:
        raise Unreadable("the key of a policy is gone though nobody erased it; import it again")
    key = keys.unwrap(row.wrapped, row.key)
    return Version(row.id, key.open(row.facts, about(row.key)).decode())
