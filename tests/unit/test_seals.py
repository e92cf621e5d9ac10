"""The seals of a store: what chains alone cannot tell is found, and said in words."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.evidence.ledger import Draft
from bot.evidence.verify import verify_store
from bot.records.sealing import Sealed, Sealer, SealingTask
from bot.settings import Settings
from bot.store import Store
from bot.store.events import about
from tests.unit.evidence_case import NOW, Pen, build, finished_callback, new_callback, open_store

FLAG = Draft("flagged", {"code": "P18_INTERFERENCE"})


def clock() -> Callable[[], datetime]:
    """A second later at each look."""
    looks = count()
    return lambda: NOW + timedelta(seconds=next(looks))


@pytest.fixture
def store(url: str, keys: Path) -> Iterator[Store]:
    with Store.open(url, keys, clock=clock()) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "elsewhere").mkdir()
    return Settings(data=tmp_path / "data", second_place=tmp_path / "elsewhere")


@pytest.fixture
def sealer(store: Store, settings: Settings) -> Sealer:
    return Sealer(store, settings)


def raw(tmp_path: Path, *statements: str) -> None:
    """What somebody with the file can do: drop the triggers first."""
    with sqlite3.connect(tmp_path / "data" / "huifang.db") as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_records_are_sealed_when_they_grew_and_nobody_talks(store: Store, sealer: Sealer) -> None:
    first, busy, empty = (new_callback(store, f"P{n}") for n in range(3))
    Pen(store, first).write(FLAG)
    Pen(store, busy).write(FLAG, state="IN_PROGRESS")
    sealed = sealer.checkpoint()
    assert (sealed.added, sealed.checkpoint.size, sealed.copied) == (1, 1, 1)
    again = sealer.checkpoint()
    assert (again.added, again.copied, again.checkpoint) == (0, 0, sealed.checkpoint)
    assert sealer.checkpoint([busy]).added == 1  # asked for by name
    Pen(store, first).write(FLAG)
    Pen(store, busy).write(FLAG)
    assert sealer.checkpoint().checkpoint.size == 3
    assert store.seals.seal_of(empty, -1) is None
    report = sealer.verify()
    assert report.ok, report
    assert (report.leaves, report.checkpoints, report.elsewhere, report.unsealed) == (3, 3, 3, 1)
    fresh = sealer.checkpoint(fresh=True)
    assert (fresh.added, fresh.copied, fresh.checkpoint.size) == (0, 1, 3)


def test_many_parts_make_one_tree(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.seals.PART", 4)
    for n in range(13):
        Pen(store, new_callback(store, f"P{n}")).write(FLAG)
    sealed = sealer.checkpoint()
    assert (sealed.added, sealed.checkpoint.size) == (13, 13)
    assert sealer.verify().ok
    for row in store.callbacks():
        seal = store.seals.seal_of(row.id, row.head_seq)
        assert seal is not None
        assert (seal.leaf.seq, seal.leaf.head) == (row.head_seq, row.head_hash)
        assert store.seals.seal_of(row.id, -1) is None


def test_a_new_key_signs_a_new_checkpoint(store: Store, sealer: Sealer) -> None:
    Pen(store, new_callback(store)).write(FLAG)
    before = sealer.checkpoint().checkpoint.statement
    outside = sealer.ring.public
    sealer.ring.rotate("2026-11-22T00:00:00.000000Z")
    after = sealer.checkpoint().checkpoint.statement
    assert before["root"] == after["root"]
    assert before["key"] != after["key"]
    assert sealer.verify().ok
    assert sealer.verify([outside]).ok
    assert not sealer.verify([sealer.ring.public]).ok  # it came after the first checkpoint


def rebuilt(store: Store, tmp_path: Path, callback: str) -> None:
    """A whole chain forged from its beginning, with heads that fit: each hash is right."""
    events = store.events(callback)
    drafts = [Draft(e.kind, e.body) for e in events]
    drafts[-1] = Draft("flagged", {"code": "NOTHING_HAPPENED"})
    forged = build(drafts, callback)
    statements = [f"DELETE FROM events WHERE callback = '{callback}'"]
    key = store.record(callback).key  # the forger has the master key as well
    for e in forged:
        body = key.seal(f"{e.salt}\n{e.text}".encode(), about(callback, e.seq)).hex()
        statements.append(
            "INSERT INTO events (callback, seq, kind, wall, mono_ms, prev, digest, hash, body) "
            f"VALUES ('{e.callback}', {e.seq}, '{e.kind}', '{e.wall}', {e.mono_ms},"
            f" '{e.prev}', '{e.digest}', '{e.hash}', x'{body}')"
        )
    head = forged[-1]
    statements.append(f"UPDATE callbacks SET head_hash = '{head.hash}' WHERE id = '{callback}'")
    raw(tmp_path, *statements)


sqlite_only = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@sqlite_only
def test_a_chain_rewritten_from_its_beginning_is_found_by_its_seal(
    store: Store, sealer: Sealer, tmp_path: Path
) -> None:
    callback = new_callback(store)
    Pen(store, callback).write(FLAG, FLAG)
    sealer.checkpoint()
    rebuilt(store, tmp_path, callback)
    (report,) = verify_store(store)
    assert report.integrity, "the chain alone cannot tell"
    assert sealer.verify().faults == (
        f"callback {callback}: event 1 is not the one that was sealed",
    )


@sqlite_only
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM events WHERE seq = 1", "event 1 was sealed and is gone"),
        ("UPDATE leaves SET head = replace(head, 'a', 'b')", "is not the one that was sealed"),
        ("UPDATE leaves SET seq = seq - 1 WHERE idx = 1", "is not the one that was sealed"),
        ("DELETE FROM leaves WHERE idx = 1", "leaf 1 is missing"),
        ("DELETE FROM leaves WHERE idx = 2", "it had 3 seals, now 2"),
        ("UPDATE leaves SET idx = 9 WHERE idx = 2", "leaf 2 is missing"),
        ("UPDATE nodes SET hash = zeroblob(32)", "the nodes of the tree are not those"),
        ("UPDATE stores SET id = 'x'", "is of another store"),
        (
            "UPDATE checkpoints SET statement = replace(statement, '\"size\":1', '\"size\":2')",
            "is not signed by a trusted key",
        ),
        ("UPDATE checkpoints SET statement = '{}'", "cannot be read"),
    ],
)
def test_tampering_with_the_tree_is_found(
    store: Store, settings: Settings, tmp_path: Path, statement: str, said: str
) -> None:
    alone = Sealer(store, settings.model_copy(update={"second_place": None}))
    for n in range(3):
        Pen(store, new_callback(store, f"P{n}")).write(FLAG, FLAG)
        alone.checkpoint()
    assert alone.verify().ok
    raw(tmp_path, statement)
    report = alone.verify()
    assert any(said in fault for fault in report.faults), report.faults
    assert not report.ok


@sqlite_only
def test_a_store_that_was_put_back_is_found_by_the_second_place(
    store: Store, sealer: Sealer, settings: Settings, tmp_path: Path
) -> None:
    callback = new_callback(store)
    Pen(store, callback).write(FLAG)
    sealer.checkpoint()
    old = tmp_path / "old.db"
    with sqlite3.connect(tmp_path / "data" / "huifang.db") as source, sqlite3.connect(old) as to:
        source.backup(to)
    Pen(store, callback).write(FLAG)
    sealer.checkpoint()
    store.close()
    for leftover in (tmp_path / "data").glob("huifang.db*"):
        leftover.unlink()
    shutil.copy(old, tmp_path / "data" / "huifang.db")
    with open_store(tmp_path, clock=clock()) as back:
        assert all(report.integrity for report in verify_store(back))
        found = Sealer(back, settings)
        without = Sealer(back, settings.model_copy(update={"second_place": None}))
        assert without.verify().ok, "nothing inside the store can tell"
        (fault,) = found.verify().faults
        assert fault.startswith("the store was put back")
        # And when it goes on from there, the two pasts do not agree.
        Pen(back, callback).write(Draft("flagged", {"code": "ANOTHER"}))
        found.checkpoint()
        assert any("not the one sealed on" in fault for fault in found.verify().faults)


def test_the_second_place_holds_lines_that_anybody_can_check(
    store: Store, sealer: Sealer, tmp_path: Path
) -> None:
    Pen(store, new_callback(store)).write(FLAG)
    sealed = sealer.checkpoint()
    (path,) = (tmp_path / "elsewhere").glob("*.jsonl")
    assert path.stem == store.seals.store_id()
    assert json.loads(path.read_text()) == sealed.checkpoint.statement
    assert path.with_suffix(".pem").read_text() == sealer.public_pem()
    path.write_bytes(path.read_bytes() + b'{"half')  # died in mid-line
    assert sealer.checkpoint(fresh=True).copied == 1
    assert len(path.read_bytes().splitlines()) == 2
    assert sealer.verify().ok
    path.write_bytes(path.read_bytes() + b'{"half\n')
    assert sealer.verify().faults == ("the second place's checkpoint number 2 cannot be read",)


def test_a_second_place_that_is_not_mounted_is_said_and_caught_up(
    store: Store, sealer: Sealer, tmp_path: Path
) -> None:
    Pen(store, new_callback(store)).write(FLAG)
    (tmp_path / "elsewhere").rename(tmp_path / "gone")
    with pytest.raises(ConfigError, match="is it mounted"):
        sealer.checkpoint()
    assert store.seals.size() == 1  # sealed all the same
    (tmp_path / "gone").rename(tmp_path / "elsewhere")
    assert sealer.checkpoint().copied == 1


def test_a_finished_callback_is_proved(store: Store, sealer: Sealer, tmp_path: Path) -> None:
    from bot.evidence import merkle, signing

    ids = [finished_callback(store, tmp_path / "audio", f"P{n}") for n in range(5)]
    statement = sealer.checkpoint().checkpoint.statement
    for id in ids:
        seal = store.seals.seal_of(id, 12)
        assert seal is not None
        leaf = signing.leaf(id, 12, store.callback(id).head_hash)
        root = merkle.root_from_inclusion(leaf, seal.leaf.index, 5, seal.path)
        assert root is not None
        assert root.hex() == statement["root"] == seal.checkpoint["root"]


async def until(condition: Callable[[], bool]) -> None:
    """For what a thread does: there is no event to wait for."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_fault_nobody_foresaw_does_not_end_the_sealing(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = ["a fault of ours"]
    seal = sealer.checkpoint

    def broken(*, fresh: bool = False) -> Sealed:
        if faults:
            raise TypeError(faults.pop())
        return seal(fresh=fresh)

    monkeypatch.setattr(sealer, "checkpoint", broken)
    sealing = SealingTask(sealer, settle_s=0)
    running = asyncio.create_task(sealing.run())
    await until(lambda: not faults)
    callback, closed = new_callback(store), Draft("closed", {"outcome": "", "state": ""})
    (event,) = store.append(callback, [closed], wall=NOW, mono_ms=1, generation=1)
    sealing.on_event(event)
    await until(lambda: running.done() or store.seals.size() == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sealing.idle()
    assert store.seals.size() == 1


async def test_a_running_house_seals_after_each_call_whatever_fails(
    store: Store, sealer: Sealer, tmp_path: Path
) -> None:
    sealing = SealingTask(sealer, settle_s=0)
    running = asyncio.create_task(sealing.run())
    callback = new_callback(store)
    await until(lambda: len(store.seals.checkpoints()) == 1)  # a start seals
    (flag,) = store.append(callback, [FLAG], wall=NOW, mono_ms=1, generation=1)
    sealing.on_event(flag)
    failed, closed = Draft("failed", {"part": "x"}), Draft("closed", {"outcome": "", "state": ""})
    (tmp_path / "elsewhere").rename(tmp_path / "gone")  # and nothing stops because of that
    for size, draft in enumerate((failed, closed, closed), 1):
        (event,) = store.append(callback, [draft], wall=NOW, mono_ms=2, generation=1)
        sealing.on_event(event)
        if draft is closed:
            await until(lambda size=size: store.seals.size() == size - 1)  # type: ignore[misc]
    (tmp_path / "gone").rename(tmp_path / "elsewhere")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sealing.idle()
    assert store.seals.size() == 2, "what is no ending is not sealed by itself"
    sealer.checkpoint()
    report = sealer.verify()
    assert (report.checkpoints, report.elsewhere) == (3, 3), "what was missed is caught up"
