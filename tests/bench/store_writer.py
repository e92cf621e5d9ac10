"""Synthetic callbacks, written in bulk: all that a real one has, but only three events.

Each has a policy of its own, keys, a sealed contract, chained and sealed events with random salts,
a leaf in the tree and its nodes; ids are random, as in service. The rows go past the store's
methods, the bytes in them do not: what reads and verifies them is the application.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from secrets import token_hex

from sqlalchemy import Connection, create_engine

from bot.evidence import merkle, signing
from bot.evidence.ledger import GENESIS, Draft, canonical, digest_of, hash_of, wall_text
from bot.evidence.states import State
from bot.store import Store
from bot.store.callbacks import about
from bot.store.copy import move_sequence
from bot.store.events import about as body_about
from bot.store.policies import about as facts_about
from bot.store.schema import callbacks, data_keys, policies
from bot.vault.datakey import DataKey
from tests.bench.bench_store import TURN
from tests.unit.evidence_case import policy

PART = 20_000
"""Callbacks of one commit on PostgreSQL; SQLite gets one for all."""
WAITING = 20
"""The newest ones wait for a human: a queue does not grow with the store."""
PROBLEMS = 8
"""One of so many is a problem case."""
BEGIN = datetime(2025, 1, 2, 1, 0, tzinfo=UTC)
BETWEEN = timedelta(seconds=30)

FACTS = canonical(policy("P2026000001").to_json())
SHA256 = "0" * 64
BODIES = tuple(
    (draft.kind, canonical(draft.body))
    for draft in (
        Draft("created", {"policy": "P2026000001", "questionnaire": "zh-2026.1"}),
        TURN[1],
        Draft("closed", {"outcome": "done", "state": "COMPLETED_CLEAN"}),
    )
)
COLUMNS = {
    "policies": "id number phone imported current key key_row facts fingerprint",
    "data_keys": "row id wrapped",
    "callbacks": "row id policy policy_number questionnaire channel state owner generation outcome "
    "head_seq head_hash sealed_seq created updated contract key_row",
    "events": "callback seq kind wall mono_ms prev digest hash body",
    "leaves": "idx callback seq head",
    "nodes": "level idx hash",
}
Rows = dict[str, list[Sequence[object]]]


class Writer:
    """Fills one store, once, from empty."""

    def __init__(self, store: Store, size: int) -> None:
        self._keys = store._keys
        self._master = store._keys.vault.first()
        self._size, self._chance = size, Random(size)
        self._edge: dict[int, bytes] = {}  # level → the newest complete left subtree

    def rows(self, numbers: range) -> Rows:
        rows: Rows = {table: [] for table in COLUMNS}
        for number in numbers:
            self._one(rows, number)
        return rows

    def _one(self, rows: Rows, n: int) -> None:
        name, id = (str(uuid.UUID(int=self._chance.getrandbits(128), version=4)) for _ in "ab")
        row, wall = n + 1, wall_text(BEGIN + n * BETWEEN)
        keyed = self._keys.keyed
        number, phone = f"P{n:010d}", f"139{n:08d}"
        facts = FACTS.replace("P2026000001", number).replace("13900000001", phone)
        policy_key, key = DataKey.new(), DataKey.new()
        rows["data_keys"] += [
            (2 * row - 1, name, self._master.wrap(policy_key, name)),
            (2 * row, id, self._master.wrap(key, id)),
        ]
        lookup = keyed("number", number)
        sealed = policy_key.seal(facts.encode(), facts_about(name))
        rows["policies"].append(
            (row, lookup, keyed("phone", phone), wall, True, name, 2 * row - 1, sealed,
             keyed("facts", facts))
        )  # fmt: skip
        head, last = GENESIS, len(BODIES) - 1
        for seq, (kind, template) in enumerate(BODIES):
            salt, text = token_hex(16), template.replace("P2026000001", number)
            digest = digest_of(salt, text)
            hashed = hash_of(id, seq, kind, wall, seq, head, digest)
            body = key.seal(f"{salt}\n{text}".encode(), body_about(id, seq))
            rows["events"].append((id, seq, kind, wall, seq, head, digest, hashed, body))
            head = hashed
        state, owner = State.COMPLETED_CLEAN, "bot"
        if n >= self._size - WAITING:
            state, owner = State.HUMAN, "queue"
        elif n % PROBLEMS == 0:
            state = State.COMPLETED_PROBLEM
        contract = f'{{"policy_number":"{number}","policy_sha256":"{SHA256}"}}'.encode()
        rows["callbacks"].append(
            (row, id, row, lookup, "zh-2026.1", "phone", state.value, owner, 1, "done", last, head,
             last, wall, wall, key.seal(contract, about(id, "contract")), 2 * row)
        )  # fmt: skip
        rows["leaves"].append((n, id, last, head))
        leaf = signing.leaf(id, last, head)
        done = list(merkle.completed(n, leaf, lambda level, _: self._edge[level]))
        self._edge |= {level: value for level, _, value in done}
        rows["nodes"] += done


def fill(store: Store, url: str, size: int) -> None:
    """`store` at `url` is open and empty, and nobody uses it meanwhile."""
    writer = Writer(store, size)
    with _connection(store, url) as connection:
        for begin in range(0, size, PART):
            rows = writer.rows(range(begin, min(begin + PART, size)))
            for table, given in rows.items():
                _insert(connection, table, given)
            if url.startswith("postgresql"):
                connection.commit()
        for moved in (policies, callbacks, data_keys):
            move_sequence(connection, moved)
        store._database.learn(connection)
        connection.commit()


@contextmanager
def _connection(store: Store, url: str) -> Iterator[Connection]:
    """On SQLite a connection that writes each page once: what a power cut would do to the store
    does not matter before it is whole, and random ids touch every page of their index."""
    if url.startswith("postgresql"):
        engine = store._database._writers
    else:
        store.close()
        engine = create_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            raw = connection.connection.cursor()
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000"):
                raw.execute(f"PRAGMA {pragma}")
        yield connection
    if not url.startswith("postgresql"):
        engine.dispose()


def _insert(connection: Connection, table: str, rows: list[Sequence[object]]) -> None:
    names = COLUMNS[table].split()
    quoted = ", ".join(f'"{name}"' for name in names)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(names))
    statement = f"INSERT INTO {table} ({quoted}) VALUES ({marks})"
    connection.exec_driver_sql(statement, rows)
