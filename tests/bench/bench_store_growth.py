"""What the store costs as it grows: `make bench-store` writes build/bench/store-growth.json.

One store for each size is written in bulk (tests/bench/store_writer.py); then the same operations
are timed on all of them in turn, so that whatever else the machine does falls on all alike. Each
is what a desk does, on other records every time: what it reads was mostly not read before. Commits
are real ones on the disk of the checkout. Two things are shown besides and not judged: records of
any age, and the first look after the system's page cache was emptied; both read random places of
the whole store, where a large one cannot be as quick as one that fits into a cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from bot.evidence.verify import verify_events
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from tests.bench import store_writer
from tests.bench.bench_store import STATE, TURN, percentile
from tests.postgres import Server
from tests.unit.evidence_case import NOW

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "store-growth.json"

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS, COMMITS, CHAINS, COLD = 100, 300, 900, 15
PAGE = 50
MOST = 1.5
"""How many times as much an operation may cost at the last size."""
NOT_JUDGED = ("record_of_any_age", "proof_of_any_age", "first_look_cold_disk")


class Filled:
    """A store of one size, and what there is to do with it."""

    def __init__(self, store: Store, sealer: Sealer, size: int) -> None:
        self.store, self.sealer, self.size = store, sealer, size
        chance = Random(size)
        page = store.callbacks(limit=900)
        self.pages = [row.id for row in page[:800]]
        recent = chance.sample(page[: 4 * ROUNDS], 4 * ROUNDS)
        self.recent = iter([row.id for row in recent])
        self.numbers = iter([row.policy_number for row in recent])
        problems = store.callbacks(state="COMPLETED_PROBLEM", limit=PAGE)
        self.problems = problems[-1].id
        some = chance.sample(range(1, size - 20), 2 * ROUNDS + COLD)
        with store._database.read() as connection:
            asked = ", ".join(map(str, some))
            rows = connection.exec_driver_sql(f'SELECT id FROM callbacks WHERE "row" IN ({asked})')
            ids = list(rows.scalars())
        chance.shuffle(ids)
        self.any = iter(ids)
        self.fresh = [store.create_callback(f"P{n:010d}", "zh-2026.1", "chat") for n in range(10)]
        self._chance, self._turns = chance, 0

    def commit(self) -> None:
        self._turns += 1
        id = self.fresh[self._turns % len(self.fresh)]
        self.store.append(id, TURN, wall=NOW, mono_ms=0, generation=1, snapshot=STATE)

    def commit_and_seal(self) -> None:
        self.commit()
        self.sealer.checkpoint()

    def page(self) -> None:
        after = self._chance.choice(self.pages[: 800 - PAGE])
        assert len(self.store.callbacks(limit=PAGE, after=after)) == PAGE

    def page_by_state(self) -> None:
        rows = self.store.callbacks(limit=PAGE, state="COMPLETED_PROBLEM", after=self.problems)
        assert len(rows) == PAGE

    def queue(self) -> None:
        waiting = self.store.callbacks(limit=200, state="HUMAN", owner="queue")
        assert len(waiting) == store_writer.WAITING

    def of_policy(self) -> None:
        assert self.store.callbacks(policy=next(self.numbers))

    def record(self) -> None:
        assert len(self.store.record(next(self.recent)).events) == len(store_writer.BODIES)

    def proof(self) -> None:
        assert self.store.seals.seal_of(next(self.recent), 99)

    def record_of_any_age(self) -> None:
        assert self.store.record(next(self.any)).events

    def proof_of_any_age(self) -> None:
        assert self.store.seals.seal_of(next(self.any), 99)

    def verify(self) -> int:
        """Events of whole chains, read from the store and verified."""
        with closing(self.store.chains()) as stream:
            chains = list(islice(stream, CHAINS))
        reports = [
            verify_events(c.events, callback=c.callback, state=c.state, head=c.head) for c in chains
        ]
        assert all(report.integrity for report in reports)
        return sum(report.events for report in reports)


OPERATIONS: dict[str, tuple[Callable[[Filled], object], int]] = {
    "commit": (Filled.commit, COMMITS),
    "commit_and_seal": (Filled.commit_and_seal, 30),
    "page_of_50": (Filled.page, ROUNDS),
    "page_of_50_by_state": (Filled.page_by_state, ROUNDS),
    "human_queue": (Filled.queue, ROUNDS),
    "callbacks_of_policy": (Filled.of_policy, ROUNDS),
    "record": (Filled.record, ROUNDS),
    "proof": (Filled.proof, ROUNDS),
    "verify": (Filled.verify, 12),
    "record_of_any_age": (Filled.record_of_any_age, ROUNDS),
    "proof_of_any_age": (Filled.proof_of_any_age, ROUNDS),
}


def timed_ms(work: Callable[..., object], *given: object) -> float:
    begin = time.perf_counter()
    work(*given)
    return (time.perf_counter() - begin) * 1000


def measure(stores: list[Filled]) -> list[dict[str, Any]]:
    """Each operation on each store in turn."""
    results: list[dict[str, Any]] = [{"callbacks": one.size} for one in stores]
    for name, (work, rounds) in OPERATIONS.items():
        times: list[list[float]] = [[] for _ in stores]
        for _ in range(rounds):
            for one, kept in zip(stores, times, strict=True):
                kept.append(timed_ms(work, one))
        for result, kept in zip(results, times, strict=True):
            result[f"{name}_ms"] = round(statistics.median(kept), 3)
            if name == "commit":
                result["commit_p99_ms"] = percentile(kept, 0.99)
                result["events_per_s_one_writer"] = round(len(TURN) * 1000 / statistics.mean(kept))
            if name == "verify":
                events = CHAINS * len(store_writer.BODIES)
                result["verified_events_per_s"] = round(events * 1000 / statistics.median(kept))
    return results


def first_looks(path: Path, one: Filled) -> float:
    """Milliseconds of the first record after nothing of the file is in memory any more."""
    times = []
    with path.open("rb") as file:
        for _ in range(COLD):
            with Store.open(f"sqlite:///{path}", path.parent / "keys") as store:
                id = next(one.any)
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                times.append(timed_ms(store.record, id))
    return round(statistics.median(times), 2)


def growth(first: dict[str, Any], last: dict[str, Any]) -> dict[str, float]:
    """How many times as much each operation costs at the last size."""
    names = [*OPERATIONS, "first_look_cold_disk"]
    return {
        name: round(last[f"{name}_ms"] / first[f"{name}_ms"], 2)
        for name in names
        if f"{name}_ms" in first
    }


def fill(url: str, folder: Path, size: int) -> tuple[Store, Sealer, float]:
    """A store, sealed and verified, and how many microseconds a callback took to write."""
    began = time.perf_counter()
    store_writer.fill(Store.open(url, folder / "keys"), url, size)
    store = Store.open(url, folder / "keys", busy_s=60)
    sealer = Sealer(store, Settings(data=folder))
    sealer.checkpoint()
    each = (time.perf_counter() - began) / size * 1e6
    assert sealer.verify().ok
    print(f"{size:,} callbacks written, {each:.0f} µs each", flush=True)
    return store, sealer, each


def run(place: Path, sizes: tuple[int, ...], server: Server | None) -> dict[str, Any]:
    with ExitStack() as stack:
        stores, written, paths = [], [], []
        for size in sizes:
            folder = place / str(size)
            folder.mkdir()
            paths.append(folder / "huifang.db")
            url = server.new_database() if server else f"sqlite:///{paths[-1]}"
            store, sealer, each = fill(url, folder, size)
            stack.callback(store.close)
            stores.append(Filled(store, sealer, size))
            written.append(each)
        results = measure(stores)
        for result, each, one, path in zip(results, written, stores, paths, strict=True):
            result["bulk_write_us"] = round(each)
            if not server:
                result["bytes_per_callback"] = round(path.stat().st_size / one.size)
                result["first_look_cold_disk_ms"] = first_looks(path, one)
            print(json.dumps(result), flush=True)
    return {"sizes": results, "growth": growth(results[0], results[-1]), "load": os.getloadavg()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUTPUT.parent) as place:
        server = Server() if given.postgresql else None
        try:
            if server:
                server.start()
            result = run(Path(place), tuple(given.sizes), server)
        finally:
            if server:
                server.stop()
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print("growth, first to last:", json.dumps(result["growth"]))
    over = [n for n, times in result["growth"].items() if times > MOST and n not in NOT_JUDGED]
    print(f"more than {MOST} times as much:", ", ".join(over) or "none")


if __name__ == "__main__":
    main()
