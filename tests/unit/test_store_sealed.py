"""Encryption at rest: nothing personal on the disk in clear, and nothing lost on the way there."""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from typer.testing import CliRunner

from bot.callbacks import Callbacks
from bot.cli.main import app
from bot.errors import ConfigError
from bot.evidence.ledger import Draft, Event, canonical
from bot.evidence.recordings import Sealed
from bot.evidence.verify import verify_store
from bot.records.recovery import recover_all
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from bot.store import keys as store_keys
from bot.store import migrate as migrations
from bot.store.database import open_database
from bot.vault.datakey import Unreadable
from bot.vault.master import FILE, Vault
from tests.unit.evidence_case import (
    Pen,
    finished_callback,
    new_callback,
    open_store,
    policy,
)

PERSONAL = ("王秀英", "210102195403081234", "13900000001", "P2026000001", "1954-03-08", "是我买的")
"""What `finished_callback` holds of its policyholder: name, ID, phone, policy, birth, words."""
FLAG = Draft("flagged", {"code": "P18_INTERFERENCE"})


def on_disk(url: str, folder: Path) -> bytes:
    """Everything the database keeps: its files, or all its rows."""
    found = [p.read_bytes() for p in folder.rglob("*") if p.is_file() and "audio" not in p.parts]
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", "")) as raw:
            tables = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in tables.fetchall():
                rows = raw.execute(f"SELECT * FROM {table}".encode()).fetchall()
                for row in rows:
                    found += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    return b"\n".join(found)


def personal_in(data: bytes) -> list[str]:
    return [
        value
        for value in PERSONAL
        if value.encode() in data
        or json.dumps(value).strip('"').encode() in data
        or sha256(value.encode()).hexdigest().encode() in data
    ]


def test_nothing_personal_is_on_the_disk(url: str, keys: Path, tmp_path: Path) -> None:
    with Store.open(url, keys) as store:
        finished_callback(store, tmp_path / "audio")
        busy = new_callback(store)
        Pen(store, busy).write(FLAG, state="IN_PROGRESS", snapshot={"slot": "王秀英"})
        assert personal_in(on_disk(url, tmp_path)) == []
        assert store.callback(busy).snapshot == {"slot": "王秀英"}
        assert store.policies_by_phone("13900000001") == [policy()]
        assert store.policy("P2026000001") == policy()
    assert personal_in(on_disk(url, tmp_path)) == []


def test_looking_for_it_would_find_it() -> None:
    assert personal_in(canonical(policy().to_json()).encode()) == list(PERSONAL[:-1])


def test_two_stores_hash_alike_values_differently(tmp_path: Path) -> None:
    hashes = []
    for name in ("a", "b"):
        with open_store(tmp_path / name) as store:
            hashes.append(store._keys.keyed("phone", "13900000001"))
            assert hashes[-1] != store._keys.keyed("number", "13900000001")
    assert hashes[0] != hashes[1]


# -- the master key


def test_without_its_master_key_a_store_stays_shut_and_unchanged(
    url: str, keys: Path, tmp_path: Path
) -> None:
    with Store.open(url, keys) as store:
        callback = finished_callback(store, tmp_path / "audio")
        before = store.events(callback)
    (keys / FILE).rename(tmp_path / "saved.key")
    with pytest.raises(ConfigError, match=r"master.key is missing.*restore it from its copy"):
        Store.open(url, keys)
    assert not (keys / FILE).exists(), "a new key would only hide the loss"
    Vault(keys).first()
    with pytest.raises(ConfigError, match="not the master key of this store"):
        Store.open(url, keys)
    (tmp_path / "saved.key").rename(keys / FILE)
    with Store.open(url, keys) as store:
        assert store.events(callback) == before


