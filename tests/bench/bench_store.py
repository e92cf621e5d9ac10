"""What the store costs: `python -m tests.bench.bench_store` writes build/bench/store.json.

Commits are real ones (`synchronous=FULL`) into a temporary folder on the disk of the checkout, not
in memory. Times move with the disk and with what else the machine does.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.evidence.ledger import Draft
from bot.evidence.verify import verify_store
from bot.store import Store
from tests.unit.evidence_case import NOW, open_store, policy

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "store.json"

CALLBACKS = 500
TURNS = 20  # a callback of this many turns, as long as a real one
SINGLE = 300  # commits that are timed one by one
TURN = (
    Draft("heard", {"via": "voice", "text": "清楚，我知道的", "confidence": 0.93,
                    "start_ms": 12_000, "end_ms": 13_500, "audio_sha256": "b" * 64,
                    "engine": "whisper base", "intent": "affirm", "answer": "yes"}),
    Draft("answered", {"item": "B10", "answer": "yes", "expect": "yes", "as_expected": True,
                       "code": "", "clause_sha256": "a" * 64, "text": "清楚，我知道的",
                       "confidence": 0.93, "start_ms": 12_000, "end_ms": 13_500}),
    Draft("asked", {"clause": "B11", "item": True, "form": "full", "sha256": "c" * 64,
                    "text": "犹豫期从您签收合同的次日起共十五天，您清楚吗？", "source": "2010§15"}),
)  # fmt: skip
STATE = {"phase": "items", "items": [f"B{n}" for n in range(15)], "index": 7, "retries": 0}


def commits(store: Store, callback: str) -> list[float]:
    """Milliseconds of each of many turns: three events and a snapshot."""
    times = []
    for n in range(SINGLE):
        begin = time.perf_counter()
        store.append(callback, TURN, wall=NOW, mono_ms=n, generation=1, snapshot=STATE)
        times.append((time.perf_counter() - begin) * 1000)
    return times


def percentile(times: Sequence[float], share: float) -> float:
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))], 2)


def fill(store: Store) -> None:
    """Many callbacks, each written in one commit."""
    for _ in range(CALLBACKS):
        callback = store.create_callback("P1", "zh-2026.1", "chat")
        drafts = [Draft("created", {"policy": "P1", "questionnaire": "zh-2026.1"}), *TURN * TURNS]
        store.append(callback, drafts, wall=NOW, mono_ms=0, generation=1)


def timed_ms(work: Any, repeats: int = 30) -> float:
    """Median milliseconds of `work()`."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 2)


def measure(folder: Path) -> dict[str, Any]:
    with open_store(folder) as store:
        store.save_policies([policy("P1")])
        long = store.create_callback("P1", "zh-2026.1", "chat")
        first = commits(store, long)
        fill(store)
        short = store.create_callback("P1", "zh-2026.1", "chat")
        later = commits(store, short)
        begin = time.perf_counter()
        reports = list(verify_store(store))
        seconds = time.perf_counter() - begin
        events = sum(report.events for report in reports)
        assert all(report.integrity for report in reports)
        size = sum(p.stat().st_size for p in (folder / "data").iterdir())
        return {
            "events": events,
            "callbacks": len(reports),
            "commit_ms": {"p50": percentile(first, 0.5), "p99": percentile(first, 0.99)},
            "commit_ms_when_filled": {
                "p50": percentile(later, 0.5),
                "p99": percentile(later, 0.99),
            },
            "events_per_commit": len(TURN),
            "verified_events_per_s": round(events / seconds),
            "bytes_per_event": round(size / events),
            "page_of_50_callbacks_ms": timed_ms(lambda: store.callbacks(limit=50)),
            "one_callback_with_events_ms": timed_ms(lambda: store.record(long)),
        }


def main() -> None:
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUTPUT.parent) as folder:
        result = measure(Path(folder))
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
