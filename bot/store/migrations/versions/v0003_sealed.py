"""What is personal is sealed under a key for each record; a store in clear is brought over."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from bot.evidence.ledger import canonical
from bot.store.keys import LOOKUP, Keys, new_lookup
from bot.store.migrations.append_only import make_append_only, make_changeable
from bot.vault.datakey import DataKey
from bot.vault.master import MasterKey

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PART = 2000
Row = dict[str, Any]


def upgrade() -> None:
    """Reads and writes by the layout of this moment, not by that of later versions."""
    vault = context.config.attributes["vault"]
    master = vault.first()
    lookup = new_lookup(master)
    keys = Keys(vault, vault.unwrap(lookup, LOOKUP))
    _bytes("stores", "lookup")
    op.add_column("stores", sa.Column("master", sa.Text(), nullable=False, server_default=""))
    _run("UPDATE stores SET master = :master, lookup = :lookup", master=master.id, lookup=lookup)
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Text()),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_keys"),
    )
    _policies(keys, master)
    _callbacks(keys, master)
    _events(keys)


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")


def _policies(keys: Keys, master: MasterKey) -> None:
    for name in ("key", "fingerprint"):
        op.add_column("policies", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    _bytes("policies", "sealed")

    def seal(row: Row) -> Row:
        name = str(uuid.uuid4())
        key = _new_key(master, name)
        return {
            "id": row["id"],
            "name": name,
            "sealed": key.seal(row["facts"].encode(), f"huifang.facts.1\n{name}"),
            "fingerprint": keys.keyed("facts", row["facts"]),
            "number": keys.keyed("number", row["number"]),
            "phone": keys.keyed("phone", row["phone"]),
        }

    _each(
        "SELECT id, facts, number, phone FROM policies WHERE id > :id ORDER BY id",
        {"id": 0},
        "UPDATE policies SET key = :name, sealed = :sealed, fingerprint = :fingerprint, "
        "number = :number, phone = :phone WHERE id = :id",
        seal,
    )
    op.drop_column("policies", "facts")
    op.drop_column("policies", "sha256")
    _rename("policies", "sealed", "facts")


def _callbacks(keys: Keys, master: MasterKey) -> None:
    versions = "SELECT p.id, key, facts, wrapped FROM policies p JOIN data_keys d ON d.id = key"
    facts = {row["id"]: sha256(_facts(keys, row)).hexdigest() for row in _all(versions)}
    _bytes("callbacks", "contract")
    op.add_column("callbacks", sa.Column("sealed", sa.LargeBinary()))
    op.add_column(
        "callbacks", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("callbacks", sa.Column("erased", sa.Text()))

    def seal(row: Row) -> Row:
        id, snapshot = row["id"], row["snapshot"]
        key = _new_key(master, id)
        contract = {"policy_number": row["policy_number"], "policy_sha256": facts[row["policy"]]}
        return {
            "row": row["row"],
            "contract": key.seal(canonical(contract).encode(), f"huifang.contract.1\n{id}"),
            "sealed": snapshot and key.seal(snapshot.encode(), f"huifang.snapshot.1\n{id}"),
            "number": keys.keyed("number", row["policy_number"]),
        }

    _each(
        'SELECT "row", id, policy, policy_number, snapshot FROM callbacks '
        'WHERE "row" > :row ORDER BY "row"',
        {"row": 0},
        "UPDATE callbacks SET contract = :contract, sealed = :sealed, policy_number = :number "
        'WHERE "row" = :row',
        seal,
    )
    op.drop_column("callbacks", "snapshot")
    _rename("callbacks", "sealed", "snapshot")


def _events(keys: Keys) -> None:
    _bytes("events", "sealed")
    make_changeable("events")

    def seal(row: Row) -> Row:
        callback, seq = row["callback"], row["seq"]
        body = f"{row['salt']}\n{row['body']}".encode()
        about = f"huifang.body.1\n{callback}\n{seq}"
        key = keys.unwrap(row["wrapped"], callback)
        return {"callback": callback, "seq": seq, "sealed": key.seal(body, about)}

    _each(
        "SELECT callback, seq, body, salt, wrapped FROM events JOIN data_keys d ON d.id = callback "
        "WHERE (callback, seq) > (:callback, :seq) ORDER BY callback, seq",
        {"callback": "", "seq": -1},
        "UPDATE events SET sealed = :sealed WHERE callback = :callback AND seq = :seq",
        seal,
    )
    op.drop_column("events", "body")
    op.drop_column("events", "salt")
    _rename("events", "sealed", "body")
    make_append_only("events")


def _new_key(master: MasterKey, name: str) -> DataKey:
    key = DataKey.new()
    statement = "INSERT INTO data_keys (id, wrapped) VALUES (:name, :wrapped)"
    _run(statement, name=name, wrapped=master.wrap(key, name))
    return key


def _facts(keys: Keys, row: Row) -> bytes:
    name = row["key"]
    return keys.unwrap(row["wrapped"], name).open(row["facts"], f"huifang.facts.1\n{name}")


def _each(select: str, place: Row, update: str, change: Callable[[Row], Row]) -> None:
    """Walk by the key that `place` names, part by part, and write what `change` makes of a row."""
    while rows := list(_all(f"{select} LIMIT {_PART}", **place)):
        op.get_bind().execute(sa.text(update), [change(row) for row in rows])
        place = {name: rows[-1][name] for name in place}


def _all(query: str, **values: Any) -> Iterator[Row]:
    for row in op.get_bind().execute(sa.text(query), values).mappings():
        yield {k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}


def _run(statement: str, **values: Any) -> None:
    op.get_bind().execute(sa.text(statement), values)


def _bytes(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.LargeBinary(), nullable=False, server_default=""))


def _rename(table: str, old: str, new: str) -> None:
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
