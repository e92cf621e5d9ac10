"""What one turn of dialogue costs, beside stock Rasa: `python -m tests.bench.bench_turn`.

Both hold the same conversations with the same model, taking turns on the same machine, so that a
busy moment hits both. Stock: `rasa run` (REST on loopback, in-memory tracker) with `rasa run
actions`. Ours: one worker behind `bot.dialogue.client`. Times are what the application sees, from
sending a message to having the acts; `in worker` is ours without the socket.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.dialogue.client import Dialogue
from bot.dialogue.protocol import Item, Start, State, Turn
from bot.settings import ROOT, Settings
from tests.bench.stock_rasa import StockRasa, stock_rasa

OUT = ROOT / "build" / "bench" / "turn.json"
ROUNDS = 12  # typical conversations of each
LONG_ROUNDS = 3  # conversations of more than 100 turns of each
OURS_PER_STOCK = 5  # ours is quicker; more of it makes its tail worth reading

# The three made-up items that stock Rasa has from actions/sample.py.
ITEMS = (
    Item("B1", severe=True, code="P02_NOT_PURCHASED"),
    Item("B9", code="P08_COOLING_OFF"),
    Item("NT2", expect="no", severe=True, code="P13_MISSELLING"),
)
OPENING = ("方便", "是我", "一九五四年三月八号", "/identity_ok")
TYPICAL = (*OPENING, "是的，是我买的", "什么意思啊", "清楚了", "没有人说过", "没有了")
# More than 100 turns over three items: the bot offers a human after nine digressions, and gives a
# question up after two refused offers.
ASIDES = ("再说一遍", "说慢一点", "大声一点") * 3
STUBBORN = (*ASIDES, "不用了") * 2
LONG = (
    *OPENING,
    *(*STUBBORN, *ASIDES[:8], "是的，是我买的"),
    *(*STUBBORN, *ASIDES[:8], "清楚了"),
    *(*STUBBORN, *ASIDES[:8], "没有人说过"),
    *STUBBORN,
)[:104]
EARLY, LATE = slice(4, 9), slice(99, 104)  # from turn 5 on and from turn 100 on


@dataclass
class Times:
    """Milliseconds of turns."""

    typical: list[float] = field(default_factory=list)
    turn5: list[float] = field(default_factory=list)
    turn100: list[float] = field(default_factory=list)

    def add(self, ms: list[float], *, long: bool) -> None:
        if long:
            self.turn5 += ms[EARLY]
            self.turn100 += ms[LATE]
        else:
            self.typical += ms

    def summary(self) -> dict[str, float]:
        ordered = sorted(self.typical)
        return {
            "turns": len(ordered),
            "p50_ms": round(statistics.median(ordered), 2),
            "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
            "turn5_ms": round(statistics.median(self.turn5), 2),
            "turn100_ms": round(statistics.median(self.turn100), 2),
            "growth": round(statistics.median(self.turn100) / statistics.median(self.turn5), 2),
        }


class Silent(RuntimeError):
    """The bot had nothing to say: the conversations measured are not the ones that were meant."""


async def our_talk(
    dialogue: Dialogue, messages: tuple[str, ...]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each turn, as the application and as the worker sees it."""
    moved = await dialogue.begin(Start(ITEMS))
    seen, inside = [], []
    for message in messages:
        turn = turn_of(moved.state, message)
        began = time.perf_counter()
        moved = await dialogue.turn(turn)
        seen.append((time.perf_counter() - began) * 1000)
        inside.append(moved.ms)
        if not moved.acts:
            raise Silent(message)
    return seen, inside


def turn_of(state: State, message: str) -> Turn:
    if message.startswith("/"):
        return Turn(state, event=message[1:])
    return Turn(state, message, via="text")


async def stock_talk(server: StockRasa, messages: tuple[str, ...]) -> list[float]:
    sender = uuid.uuid4().hex
    await server.say(sender, "/start")
    times = []
    for message in messages:
        began = time.perf_counter()
        sent = await server.say(sender, message)
        times.append((time.perf_counter() - began) * 1000)
        if not sent:
            raise Silent(message)
    return times


async def measure(dialogue: Dialogue, server: StockRasa) -> dict[str, dict[str, float]]:
    ours, inside, stock = Times(), Times(), Times()
    await our_talk(dialogue, TYPICAL)
    await stock_talk(server, TYPICAL)  # neither is measured cold
    for long, rounds in ((False, ROUNDS), (True, LONG_ROUNDS)):
        messages = LONG if long else TYPICAL
        for number in range(rounds):
            progress = f"{'long' if long else 'typical'} {number + 1}/{rounds}"
            print(f"\r{progress:16}", end="", file=sys.stderr)
            stock.add(await stock_talk(server, messages), long=long)
            for _ in range(OURS_PER_STOCK):
                seen, within = await our_talk(dialogue, messages)
                ours.add(seen, long=long)
                inside.add(within, long=long)
    print("\r", end="", file=sys.stderr)
    named = {"ours": ours, "in worker": inside, "stock": stock}
    return {name: times.summary() for name, times in named.items()}


def report(results: dict[str, dict[str, float]]) -> dict[str, object]:
    inside, ours, stock = (results[name] for name in ("in worker", "ours", "stock"))
    ratio = round(stock["p50_ms"] / ours["p50_ms"], 1)
    expected = {
        "in worker p50 ≤ 10 ms": inside["p50_ms"] <= 10,
        "in worker p99 ≤ 25 ms": inside["p99_ms"] <= 25,
        "turn 100 ≤ 1.3 × turn 5": inside["growth"] <= 1.3,
        "stock ≥ 6 × ours": ratio >= 6,
    }
    table = Table(title="One turn of dialogue (ms)")
    for heading in ("", "turns", "p50", "p99", "turn 5", "turn 100", "turn 100 / turn 5"):
        table.add_column(heading, justify="right")
    for name, result in results.items():
        table.add_row(name, *(f"{value:g}" for value in result.values()))
    console = Console()
    console.print(table)
    console.print(f"stock / ours at p50: {ratio}")
    for what, met in expected.items():
        console.print(f"{'met   ' if met else 'MISSED'} {what}")
    return {"results": results, "ratio_p50": ratio, "expected": expected}


async def main() -> None:
    settings = Settings()
    model = settings.models / "huifang.tar.gz"
    rasa = settings.rasa_python.with_name("rasa")
    print("starting stock Rasa and our worker …", file=sys.stderr)
    dialogue = Dialogue(settings.rasa_python, model, ROOT, workers=1)
    async with stock_rasa(rasa, model, ROOT) as server:
        await dialogue.start()
        try:
            results = await measure(dialogue, server)
        finally:
            await dialogue.close()
    save(report(results), OUT)


def save(outcome: dict[str, object], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    asyncio.run(main())
