"""From key 0 to a human: `python -m tests.bench.bench_key [--calls 1,10,50]` (root: Asterisk).

The whole bot behind a real Asterisk. SIPp places the calls, all at the same time, and each caller
presses 0 at a moment of its own while the bot speaks. Measured by the exchange's own clock: from
the end of the key to the step of the dialplan that the bot's Redirect leads to. The one sentence in
between, which the caller has to hear, is taken off at the length it had in the recording. Prints a
table and writes build/bench/key.json.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot import logs
from bot.cli.importing import import_policies
from bot.evidence.ledger import Event
from bot.house import House, running
from bot.settings import ROOT, Settings
from scripts import pbx
from tests.pbx.asterisk import NUMBER, SECRET, Asterisk, free_ports
from tests.pbx.stage import start_exchange
from voice.ami import Message
from voice.ami_client import AmiClient
from voice.pbx_events import VARIABLE

OUT = Path("build/bench/key.json")
SCENARIO = Path(__file__).with_name("sipp_key.xml")
RATE = 10  # calls a second
HUMAN = "huifang-human"


class Watch:
    """What the exchange tells of keys and of the queue, by its own clock."""

    def __init__(self) -> None:
        self._keys: dict[str, float] = {}  # channel → end of its key
        self.calls: dict[str, float] = {}  # UUID → seconds from key to queue
        self._uuids: dict[str, str] = {}

    def take(self, message: Message) -> None:
        channel, at = message.get("Channel"), float(message.get("Timestamp") or 0)
        match message.event:
            case "VarSet" if message.get("Variable").lstrip("_") == VARIABLE:
                self._uuids[channel] = message.get("Value")
            case "DTMFEnd" if message.get("Direction") == "Received":
                self._keys.setdefault(channel, at)
            case "Newexten" if message.get("Context") == HUMAN and channel in self._keys:
                self.calls.setdefault(self._uuids.get(channel, channel), at - self._keys[channel])


def policies(data: Path, count: int) -> list[str]:
    """So many policies with a number each. Returns the numbers."""
    with (ROOT / "examples" / "policies.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    numbers = [f"139{n:08}" for n in range(count)]
    with (data / "policies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        writer.writeheader()
        for n, number in enumerate(numbers):
            writer.writerow({**row, "number": f"{n:08}{row['number'][-4:]}", "phone": number})
    return numbers


def sentences(events: list[Event]) -> Iterator[float]:
    """Seconds that the sentence between key and queue took, by callback."""
    for at, event in enumerate(events):
        if event.kind == "handed_over":
            said = [e for e in events[at:] if e.callback == event.callback and e.kind == "played"]
            yield (
                sum(e.body["end_ms"] - e.body["start_ms"] for e in said if e.body["complete"]) / 1e3
            )


async def measure(
    calls: int, numbers: list[str], house: House, exchange: Asterisk, folder: Path
) -> dict[str, float]:
    watch, events = Watch(), list[Event]()
    house.listeners.append(events.append)
    rows = "".join(f"{number};\n" for number in numbers[:calls])
    (folder / "callers.csv").write_text("SEQUENTIAL\n" + rows, encoding="ascii")
    observer = AmiClient(
        "127.0.0.1", exchange.ports.ami, user="huifang", secret=SECRET, on_event=watch.take
    )
    async with observer:
        assert await observer.wait_up(10), observer.refusal
        sipp = await asyncio.create_subprocess_exec(
            "sipp", "-sf", str(SCENARIO), "-s", NUMBER, f"127.0.0.1:{exchange.ports.sip}",
            "-inf", "callers.csv", "-i", "127.0.0.1", "-mi", "127.0.0.1",
            "-p", str(exchange.ports.trunk), "-m", str(calls), "-l", str(calls), "-r", str(RATE),
            "-mp", "30000", "-nostdin", "-timeout", "90",
            cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await sipp.wait()
    house.listeners.remove(events.append)
    redirected = [e for e in events if e.kind == "handed_over"]
    spoken = sorted(sentences(events))
    own = sorted(1000 * seconds for seconds in _own(watch, events, house))
    return {
        "calls": calls,
        "handed_over": len(redirected),
        "seen": len(own),
        "sentence_s": round(float(np.median(spoken or [0.0])), 2),
        **{f"p{q}_ms": round(float(np.quantile(own or [0.0], q / 100)), 1) for q in (50, 99, 100)},
    }


def _own(watch: Watch, events: list[Event], house: House) -> Iterator[float]:
    """Seconds from key to queue without the sentence, for each call that was seen whole."""
    for uuid, seconds in watch.calls.items():
        callback = house.switchboard.callback_of(uuid)
        mine = [e for e in events if e.callback == callback]
        for spoken in sentences(mine):
            yield seconds - spoken


async def main(counts: list[int]) -> list[dict[str, float]]:
    ports, rows = free_ports(), list[dict[str, float]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        numbers = policies(data, sum(counts))
        settings = Settings(
            data=data, audiosocket_port=0, telephony_port=0, web_port=0, voice="pyttsx3",
            ami_port=ports.ami, ami_secret=SECRET, max_calls=max(counts),
        )  # fmt: skip
        import_policies(settings, data / "policies.csv")
        async with running(settings) as house:
            first = house.store.policies(limit=1)[0]
            await house.speaker.prepare(house.callbacks.sentences(first))
            await house.speaker.prepare(house.callbacks.contingencies(first))
            exchange = start_exchange(ports, house.audiosocket_port, house.telephony_port)
            try:
                print("calls  handed over  sentence   key to queue without it: p50, p99, max")
                for calls in counts:
                    row = await measure(calls, numbers, house, exchange, folder)
                    numbers = numbers[calls:]
                    rows.append(row)
                    print(
                        f"{calls:5d}  {row['handed_over']:11d}  {row['sentence_s']:6.2f} s   "
                        f"{row['p50_ms']:6.1f} {row['p99_ms']:6.1f} {row['p100_ms']:6.1f} ms"
                    )
            finally:
                exchange.stop()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="1,10,50")
    args = parser.parse_args()
    if why := (pbx.missing() or ("" if shutil.which("sipp") else "apt-get install sip-tester")):
        sys.exit(f"bench-key: {why}")
    pbx.build()
    logs.configure("WARNING")
    found = asyncio.run(main([int(n) for n in args.calls.split(",")]))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1), encoding="utf-8")