def test_rotation_wraps_every_key_anew(
    url: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_keys, "PART", 3)
    with Store.open(url, keys) as store:
        ids = [finished_callback(store, tmp_path / "audio", f"P{n}") for n in range(5)]
        before = list(store.chains())
        old = (keys / FILE).read_bytes()
        new = store.rotate_master()
        assert new in (keys / FILE).read_text()
        assert list(store.chains()) == before, "the running process goes on"
        later = new_callback(store, "P7")
    (kept,) = keys.glob("master.*.old")
    assert kept.read_bytes() == old
    kept.unlink()
    with Store.open(url, keys) as again:
        assert [c for c in again.chains() if c.callback != later] == before
        assert again.policies_by_phone("13900000001")[0].number == "P0"
        assert again.callback(later).policy_number == "P7"
        assert len(again.callbacks(policy="P3")) == 1
        with again._database.read() as connection:
            rows = connection.execute(text("SELECT wrapped FROM data_keys")).scalars().all()
        assert {bytes(wrapped[:8]).hex() for wrapped in rows} == {new}
        assert len(ids) == 5


def test_a_process_goes_on_while_another_one_changes_the_master_key(
    url: str, keys: Path, tmp_path: Path
) -> None:
    with Store.open(url, keys) as running, Store.open(url, keys) as other:
        callback = new_callback(running)
        other.rotate_master()
        Pen(running, callback).write(FLAG)
        later = new_callback(running, "P2")
        assert other.callback(later).policy_number == "P2"
        assert len(other.events(callback)) == 1


