"""The phone line behind a real Asterisk under SIPp: how late frames leave, what a call costs.

`python -m tests.bench.bench_pbx [--calls 10,25,50,100] [--seconds 15]` (root: Asterisk's chroot)

SIPp places the calls and sends A-law speech as RTP; Asterisk carries them to the bot's line over
AudioSocket. Recognition and speech are scripted as in bench_line. Everything shares this machine.
Prints a table and writes build/bench/pbx.json; line_report makes a page of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from scripts import pbx
from tests.bench.bench_line import WARM_UP_S, speechlike
from tests.pbx.asterisk import Asterisk, free_ports
from voice.telephone import alaw_encode

OUT = Path("build/bench/pbx.json")
SCENARIO = Path(__file__).with_name("sipp_speech.xml")
RATE = 10  # calls a second


async def measure(
    calls: int, seconds: float, exchange: Asterisk, folder: Path
) -> dict[str, object]:
    """One run: the server's figures, and how many calls failed at either end."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bench_line", "--serve"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    while not (line := await child.stdout.readline()).startswith(b'{"port"'):
        pass
    port = json.loads(line)["port"]
    exchange.cli(f"dialplan set global HUIFANG_AUDIO 127.0.0.1:{port}")
    ring_s = calls / RATE
    talk_ms = int((ring_s + WARM_UP_S + seconds + 4) * 1000)
    sipp = await asyncio.create_subprocess_exec(
        "sipp", "-sf", str(SCENARIO), "-s", "803", f"127.0.0.1:{exchange.ports.sip}",
        "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(exchange.ports.trunk),
        "-m", str(calls), "-l", str(calls), "-r", str(RATE), "-d", str(talk_ms),
        "-mp", "30000", "-nostdin", "-timeout", "120",
        cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await asyncio.sleep(ring_s + WARM_UP_S)
    child.stdin.write(b"mark\n")
    await asyncio.sleep(seconds)
    child.stdin.write(b"end\n")
    while not (line := await child.stdout.readline()).startswith(b'{"calls"'):
        pass
    figures: dict[str, object] = json.loads(line)
    await child.wait()
    figures["sipp_status"] = await sipp.wait()
    return figures


async def main(counts: list[int], seconds: float) -> list[dict[str, object]]:
    exchange = Asterisk(free_ports(), {})
    exchange.start()
    rows: list[dict[str, object]] = []
    folder = Path(tempfile.mkdtemp(prefix="huifang-bench-"))
    try:
        (folder / "speech.alaw").write_bytes(alaw_encode(speechlike(3.0, seed=1)))
        print(f"{seconds:.0f} s of speech both ways by SIPp and Asterisk; all share this machine")
        print("calls  late p50   p99    max   core/call  MB/call  failed")
        first_mb = None
        for calls in counts:
            row = await measure(calls, seconds, exchange, folder)
            p50, p99, worst = row["late_ms"]  # type: ignore[misc]
            share = 100 * row["cpu_s"] / row["wall_s"] / calls  # type: ignore[operator]
            mb = float(row["rss_mb"])  # type: ignore[arg-type]
            first_mb = first_mb or (calls, mb)
            more = calls - first_mb[0]
            each = (mb - first_mb[1]) / more if more else 0.0
            failed = calls - int(row["calls"]) + int(row["failed"])  # type: ignore[call-overload]
            rows.append(
                {
                    **row,
                    "asked": calls,
                    "core_percent_per_call": share,
                    "mb_per_call": each,
                    "failed_calls": failed,
                }
            )
            print(
                f"{calls:5d}  {p50:5.1f} ms {p99:5.1f}  {worst:5.1f}  {share:7.2f} %  "
                f"{each:6.2f}  {failed:6d}"
            )
    finally:
        exchange.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="10,25,50,100")
    parser.add_argument("--seconds", type=float, default=15.0)
    args = parser.parse_args()
    if why := (pbx.missing() or ("" if shutil.which("sipp") else "apt-get install sip-tester")):
        sys.exit(f"bench-line: {why}")
    pbx.build()
    found = asyncio.run(main([int(n) for n in args.calls.split(",")], args.seconds))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1), encoding="utf-8")
