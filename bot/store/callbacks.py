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
from bot.store.keys import Keys
from bot.store.notices import announce
from bot.store.records import Callback, Erased, Held, Listed, NotFound
from bot.store.schema import callbacks, data_keys
from bot.vault.datakey import Unreadable

_OWNER = re.compile(r"bot|queue|human:.{1,80}")
_CHANNELS = ("phone", "chat")


def about(callback: str, what: str) -> str:
    return f"huifang.{what}.1\n{callback}"


def create(
    connection: Connection,
    keys: Keys,
    policy_number: str,
    questionnaire: str,
    channel: str,
    now: str,
) -> str:
    if channel not in _CHANNELS:
        raise ValueError(f"channel must be one of {_CHANNELS}")
    policy = policies.current(connection, keys, policy_number, hold=True)
    callback = str(uuid.uuid4())
    contract = canonical({"policy_number": policy_number, "policy_sha256": policy.sha256})
    key_row, key = keys.create(connection, callback)
    connection.execute(
        insert(callbacks).values(
            id=callback,
            policy=policy.row,
            policy_number=keys.keyed("number", policy_number),
            contract=key.seal(contract.encode(), about(callback, "contract")),
            questionnaire=questionnaire,
            channel=channel,
            state=State.CREATED,
            owner="bot",
            generation=1,
            head_seq=-1,
            head_hash=GENESIS,
            key_row=key_row,
            created=now,
            updated=now,
        )
    )
    return callback


def get(connection: Connection, keys: Keys, callback: str) -> Callback:
    """Raises NotFound, Erased."""
    return find(connection, keys, callback).row


def find(connection: Connection, keys: Keys, callback: str) -> Held:
    """The row with its key, for a reader."""
    return _one(connection, keys, _all().where(callbacks.c.id == callback))


def page(
    connection: Connection,
    keys: Keys,
    *,
    limit: int,
    states: Collection[str] | None = None,
    owner: str | None = None,
    policy: str | None = None,
) -> list[Callback]:
    """Without those that were erased."""
    query = _all().where(callbacks.c.erased.is_(None)).order_by(callbacks.c.row.desc()).limit(limit)
    if states is not None:
        query = query.where(callbacks.c.state.in_([State(s).value for s in states]))
    if owner is not None:
        query = query.where(callbacks.c.owner == owner)
    if policy is not None:
        query = query.where(callbacks.c.policy_number == keys.keyed("number", policy))
    return [_held(keys, row).row for row in connection.execute(query).mappings()]


def listed(
    connection: Connection,
    keys: Keys,
    *,
    since: datetime | None,
    until: datetime | None,
    state: str | None,
    outcome: str | None,
    policy: str | None,
) -> list[Listed]:
    """Without those that were erased, the newest first. Raises ValueError for an unknown state."""
    table = callbacks.c
    query = select(table.id, table.state, table.outcome, table.created)
    query = query.where(table.erased.is_(None)).order_by(table.row.desc())
    if since is not None:
        query = query.where(table.created >= wall_text(since))
    if until is not None:
        query = query.where(table.created < wall_text(until))
    if state is not None:
        query = query.where(table.state == State(state).value)
    if outcome is not None:
        query = query.where(table.outcome == outcome)
    if policy is not None:
        query = query.where(table.policy_number == keys.keyed("number", policy))
    return [
        Listed(row.id, State(row.state), row.outcome, datetime.fromisoformat(row.created))
        for row in connection.execute(query)
    ]


def ids(
    connection: Connection, states: Collection[str], limit: int, owner: str | None = None
) -> list[str]:
    """Of those in these states that were not erased, the newest first; with `owner`, of his, the
    oldest first."""
    wanted = callbacks.c.state.in_([State(s).value for s in states]) & callbacks.c.erased.is_(None)
    order = callbacks.c.row.desc()
    if owner is not None:
        wanted, order = wanted & (callbacks.c.owner == owner), callbacks.c.row.asc()
    query = select(callbacks.c.id).where(wanted).order_by(order).limit(limit)
    return list(connection.execute(query).scalars())


def hold(connection: Connection, keys: Keys, callback: str, generation: int | None) -> Held:
    """The row as it is now, for a writer; nobody else writes it until the transaction ends.

    Raises OwnershipLost when `generation` is not the row's; None asks for no ownership. Raises
    NotFound, Erased."""
    query = _all().where(callbacks.c.id == callback).with_for_update(of=callbacks)
    held = _one(connection, keys, query)
    if generation is not None and held.row.generation != generation:
        raise OwnershipLost(
            f"the conversation has a new owner (generation {held.row.generation}, not {generation})"
        )
    return held


def change(
    connection: Connection,
    held: Held,
    *,
    now: str,
    head: tuple[int, str] | None = None,
    snapshot: dict[str, Any] | None = None,
    state: str | None = None,
    outcome: str | None = None,
    owner: str | None = None,
    keep: bool | None = None,
) -> int:
    """Write what is not None; a new owner is a new generation, which is returned."""
    row = held.row
    values: dict[str, Any] = {"updated": now}
    if head is not None:
        values["head_seq"], values["head_hash"] = head
    if snapshot is not None:
        text = canonical(snapshot).encode()
        values["snapshot"] = held.key.seal(text, about(row.id, "snapshot"))
    if state is not None:
        values["state"] = move(row.state, state)
    if outcome is not None:
        values["outcome"] = outcome
    if keep is not None:
        values["held"] = keep
    generation = row.generation
    if owner is not None:
        if not _OWNER.fullmatch(owner):
            raise ValueError("owner must be bot, queue or human:NAME")
        generation += 1
        values |= {"owner": owner, "generation": generation}
    connection.execute(update(callbacks).where(callbacks.c.id == row.id).values(**values))
    announce(connection, row.id, moved=state is not None or owner is not None)
    return generation


def _one(connection: Connection, keys: Keys, query: Select[Any]) -> Held:
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("the store has no such callback")
    if row["erased"]:
        raise Erased(row["erased"])
    return _held(keys, row)


def _all() -> Select[Any]:
    # Whether a row was erased is told by itself: a writer who waited for it must see it.
    return select(callbacks, data_keys.c.wrapped).join(
        data_keys, data_keys.c.row == callbacks.c.key_row, isouter=True
    )


def _held(keys: Keys, row: RowMapping) -> Held:
    """Raises Unreadable when its key is gone though it was not erased."""
    id = row["id"]
    if row["wrapped"] is None:
        raise Unreadable(
            f"the key of record {id} is gone though nobody erased it; restore a backup"
        )
    key = keys.unwrap(row["wrapped"], id)
    contract = json.loads(key.open(row["contract"], about(id, "contract")))
    snapshot = row["snapshot"]
    return Held(
        Callback(
            id=id,
            policy_number=contract["policy_number"],
            state=State(row["state"]),
            owner=row["owner"],
            generation=row["generation"],
            questionnaire=row["questionnaire"],
            channel=row["channel"],
            outcome=row["outcome"],
            created=datetime.fromisoformat(row["created"]),
            updated=datetime.fromisoformat(row["updated"]),
            snapshot=snapshot and json.loads(key.open(snapshot, about(id, "snapshot"))),
            policy_sha256=contract["policy_sha256"],
            head_seq=row["head_seq"],
            head_hash=row["head_hash"],
            bot=row["bot"],
            held=row["held"],
        ),
        key,
        row["key_row"],
    )
