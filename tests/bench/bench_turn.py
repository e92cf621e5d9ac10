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
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
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

# The three made-up items that stock Rasa has from actions/sample.py.
ITEMS = (
    Item("B1", severe=True, code="P02_NOT_PURCHASED"),
    Item("B9", code="P08_COOLING_OFF"),
    Item("NT2", expect="no", severe=True, code="P13_MISSELLING"),
)
OPENING = ("可以，你说吧", "是我本人", "一九五四年三月八号", "/identity_ok")
TYPICAL = (*OPENING, "是的，是我买的", "什么意思啊", "清楚了", "没有人说过", "没有了")
# Digressions, and "no" to the human that is offered after nine of them: never ends before 110.
STUBBORN = ("再说一遍", "说慢一点", "大声一点") * 3 + ("不用了",)
LONG = tuple(islice((m for part in ([OPENING], cycle([STUBBORN])) for p in part for m in p), 104))
EARLY, LATE = slice(3, 8), slice(98, 103)  # around turn 5 and turn 100, counted from 1

Talk = Callable[[tuple[str, ...]], Awaitable[list[float]]]


@dataclass
class Times:
    """Milliseconds of turns."""

    typical: list[float] = field(default_factory=list)
    turn5: list[float] = field(default_factory=list)
    turn100: list[float] = field(default_factory=list)

    async def add(self, talk: Talk, *, long: bool) -> None:
        if not long:
            self.typical += await talk(TYPICAL)
            return
        ms = await talk(LONG)
        self.turn5 += ms[EARLY]
        self.turn100 += ms[LATE]

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


class Ours:
    """Our worker; keeps what it measured of itself beside."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.inside: list[float] = []

    async def talk(self, messages: tuple[str, ...]) -> list[float]:
        moved = await self._dialogue.begin(Start(ITEMS))
        times, self.inside = [], []
        for message in messages:
            turn = turn_of(moved.state, message)
            began = time.perf_counter()
            moved = await self._dialogue.turn(turn)
            times.append((time.perf_counter() - began) * 1000)
            self.inside.append(moved.ms)
        return times

    async def talk_inside(self, messages: tuple[str, ...]) -> list[float]:
        """The same, as the worker measures it."""
        await self.talk(messages)
        return self.inside


def turn_of(state: State, message: str) -> Turn:
    if message.startswith("/"):
        return Turn(state, event=message[1:])
    return Turn(state, message, via="text")


def stock_talk(server: StockRasa, names: Iterator[int]) -> Talk:
    async def talk(messages: tuple[str, ...]) -> list[float]:
        sender = f"caller-{next(names)}"
        await server.say(sender, "/start")
        times = []
        for message in messages:
            began = time.perf_counter()
            await server.say(sender, message)
            times.append((time.perf_counter() - began) * 1000)
        return times

    return talk


async def measure(dialogue: Dialogue, server: StockRasa) -> dict[str, dict[str, float]]:
    ours, stock = Ours(dialogue), stock_talk(server, iter(range(1_000_000)))
    times = {"ours": Times(), "in worker": Times(), "stock": Times()}
    await ours.talk(TYPICAL)
    await stock(TYPICAL)  # neither is measured cold
    for long, rounds in ((False, ROUNDS), (True, LONG_ROUNDS)):
        for number in range(rounds):
            print(
                f"\r{'long' if long else 'typical'} {number + 1}/{rounds}   ",
                end="",
                file=sys.stderr,
            )
            await times["stock"].add(stock, long=long)
            # Ours is quicker; more of it makes its tail worth reading.
            for _ in range(1 if long else 4):
                await times["ours"].add(ours.talk, long=long)
                await times["in worker"].add(ours.talk_inside, long=long)
    print("\r", end="", file=sys.stderr)
    return {name: measured.summary() for name, measured in times.items()}


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
