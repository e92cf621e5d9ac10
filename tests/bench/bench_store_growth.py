"""What the store costs as it grows: `make bench-store` writes build/bench/store-growth.json.

Callbacks are written in bulk (three events each, hashed and chained as always, sealed as always),
then single operations are timed as they happen in service: commits are real ones on the disk of the
checkout. The largest size is cut down to what the time allows, and the output says so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from bot.evidence.ledger import GENESIS, Draft, canonical, digest_of, hash_of, wall_text
from bot.evidence.verify import verify_events
from bot.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from bot.store.callbacks import about
from bot.store.events import about as body_about
from bot.store.schema import callbacks, data_keys, events
from bot.vault.datakey import DataKey
from bot.vault.master import Vault
from tests.bench.bench_store import STATE, TURN, percentile
from tests.postgres import Server
from tests.unit.evidence_case import NOW, policy

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "store-growth.json"

SIZES = (1_000, 100_000, 1_000_000)
PART = 5_000  # callbacks of one bulk commit
COMMITS, REPEATS = 200, 30
SAMPLE = 4_000  # chains that are verified
DRAFTS = (
    Draft("created", {"policy": "P1", "questionnaire": "zh-2026.1"}),
    TURN[1],
    Draft("closed", {"outcome": "done", "state": "COMPLETED_CLEAN"}),
)
CONTRACT = canonical({"policy_number": "P1", "policy_sha256": "0" * 64}).encode()
WALL, SALT = wall_text(NOW), "5a" * 16
BODIES = [(d.kind, text, digest_of(SALT, text)) for d in DRAFTS for text in [canonical(d.body)]]


def bulk(store: Store, vault: Vault, ids: list[str], shuffled: list[str]) -> None:
    """Events in the order of their ids (as an index holds them), callbacks in another (as they
    would have been created): reading a chain then jumps about, as in service."""
    with store._database.write() as connection:
        heads, rows, contracts, wrapped = {}, [], {}, []
        master = vault.first()
        for id in ids:
            prev, key = GENESIS, DataKey.new()
            wrapped.append({"id": id, "wrapped": master.wrap(key, id)})
            for seq, (kind, text, digest) in enumerate(BODIES):
                hashed = hash_of(id, seq, kind, WALL, seq, prev, digest)
                body = key.seal(f"{SALT}\n{text}".encode(), body_about(id, seq))
                rows.append((id, seq, kind, WALL, seq, prev, digest, hashed, body))
                prev = hashed
            heads[id] = prev
            contracts[id] = key.seal(CONTRACT, about(id, "contract"))
        common = {
            "policy": 1, "policy_number": store._keys.keyed("number", "P1"),
            "questionnaire": "zh-2026.1", "channel": "chat",
            "state": "COMPLETED_CLEAN", "owner": "bot", "generation": 1, "created": WALL,
            "updated": WALL, "head_seq": len(BODIES) - 1,
        }  # fmt: skip
        known = [
            {**common, "id": id, "head_hash": heads[id], "contract": contracts[id]}
            for id in shuffled
        ]
        connection.execute(insert(callbacks), known)
        connection.execute(insert(data_keys), wrapped)
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        values = ", ".join([mark] * len(events.c))
        connection.exec_driver_sql(f"INSERT INTO events VALUES ({values})", rows)


def fill(store: Store, sealer: Sealer, already: int, size: int) -> float:
    """Seconds for each callback."""
    chance, began = Random(size), time.perf_counter()
    ids = sorted(str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(size))
    missing = ids[already:]
    for at in range(0, len(missing), PART):
        part = missing[at : at + PART]
        bulk(store, store._keys.vault, part, chance.sample(part, len(part)))
    sealer.checkpoint()
    return (time.perf_counter() - began) / max(1, len(missing))


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 2)


def measure(store: Store, sealer: Sealer, size: int) -> dict[str, Any]:
    """Single operations on a store of `size` callbacks."""
    fresh = [store.create_callback("P1", "zh-2026.1", "chat") for _ in range(10)]
    commits = []
    for n in range(COMMITS):
        begin = time.perf_counter()
        id = fresh[n % 10]
        store.append(id, TURN, wall=NOW, mono_ms=n, generation=1, snapshot=STATE)
        commits.append((time.perf_counter() - begin) * 1000)
    chance, page = Random(1), store.callbacks(limit=1000, state="COMPLETED_CLEAN")
    some = [row.id for row in chance.sample(page, 30)]
    middle = page[-1].id
    looks = iter(some * REPEATS)

    def seal_one() -> None:
        store.append(fresh[0], TURN[:1], wall=NOW, mono_ms=0, generation=1)
        sealer.checkpoint()

    begin = time.perf_counter()
    with closing(store.chains()) as stream:
        chains = list(islice(stream, SAMPLE))
    reports = [
        verify_events(c.events, callback=c.callback, state=c.state, head=c.head) for c in chains
    ]
    seconds = time.perf_counter() - begin
    assert all(report.integrity for report in reports)
    begin = time.perf_counter()
    tree = sealer.verify()
    tree_s = time.perf_counter() - begin
    assert tree.ok, tree
    return {
        "callbacks": size,
        "commit_ms": {"p50": percentile(commits, 0.5), "p99": percentile(commits, 0.99)},
        "events_per_s_one_writer": round(len(TURN) * COMMITS / (sum(commits) / 1000)),
        "page_of_50_ms": median_ms(lambda: store.callbacks(limit=50)),
        "page_of_50_by_state_ms": median_ms(
            lambda: store.callbacks(limit=50, state="COMPLETED_CLEAN", after=middle)
        ),
        "one_record_ms": median_ms(lambda: store.record(next(looks))),
        "proof_ms": median_ms(lambda: store.seals.seal_of(next(looks), 99)),
        "commit_and_seal_one_ms": median_ms(seal_one),
        "verified_events_per_s": round(sum(r.events for r in reports) / seconds),
        "verified_seals_per_s": round(tree.leaves / tree_s),
    }


def growth(first: dict[str, Any], last: dict[str, Any]) -> dict[str, float]:
    """How many times as much each operation costs at the last size."""
    costs = {
        name: (first[name], last[name])
        for name in first
        if name.endswith("_ms") and isinstance(first[name], float)
    }
    costs["commit_p50"] = (first["commit_ms"]["p50"], last["commit_ms"]["p50"])
    costs["verify_event"] = (1 / first["verified_events_per_s"], 1 / last["verified_events_per_s"])
    return {name: round(b / a, 2) for name, (a, b) in costs.items()}


def run(url: str, folder: Path, minutes: float) -> dict[str, Any]:
    deadline = time.perf_counter() + minutes * 60
    results: list[dict[str, Any]] = []
    with Store.open(url, folder / "keys", busy_s=60) as store:
        store.save_policies([policy("P1")])
        sealer = Sealer(store, Settings(data=folder))
        done, each = 0, 0.0
        for size in SIZES:
            left = deadline - time.perf_counter()
            # A third of the time is for measuring; large trees cost a little more a callback.
            possible = int(left * 0.7 / each) if each else size
            reachable = min(size, max(done, possible) // 1000 * 1000)
            if reachable < size:
                print(f"{size:,} callbacks do not fit into {minutes} minutes: {reachable:,}")
            if reachable <= done:
                break
            each = fill(store, sealer, done, reachable)
            done = reachable
            results.append(measure(store, sealer, done))
            results[-1]["bulk_write_and_seal_us"] = round(each * 1e6)
            if url.startswith("sqlite"):
                size_b = sum(p.stat().st_size for p in folder.glob("huifang.db*"))
                results[-1]["bytes_per_callback"] = round(size_b / done)
            print(json.dumps(results[-1]), flush=True)
    return {"sizes": results, "growth": growth(results[0], results[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUTPUT.parent) as place:
        folder = Path(place)
        server = Server()
        try:
            if given.postgresql:
                server.start()
                url = server.new_database()
            else:
                url = f"sqlite:///{folder / 'huifang.db'}"
            result = run(url, folder, given.minutes)
        finally:
            server.stop()
    print("growth, first to last:", json.dumps(result["growth"]))
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
