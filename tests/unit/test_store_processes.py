"""Processes on one store: no number twice, no conversation owned twice, nothing half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.evidence import signing
from bot.evidence.ledger import verify_chain
from bot.evidence.verify import verify_store
from bot.evidence.verify_tree import verify_tree
from bot.store import Store
from tests.unit.evidence_case import new_callback

ROOT = Path(__file__).parents[2]
_START = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bot.errors import OwnershipLost
from bot.evidence.ledger import Draft
from bot.store import Store
NOW = datetime(2026, 11, 22, tzinfo=UTC)
url, keys, name, callbacks = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
store = Store.open(url, keys, busy_s=30)
"""
WRITER = (
    _START
    + """
for n in range(40):
    draft = Draft("flagged", {"code": f"{name}-{n}"})
    store.append(callbacks[n % len(callbacks)], [draft, draft], wall=NOW, mono_ms=n, generation=1)
    print(n, flush=True)
"""
)
TAKER = (
    _START
    + """
for callback in callbacks:
    try:
        store.transfer(callback, 1, f"human:{name}", [], NOW, 0)
    except OwnershipLost:
        continue
    print(callback, flush=True)
"""
)


def start(script: str, url: str, keys: Path, name: str, *callbacks: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, url, str(keys), name, *callbacks]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_processes_never_write_the_same_number(url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        ids = [new_callback(store, f"P{n}") for n in range(2)]
        writers = [start(WRITER, url, keys, f"w{n}", *ids) for n in range(3)]
        for writer in writers:
            writer.communicate(timeout=120)
            assert writer.returncode == 0
        for id in ids:
            events = store.events(id)
            assert [e.seq for e in events] == list(range(120))
            assert verify_chain(events, id) == []
            assert set(Counter(e.body["code"] for e in events).values()) == {2}


def test_processes_never_own_the_same_conversation(url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        ids = [new_callback(store, f"P{n}") for n in range(30)]
        takers = [start(TAKER, url, keys, name, *ids) for name in ("ming", "li", "wang")]
        claimed = [taker.communicate(timeout=120)[0].split() for taker in takers]
        assert [taker.returncode for taker in takers] == [0, 0, 0]
        assert Counter(id for claims in claimed for id in claims) == Counter(ids)
        for name, claims in zip(("ming", "li", "wang"), claimed, strict=True):
            assert all(store.callback(id).owner == f"human:{name}" for id in claims)


SEALER = (
    _START
    + """
from functools import partial
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from bot.evidence import signing
from bot.evidence.signing import key_id
key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
for n in range(15):
    draft = Draft("flagged", {"code": f"{name}-{n}"})
    store.append(callbacks[n % len(callbacks)], [draft], wall=NOW, mono_ms=n, generation=1)
    store.seals.seal(partial(signing.checkpoint, key), key_id(key.public_key()))
"""
)


def test_processes_that_seal_at_once_make_one_tree(url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        ids = [new_callback(store, f"P{n}") for n in range(4)]
        sealers = [start(SEALER, url, keys, f"s{n}", *ids) for n in range(3)]
        for sealer in sealers:
            sealer.communicate(timeout=120)
            assert sealer.returncode == 0
        key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
        id = signing.key_id(key.public_key())
        store.seals.seal(partial(signing.checkpoint, key), id)
        report = verify_tree(store.seals, {id: key.public_key()})
        assert report.ok, report
        assert report.unsealed == 0
        assert 4 <= report.leaves <= 45


def test_processes_may_create_the_same_store_at_once(url: str, keys: Path) -> None:
    script = _START + "print(store.callbacks())"
    openers = [start(script, url, keys, "x") for _ in range(4)]
    said = [opener.communicate(timeout=120)[0] for opener in openers]
    assert [opener.returncode for opener in openers] == [0, 0, 0, 0]
    assert said == ["[]\n"] * 4


def test_what_a_killed_process_had_acknowledged_is_there(url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        callback = new_callback(store)
        for attempt in range(3):
            writer = start(WRITER, url, keys, f"w{attempt}", callback)
            assert writer.stdout is not None
            seen = [int(writer.stdout.readline()) for _ in range(5 + 4 * attempt)]
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.communicate()[0].split()
            acknowledged = {*seen, *map(int, rest)}
            codes = Counter(e.body["code"] for e in store.events(callback))
            assert all(codes[f"w{attempt}-{n}"] == 2 for n in acknowledged)
        # A batch is there whole or not at all, and nothing is there twice.
        assert set(codes.values()) == {2}
        (report,) = verify_store(store)
        assert report.integrity
        assert report.events == sum(codes.values())
