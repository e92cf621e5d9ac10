"""What speaking costs: `python -m tests.bench.bench_speak` writes build/bench/speak.json.

Real Kokoro and real pyttsx3, each with an empty cache. Times are wall clock and move with what else
the machine does; CPU seconds move less.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from voice.speaking import open_speaker

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "speak.json"
CLAUSES = (
    "好的。",
    "现在方便接听吗？",
    "您随时可以说转人工，或者按0，由人工客服为您办理。",
    "您的交费方式是年交，每年交12500元，共交10年，您清楚吗？",
    "犹豫期从您签收合同的次日起共15天，到2026年4月2日止。您清楚吗？",
)


async def measure(engine: Literal["kokoro", "pyttsx3"]) -> dict[str, Any]:
    """Cold start, synthesis, and delivery from the cache of one engine."""
    with tempfile.TemporaryDirectory() as cache:
        speaker = open_speaker(ROOT / "models", Path(cache), engine)
        began = time.perf_counter()
        await speaker.start()
        start_s = time.perf_counter() - began
        try:
            spoken = [await speaker.render(text) for text in CLAUSES]
            disk = [await speaker.render(text, rate=0.8) for text in CLAUSES]
            memory = [await speaker.render(text, rate=0.8) for text in CLAUSES]
        finally:
            await speaker.close()
    seconds = sum(clip.seconds for clip in spoken)
    return {
        "voice": speaker.name,
        "start_s": round(start_s, 2),
        "rtf": round(sum(clip.ms for clip in spoken) / 1000 / seconds, 3),
        "cpu_per_second_of_speech": round(sum(clip.cpu_s for clip in spoken) / seconds, 3),
        "first_clause_ms": round(spoken[0].ms, 1),
        "from_disk_stretched_ms": round(statistics.median(clip.ms for clip in disk), 2),
        "from_memory_ms": round(statistics.median(clip.ms for clip in memory), 3),
        "seconds_of_speech": round(seconds, 1),
    }


async def main() -> None:
    load = os.getloadavg()[0]
    results = [await measure("kokoro"), await measure("pyttsx3")]
    report = {"cores": os.cpu_count(), "load_before": round(load, 2), "engines": results}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2)
    OUTPUT.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    asyncio.run(main())
