"""The store on both databases: fenced, append-only, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from bot.errors import ConfigError, OwnershipLost
from bot.evidence import signing
from bot.evidence.ledger import GENESIS, Draft, verify_chain
from bot.evidence.states import WrongState
from bot.policies.policy import Policy
from bot.store import DamagedPolicy, NotFound, Store
from bot.store.schema import links, metadata
from bot.vault.datakey import Unreadable
from tests.unit.evidence_case import NOW, Pen, new_callback, policy

FLAG = Draft("flagged", {"code": "P18_INTERFERENCE"})
HANDED = Draft("handed_over", {"reason": "key", "generation": 2})


@pytest.fixture
def store(url: str, keys: Path) -> Iterator[Store]:
    with Store.open(url, keys, clock=lambda: NOW) as opened:
        yield opened


def test_migrations_make_the_tables_that_queries_use(store: Store) -> None:
    with store._database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_a_newer_version_is_refused(store: Store, url: str, keys: Path) -> None:
    with store._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="layout 9999"):
        Store.open(url, keys)


def test_reopening_finds_everything(store: Store, url: str, keys: Path) -> None:
    callback = new_callback(store)
    Pen(store, callback).write(FLAG, state="READY", snapshot={"phase": "opening", "条": [1]})
    before, events = store.callback(callback), store.events(callback)
    store.close()
    with Store.open(url, keys) as again:
        assert again.callback(callback) == before
        assert again.events(callback) == events
        assert before.snapshot == {"phase": "opening", "条": [1]}


# -- policies


def test_import_tells_new_unchanged_and_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = policy("P1"), policy("P2")
    assert store.save_policies([first, second]) == (2, 0, 0)
    moved = policy("P2", phone="13900000009")
    assert store.save_policies([first, moved, policy("P3")]) == (1, 1, 1)
    assert store.policy("P2") == moved
    assert [p.number for p in store.policies(limit=2)] == ["P1", "P2"]
    monkeypatch.setattr("bot.store.store.MAX_PAGE", 2)
    assert [p.number for p in store.every_policy() if isinstance(p, Policy)] == ["P1", "P2", "P3"]
    assert [p.number for p in store.policies_by_phone("13900000001")] == ["P1", "P3"]
    assert [p.number for p in store.policies_by_phone("13900000009")] == ["P2"]


def test_a_policy_that_changes_while_all_are_read_hides_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_policies([policy(f"P{n}") for n in range(4)])
    monkeypatch.setattr("bot.store.store.MAX_PAGE", 2)
    reading = store.every_policy()
    first = [next(reading), next(reading)]
    store.save_policies([policy("P1", phone="13900000009")])  # the last one of the first page
    seen = {one.number for one in (*first, *reading) if isinstance(one, Policy)}
    assert seen == {f"P{n}" for n in range(4)}


DAMAGES = {
    "facts": "UPDATE policies SET facts = :other WHERE id = 2",
    "key": "DELETE FROM data_keys WHERE row = (SELECT key_row FROM policies WHERE id = 2)",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_policy_is_told_hides_no_other_and_is_mended_by_its_import(
    what: str, store: Store
) -> None:
    first, second = policy("P1"), policy("P2", phone="13900000002")
    store.save_policies([first, second])
    callback = store.create_callback("P2", "zh-2026.1", "phone")
    with store._database.write() as connection:
        connection.execute(text(DAMAGES[what]), {"other": b"another's"} if what == "facts" else {})
    assert list(store.every_policy()) == [first, DamagedPolicy(2)]
    with pytest.raises(Unreadable):
        store.policy("P2")
    assert store.save_policies([first, second]) == (0, 1, 1)
    assert list(store.every_policy()) == [first, second]
    assert store.record(callback).policy == second
    with store._database.read() as connection:
        keys = connection.execute(text("SELECT count(*) FROM data_keys")).scalar_one()
    assert keys == 3, "of two policies and a callback"


def test_a_callback_keeps_the_policy_it_was_made_from(store: Store) -> None:
    callback = new_callback(store, "P1")
    old = store.policy("P1")
    store.save_policies([policy("P1", term="20年")])
    assert store.policy("P1").term == "20年"
    assert store.policy_of(callback) == old
    assert store.record(callback).policy == old


def test_unknown_things_are_not_found(store: Store) -> None:
    for call in (
        lambda: store.policy("P9"),
        lambda: store.callback("x"),
        lambda: store.policy_of("x"),
        lambda: store.record("x"),
        lambda: store.token_for("x"),
        lambda: store.create_callback("P9", "zh-2026.1", "phone"),
        lambda: store.book("x", NOW),
        lambda: store.finish_booking(7),
    ):
        with pytest.raises(NotFound):
            call()
    assert store.events("x") == []


# -- callbacks


def test_a_new_callback(store: Store) -> None:
    row = store.callback(new_callback(store, channel="chat"))
    assert (row.state, row.owner, row.generation) == ("CREATED", "bot", 1)
    assert (row.channel, row.outcome, row.snapshot) == ("chat", None, None)
    assert (row.head_seq, row.head_hash, row.created) == (-1, GENESIS, NOW)


def test_listing_by_state_owner_and_policy(store: Store) -> None:
    ids = [new_callback(store, f"P{n % 2}") for n in range(5)]
    for id in ids[:3]:
        Pen(store, id).write(FLAG, state="IN_PROGRESS")
    store.transfer(ids[0], 1, "queue", [HANDED], NOW, 1, state="HUMAN")
    newest = ids[::-1]

    def listed(**wanted: object) -> list[str]:
        return [row.id for row in store.callbacks(**wanted)]  # type: ignore[arg-type]

    assert listed() == newest
    assert listed(limit=2) == newest[:2]
    assert listed(state="IN_PROGRESS") == [ids[2], ids[1]]
    assert listed(owner="queue") == [ids[0]]
    assert listed(policy="P1") == [ids[3], ids[1]]
    assert store.unfinished() == [ids[2], ids[1], ids[0]]
    with pytest.raises(ValueError):
        store.callbacks(state="DREAMING")


def test_states_move_only_as_the_rules_allow(store: Store) -> None:
    callback = new_callback(store)
    pen = Pen(store, callback)
    with pytest.raises(WrongState, match="CREATED cannot become COMPLETED_CLEAN"):
        pen.write(FLAG, state="COMPLETED_CLEAN")
    assert store.events(callback) == []  # nothing of a refused transaction stays
    pen.write(FLAG, state="IN_PROGRESS")
    pen.write(FLAG, state="COMPLETED_CLEAN", outcome="done")
    assert store.callback(callback).outcome == "done"


# -- events


def test_events_are_chained_across_appends(store: Store) -> None:
    callback = new_callback(store)
    pen = Pen(store, callback)
    pen.write(FLAG, FLAG)
    assert store.append(callback, [], wall=NOW, mono_ms=5, generation=1) == []
    pen.write(FLAG)
    events = store.events(callback)
    assert [e.seq for e in events] == [0, 1, 2]
    assert verify_chain(events, callback) == []
    row = store.callback(callback)
    assert (row.head_seq, row.head_hash) == (2, events[-1].hash)
    assert len({e.salt for e in events}) == 3


def test_a_bad_event_undoes_its_whole_batch(store: Store) -> None:
    callback = new_callback(store)
    with pytest.raises(ValueError, match="colour"):
        Pen(store, callback).write(FLAG, Draft("flagged", {"code": "x", "colour": 1}))
    assert store.events(callback) == []


def test_threads_share_one_store(store: Store) -> None:
    ids = [new_callback(store, f"P{n}") for n in range(4)]
    pens = [Pen(store, id) for id in ids]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: pens[n % 4].write(FLAG), range(80)))
    for id in ids:
        events = store.events(id)
        assert len(events) == 20
        assert verify_chain(events, id) == []


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = NULL", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("events", "seq"), ("leaves", "seq"), ("nodes", "hash"), ("checkpoints", "size")],
)
def test_rows_of_evidence_cannot_be_changed(
    store: Store, statement: str, table: str, column: str
) -> None:
    callback = new_callback(store)
    Pen(store, callback).write(FLAG)
    key = Ed25519PrivateKey.generate()
    store.seals.seal(partial(signing.checkpoint, key), "k")
    with (
        pytest.raises(DBAPIError, match="append-only"),
        store._database.write() as connection,
    ):
        connection.execute(text(statement.format(table, column)))
    assert len(store.events(callback)) == 1
    assert store.seals.size() == 1


# -- ownership


def test_a_transfer_shuts_out_the_old_owner(store: Store) -> None:
    callback = new_callback(store)
    generation, events = store.transfer(callback, 1, "queue", [HANDED], NOW, 1, state="HUMAN")
    assert (generation, [e.kind for e in events]) == (2, ["handed_over"])
    with pytest.raises(OwnershipLost):
        store.append(callback, [FLAG], wall=NOW, mono_ms=2, generation=1)
    with pytest.raises(OwnershipLost):
        store.transfer(callback, 1, "human:李", [], NOW, 2)
    row = store.callback(callback)
    assert (row.owner, row.state, row.generation, row.head_seq) == ("queue", "HUMAN", 2, 0)


def test_of_two_who_take_a_conversation_one_gets_it(store: Store) -> None:
    callback = new_callback(store)
    store.transfer(callback, 1, "queue", [], NOW, 1)

    def take(agent: str) -> bool:
        try:
            store.transfer(callback, 2, f"human:{agent}", [], NOW, 2)
        except OwnershipLost:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, [f"agent{n}" for n in range(8)]))
    assert taken.count(True) == 1
    assert store.callback(callback).owner == f"human:agent{taken.index(True)}"


def test_only_facts_about_the_past_need_no_owner(store: Store) -> None:
    callback = new_callback(store)
    store.transfer(callback, 1, "queue", [], NOW, 1)
    audio = Draft("audio", {"file": "a.wav", "sha256": "0", "frames": 0, "partial": True})
    store.append(callback, [audio], wall=NOW, mono_ms=2, generation=None)
    with pytest.raises(OwnershipLost):
        store.append(callback, [FLAG], wall=NOW, mono_ms=2, generation=None)
    with pytest.raises(OwnershipLost):
        store.append(callback, [audio], wall=NOW, mono_ms=2, generation=None, state="READY")


@pytest.mark.parametrize("owner", ["", "human:", "nobody", "human:" + "x" * 81, "human:a\nb"])
def test_owners_are_bot_queue_or_a_named_human(store: Store, owner: str) -> None:
    callback = new_callback(store)
    with pytest.raises(ValueError, match="owner"):
        store.transfer(callback, 1, owner, [], NOW, 1)


# -- bookings and links


def test_a_newer_booking_replaces_the_older(store: Store) -> None:
    one, two = new_callback(store, "P1"), new_callback(store, "P2")
    store.book(one, NOW + timedelta(hours=1))
    store.book(one, NOW + timedelta(hours=3), by="human")
    store.book(two, NOW + timedelta(hours=2))
    sooner, later = store.booked(two), store.booked(one)
    assert sooner is not None
    assert store.bookings() == [sooner, later]
    assert store.bookings(before=NOW + timedelta(hours=2)) == [sooner]
    store.finish_booking(sooner.id)
    assert store.bookings() == [later]
    with pytest.raises(NotFound):
        store.finish_booking(sooner.id)


def test_a_booking_is_committed_with_its_events(store: Store) -> None:
    callback = new_callback(store)
    drafts = [Draft("rescheduled", {"slot": "明天上午十点"})]
    with pytest.raises(OwnershipLost):
        store.book(callback, NOW, drafts=drafts, wall=NOW, mono_ms=1, generation=7)
    assert store.bookings() == []
    added = store.book(callback, NOW, drafts=drafts, wall=NOW, mono_ms=1, generation=1)
    assert [e.kind for e in added] == ["rescheduled"]
    assert store.events(callback) == added


def test_a_booked_call_is_begun_by_one_while_others_book_anew(store: Store) -> None:
    callback = new_callback(store)
    dialled = Draft("dialled", {"call": "c"})

    def begin(booking: int) -> bool:
        try:
            store.take_booking(booking, [dialled], wall=NOW, mono_ms=1, generation=1)
        except NotFound:
            return False
        return True

    begun = 0
    with ThreadPoolExecutor(4) as pool:
        for _ in range(25):
            store.book(callback, NOW)
            booking = store.booked(callback)
            assert booking is not None
            again = pool.submit(store.book, callback, NOW)
            taken = list(pool.map(begin, [booking.id] * 3))
            again.result()  # nobody waited for somebody who waited for them
            assert taken.count(True) <= 1
            begun += sum(taken)
    assert [e.kind for e in store.events(callback)].count("dialled") == begun


def test_links_open_one_callback_until_they_expire(url: str, keys: Path) -> None:
    now = [NOW]
    with Store.open(url, keys, clock=lambda: now[0]) as store:
        callback = new_callback(store)
        token = store.token_for(callback, valid=timedelta(days=1))
        assert token != store.token_for(callback)
        found = store.callback_by_token(token)
        assert found is not None
        assert found.id == callback
        for wrong in ("", token[:-1], token + "x", "x" * 10_000, "\ud800"):
            assert store.callback_by_token(wrong) is None
        now[0] += timedelta(days=1)
        assert store.callback_by_token(token) is None
        with store._database.read() as connection:
            assert token not in str(connection.execute(select(links)).all())
