"""The phone line under many calls of pure media: how late frames leave, and what a call costs.

`python -m tests.bench.bench_line [--calls 1,10,50,100] [--seconds 10]`

The server runs in a process of its own with real lines (detector, endpointer, jitter queue,
pacer); recognition and speech are scripted, so that only the line is measured. The callers, in this
process, speak a third of the time. Prints a table and writes build/bench/line.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
from pathlib import Path
from time import monotonic
from uuid import uuid4

import numpy as np

from voice.audiosocket_connection import AudioSocketConnection, Limits
from voice.audiosocket_server import AudioSocketServer
from voice.caller import SimulatedCaller
from voice.frames import FRAME_MS, PHONE_RATE, Hangup, Played, Transcript
from voice.line import Speech
from voice.listening.closed_set import ClosedSet
from voice.listening.stream import OpenSession
from voice.pacing import Pacer
from voice.phone import PhoneLine

OUT = Path("build/bench/line.json")
WARM_UP_S = 2.0


def speechlike(seconds: float, seed: int) -> bytes:
    """Noise in syllables: costs the detector what speech does."""
    n = int(seconds * PHONE_RATE)
    rng = np.random.default_rng(seed)
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * np.arange(n) / PHONE_RATE)
    return bytes((rng.normal(0, 3000, n) * syllables).clip(-32768, 32767).astype("<i2").tobytes())


class Deaf:
    """Recognises nothing, at once."""

    streaming = False

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        raise NotImplementedError

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        return Transcript("", 0.0, 1.0, "none", 0.0)


class Clip:
    def __init__(self, pcm: bytes) -> None:
        self.pcm, self.voice = pcm, "noise"


class Murmur:
    """Every text is the same four seconds."""

    def __init__(self) -> None:
        self._clip = Clip(speechlike(4.0, seed=0))

    async def render(
        self,
        text: str,
        *,
        rate: float = 1.0,
        gain_db: float = 0.0,
        sample_rate: int = 8000,
        urgent: bool = False,
    ) -> Clip:
        return self._clip


class CountingPacer(Pacer):
    """Keeps every lateness, for exact quantiles."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        add = self.lateness.add

        def keep(seconds: float) -> None:
            add(seconds)
            self.late.append(seconds)

        self.lateness.add = keep  # type: ignore[method-assign]


async def serve() -> None:
    """The server's process: talks on every call; "mark" on stdin begins the measurement, its end
    ends it. Tells its port and its figures on stdout."""
    pacer, ears, murmur = CountingPacer(), Deaf(), Murmur()
    failed = 0

    async def on_call(_uuid: str, connection: AudioSocketConnection) -> None:
        nonlocal failed
        line = PhoneLine(connection, ears, murmur, pacer)
        line.say([Speech("0", "", interruptible=False)])
        while not isinstance(event := await line.next(), Hangup):
            if isinstance(event, Played):
                line.say([Speech("0", "", interruptible=False)])
        failed += event.reason not in {"caller", "closed"}

    server = AudioSocketServer(lambda _: True, on_call, port=0, limits=Limits(calls=1000))
    await server.start()
    print(json.dumps({"port": server.port}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before, began = cpu_s(), monotonic()
    pacer.late.clear()
    await asyncio.to_thread(sys.stdin.readline)
    figures = {
        "calls": len(pacer),
        "cpu_s": cpu_s() - before,
        "wall_s": monotonic() - began,
        "late_ms": [float(np.quantile(pacer.late, q)) * 1000 for q in (0.5, 0.99, 1.0)],
        "frames": len(pacer.late),
        "skipped": pacer.skipped,
        "failed": failed,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    await server.close()
    await pacer.close()
    print(json.dumps(figures), flush=True)


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def talk(caller: SimulatedCaller, delay_s: float, speech: bytes) -> None:
    """One second of speech, two of listening, for ever."""
    await asyncio.sleep(delay_s)
    while not caller.closed.is_set():
        await caller.say(speech)
        await asyncio.sleep(2.0)


async def measure(calls: int, seconds: float) -> dict[str, object]:
    """One run: the server's figures, and how evenly frames came in at the callers."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bench_line", "--serve"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert child.stdin is not None and child.stdout is not None
    while not (line := await child.stdout.readline()).startswith(b'{"port"'):
        pass
    port = json.loads(line)["port"]
    callers = [SimulatedCaller() for _ in range(calls)]
    speech = speechlike(1.0, seed=1)
    talks = []
    for n, caller in enumerate(callers):
        await caller.connect("127.0.0.1", port, uuid4())
        talks.append(asyncio.create_task(talk(caller, 3.0 * n / calls, speech)))
    await asyncio.sleep(WARM_UP_S)
    child.stdin.write(b"mark\n")
    await asyncio.sleep(seconds)
    child.stdin.write(b"end\n")
    while not (line := await child.stdout.readline()).startswith(b'{"calls"'):
        pass
    figures: dict[str, object] = json.loads(line)
    for task in talks:
        task.cancel()
    gaps = np.concatenate([np.diff(c.arrivals) for c in callers]) * 1000
    figures["wire_gap_p99_ms"] = float(np.quantile(gaps, 0.99))
    await asyncio.gather(*(c.hangup() for c in callers))
    await child.wait()
    return figures


async def main(counts: list[int], seconds: float) -> list[dict[str, object]]:
    print(
        f"{seconds:.0f} s of sound both ways, {FRAME_MS} ms frames; the callers share the machine"
    )
    print("calls  late p50   p99    max   core/call  frame gap p99  skipped  failed   MB")
    rows = []
    for calls in counts:
        row = await measure(calls, seconds)
        p50, p99, worst = row["late_ms"]  # type: ignore[misc]
        share = 100 * row["cpu_s"] / row["wall_s"] / calls  # type: ignore[operator]
        rows.append({**row, "asked": calls, "core_percent_per_call": share})
        print(
            f"{calls:5d}  {p50:5.1f} ms {p99:5.1f}  {worst:5.1f}  {share:7.2f} %  "
            f"{row['wire_gap_p99_ms']:9.1f} ms  {row['skipped']:7d}  {row['failed']:6d}  "
            f"{row['rss_mb']:4.0f}"
        )
        assert row["calls"] == calls, "calls were lost"
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="1,10,50,100")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve())
    else:
        rows = asyncio.run(main([int(n) for n in args.calls.split(",")], args.seconds))
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(rows, indent=1), encoding="utf-8")
