"""Callbacks: created, listed, owned by one party at a time."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from bot.errors import OwnershipLost
from bot.evidence.ledger import GENESIS, canonical, wall_text
from bot.evidence.states import State, move
from bot.store import policies
from bot.store.records import Callback, NotFound
from bot.store.schema import callbacks
from bot.store.schema import policies as policy_table

_OWNER = re.compile(r"bot|queue|human:.{1,80}")
_CHANNELS = ("phone", "chat")


def create(
    connection: Connection, policy_number: str, questionnaire: str, channel: str, now: str
) -> str:
    if channel not in _CHANNELS:
        raise ValueError(f"channel must be one of {_CHANNELS}")
    policy = policies.current_row(connection, policy_number)
    callback = str(uuid.uuid4())
    connection.execute(
        insert(callbacks).values(
            id=callback,
            policy=policy["id"],
            policy_number=policy_number,
            questionnaire=questionnaire,
            channel=channel,
            state=State.CREATED,
            owner="bot",
            generation=1,
            head_seq=-1,
            head_hash=GENESIS,
            created=now,
            updated=now,
        )
    )
    return callback


def get(connection: Connection, callback: str) -> Callback:
    return _one(connection, _all().where(callbacks.c.id == callback))


def page(
    connection: Connection,
    *,
    limit: int,
    states: Collection[str] | None = None,
    owner: str | None = None,
    policy: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
) -> list[Callback]:
    query = _all().order_by(callbacks.c.row.desc()).limit(limit)
    if states is not None:
        query = query.where(callbacks.c.state.in_([State(s).value for s in states]))
    if owner is not None:
        query = query.where(callbacks.c.owner == owner)
    if policy is not None:
        query = query.where(callbacks.c.policy_number == policy)
    if outcome is not None:
        query = query.where(callbacks.c.outcome == outcome)
    if since is not None:
        query = query.where(callbacks.c.created >= wall_text(since))
    if until is not None:
        query = query.where(callbacks.c.created < wall_text(until))
    if after is not None:
        last = select(callbacks.c.row).where(callbacks.c.id == after).scalar_subquery()
        query = query.where(callbacks.c.row < last)
    return [_callback(row) for row in connection.execute(query).mappings()]


def hold(connection: Connection, callback: str, generation: int | None) -> Callback:
    """The row as it is now, for a writer; nobody else writes it until the transaction ends.

    Raises OwnershipLost when `generation` is not the row's; None asks for no ownership."""
    row = _one(connection, _all().where(callbacks.c.id == callback).with_for_update(of=callbacks))
    if generation is not None and row.generation != generation:
        raise OwnershipLost(
            f"the conversation has a new owner (generation {row.generation}, not {generation})"
        )
    return row


def change(
    connection: Connection,
    row: Callback,
    *,
    now: str,
    head: tuple[int, str] | None = None,
    snapshot: dict[str, Any] | None = None,
    state: str | None = None,
    outcome: str | None = None,
    owner: str | None = None,
) -> int:
    """Write what is not None; a new owner is a new generation, which is returned."""
    values: dict[str, Any] = {"updated": now}
    if head is not None:
        values["head_seq"], values["head_hash"] = head
    if snapshot is not None:
        values["snapshot"] = canonical(snapshot)
    if state is not None:
        values["state"] = move(row.state, state)
    if outcome is not None:
        values["outcome"] = outcome
    generation = row.generation
    if owner is not None:
        if not _OWNER.fullmatch(owner):
            raise ValueError("owner must be bot, queue or human:NAME")
        generation += 1
        values |= {"owner": owner, "generation": generation}
    connection.execute(update(callbacks).where(callbacks.c.id == row.id).values(**values))
    return generation


def _one(connection: Connection, query: Select[Any]) -> Callback:
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("the store has no such callback")
    return _callback(row)


def _all() -> Select[Any]:
    return select(callbacks, policy_table.c.sha256.label("policy_sha256")).join(policy_table)


def _callback(row: RowMapping) -> Callback:
    snapshot = row["snapshot"]
    return Callback(
        id=row["id"],
        policy_number=row["policy_number"],
        state=State(row["state"]),
        owner=row["owner"],
        generation=row["generation"],
        questionnaire=row["questionnaire"],
        channel=row["channel"],
        outcome=row["outcome"],
        created=datetime.fromisoformat(row["created"]),
        updated=datetime.fromisoformat(row["updated"]),
        snapshot=None if snapshot is None else json.loads(snapshot),
        policy_sha256=row["policy_sha256"],
        head_seq=row["head_seq"],
        head_hash=row["head_hash"],
        bot=row["bot"],
    )