def test_a_change_that_is_undone_leaves_the_old_key(
    url: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(url, keys) as store:
        callback = new_callback(store)

        def fail(*_: object) -> bytes:
            raise RuntimeError("the power failed")

        with monkeypatch.context() as patched:
            patched.setattr(store_keys, "_after", fail)
            with pytest.raises(RuntimeError):
                store.rotate_master()
    with Store.open(url, keys) as again:
        assert again.callback(callback).policy_number == "P2026000001"
    assert sorted(p.name for p in keys.glob("master*")) == [FILE]


def test_the_command_says_what_to_keep(
    url: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_DATABASE", url)
    with Store.open(url, keys) as store:
        callback = new_callback(store)
    command = ["keys", "rotate-master", "--data", str(keys.parent)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "save a copy apart from the database" in result.output
    with Store.open(url, keys) as store:
        assert store.callback(callback)


def test_a_key_that_is_lost_is_said(url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        callback = new_callback(store)
        Pen(store, callback).write(FLAG)
        with store._database.write() as connection:
            connection.execute(text("DELETE FROM data_keys WHERE id = :id"), {"id": callback})
        with pytest.raises(Unreadable, match="nobody erased it"):
            store.callback(callback)


# -- a store of before


def in_clear(url: str, keys: Path, like: Path) -> tuple[list[Event], str]:
    """A store as layout 0002 wrote it, with the record of a sealed one in `like`."""
    with open_store(like) as store:
        callback = finished_callback(store, like / "audio")
        Pen(store, callback).write(*[FLAG] * 2100)  # more than one part of the walk
        events, row = store.events(callback), store.callback(callback)
        sound = Sealed(like / "audio", store.data_key(callback)).read(f"{callback}.wav")
    audio = keys.parent / "audio"
    audio.mkdir(parents=True)
    (audio / f"{callback}.wav").write_bytes(sound or b"")
    database = open_database(url, busy_s=5)
    config = Config()
    config.set_main_option("script_location", str(migrations._SCRIPTS))
    facts = canonical(policy().to_json())
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO policies (number, phone, facts, sha256, imported, current)"
                " VALUES (:n, :p, :f, :s, :i, true)"
            ),
            {"n": "P2026000001", "p": "13900000001", "f": facts,
             "s": sha256(facts.encode()).hexdigest(), "i": "2026"},
        )  # fmt: skip
        connection.execute(
            text(
                "INSERT INTO callbacks (id, policy, policy_number, questionnaire, channel,"
                " state, owner, generation, outcome, snapshot, head_seq, head_hash, created,"
                " updated, sealed_seq) VALUES (:id, 1, 'P2026000001', 'zh-2026.1', 'phone',"
                " :state, 'bot', 1, 'done', :snapshot, :seq, :hash, :at, :at, -1)"
            ),
            {"id": callback, "state": str(row.state), "seq": row.head_seq, "hash": row.head_hash,
             "snapshot": '{"slot":"王秀英"}', "at": "2026-11-22T01:30:00.000000Z"},
        )  # fmt: skip
        for e in events:
            connection.execute(
                text(
                    "INSERT INTO events (callback, seq, kind, body, wall, mono_ms, prev, salt,"
                    " digest, hash) VALUES (:c, :s, :k, :b, :w, :m, :p, :t, :d, :h)"
                ),
                {"c": e.callback, "s": e.seq, "k": e.kind, "b": e.text, "w": e.wall,
                 "m": e.mono_ms, "p": e.prev, "t": e.salt, "d": e.digest, "h": e.hash},
            )  # fmt: skip
    database.close()
    return events, callback


def test_a_store_in_clear_is_brought_over(url: str, keys: Path, tmp_path: Path) -> None:
    events, callback = in_clear(url, keys, tmp_path / "like")
    assert "王秀英" in personal_in(on_disk(url, tmp_path / "data"))
    with Store.open(url, keys) as store:
        assert personal_in(on_disk(url, tmp_path / "data")) == []
        assert store.events(callback) == events
        assert store.policy("P2026000001") == policy()
        row = store.callback(callback)
        assert row.snapshot == {"slot": "王秀英"}
        assert row.policy_number == "P2026000001"
        assert row.policy_sha256 == events[0].body["policy_sha256"]
        assert store.save_policies([policy()]) == (0, 1, 0)
        assert [c.id for c in store.callbacks(policy="P2026000001")] == [callback]
        audio = tmp_path / "data" / "audio"
        (report,) = verify_store(store, audio)
        assert report.ok, "a recording in clear counts as well"
        recover_all(Callbacks(Settings(data=tmp_path / "data"), store), audio)
        assert [p.name for p in audio.glob("*.wav*")] == [f"{callback}.wav.sealed"]
        (report,) = verify_store(store, audio)
        assert report.ok, report
        assert Sealer(store, Settings(data=tmp_path / "data")).checkpoint().added == 1
        Pen(store, new_callback(store, "P5")).write(FLAG)
    with Store.open(url, keys) as again:
        assert again.events(callback) == events
        with pytest.raises(Exception, match="append-only"), again._database.write() as connection:
            connection.execute(text("DELETE FROM events"))


def test_a_store_in_clear_whose_move_fails_stays_as_it_was(
    url: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, callback = in_clear(url, keys, tmp_path / "like")
    with monkeypatch.context() as patched:
        patched.setattr(store_keys.Keys, "unwrap", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store.open(url, keys)
    with Store.open(url, keys) as store:
        assert store.events(callback) == events


def test_a_reader_keeps_the_old_files_but_not_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could not be wiped is said; the store is sealed and open all the same."""
    url, keys = f"sqlite:///{tmp_path / 'data' / 'huifang.db'}", tmp_path / "data" / "keys"
    events, callback = in_clear(url, keys, tmp_path / "like")
    reader = sqlite3.connect(tmp_path / "data" / "huifang.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    with Store.open(url, keys, busy_s=0.1) as store:
        assert store.events(callback) == events
    assert "store.not_scrubbed" in capsys.readouterr().out
    reader.close()
    with Store.open(url, keys) as store:
        store._database.scrub()
        assert personal_in(on_disk(url, tmp_path / "data")) == []


def test_the_files_of_sqlite_are_wiped(tmp_path: Path) -> None:
    """A row that is deleted leaves no copy in the file or beside it."""
    url = f"sqlite:///{tmp_path / 'data' / 'huifang.db'}"
    with open_store(tmp_path) as store:
        callback = new_callback(store)
        with store._database.read() as connection:
            query = text("SELECT wrapped FROM data_keys WHERE id = :id")
            wrapped = connection.execute(query, {"id": callback}).scalar_one()
        assert wrapped in on_disk(url, tmp_path)
        with store._database.write() as connection:
            connection.execute(text("DELETE FROM data_keys WHERE id = :id"), {"id": callback})
        store._database.scrub("data_keys")
        assert wrapped not in on_disk(url, tmp_path)
