"""docs/benchmarks-line.md with its plot, from the figures of bench_pbx and bench_key."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.settings import ROOT

BENCH, DOCS = ROOT / "build" / "bench", ROOT / "docs"
WIDTH, HEIGHT, LEFT, TOP = 640, 300, 50, 20
WANTED_CALLS, WANTED_LATE_MS, WANTED_CORE_PERCENT, WANTED_KEY_MS = 50, 10.0, 0.4, 100.0

Rows = Sequence[Mapping[str, Any]]


def write() -> None:
    """Needs build/bench/pbx.json; key.json as well where it was measured."""
    media: Rows = json.loads((BENCH / "pbx.json").read_text(encoding="utf-8"))
    key = BENCH / "key.json"
    keys: Rows = json.loads(key.read_text(encoding="utf-8")) if key.exists() else []
    (DOCS / "benchmarks-line.md").write_text("\n".join(page(media, keys)), encoding="utf-8")
    (DOCS / "benchmarks-line.svg").write_text(plot(media), encoding="utf-8")


HEAD = """# The phone line under load, measured

Written by `make bench-line`; the raw figures are in `build/bench/pbx.json` and `key.json`.
{cores} cores, {machine}, {seconds:.0f} s for each row.

SIPp places the calls and sends A-law speech; a real Asterisk carries them to the bot's line over
AudioSocket, twenty milliseconds at a time, both ways. Recognition and speech are scripted, so that
only the line is measured. SIPp, Asterisk and the bot share the machine.

| calls | frames late p50 | p99 | longest | a call costs | memory per further call | failed |
|---|---|---|---|---|---|---|"""
KEYS = """## From key 0 to the human queue

The whole bot (real dialogue, real store) behind the same Asterisk; each caller presses 0 at a
moment of its own. By the exchange's clock, from the end of the key to the step of the dialplan that
the bot's Redirect leads to, without the one sentence that the caller hears in between. Wanted at
{calls} calls: p99 ≤ {ms:.0f} ms.

| calls | handed over | the sentence | key to queue without it: p50 | p99 | longest |
|---|---|---|---|---|---|"""


def page(media: Rows, keys: Rows) -> Iterator[str]:
    seconds = media[0]["wall_s"]
    yield HEAD.format(cores=os.cpu_count(), machine=platform.machine(), seconds=seconds)
    for row in media:
        p50, p99, worst = row["late_ms"]
        yield (
            f"| {row['asked']} | {p50:.1f} ms | {p99:.1f} ms | {worst:.1f} ms "
            f"| {row['core_percent_per_call']:.2f} % of a core | {row['mb_per_call']:.2f} MB "
            f"| {row['failed_calls']} |"
        )
    yield (
        f"\nWanted at {WANTED_CALLS} calls: p99 ≤ {WANTED_LATE_MS:.0f} ms, "
        f"≤ {WANTED_CORE_PERCENT} % of a core a call, 0 failed.\n"
    )
    yield "![Lateness of frames](benchmarks-line.svg)\n"
    if not keys:
        return
    yield KEYS.format(calls=WANTED_CALLS, ms=WANTED_KEY_MS)
    for row in keys:
        yield (
            f"| {row['calls']} | {row['handed_over']} | {row['sentence_s']:.1f} s "
            f"| {row['p50_ms']:.0f} ms | {row['p99_ms']:.0f} ms | {row['p100_ms']:.0f} ms |"
        )
    yield ""


def plot(media: Rows) -> str:
    """Lateness of frames (up, p50 and p99) by number of calls (right), as SVG."""
    most_calls = max(row["asked"] for row in media)
    top_ms = max(WANTED_LATE_MS * 1.2, *(row["late_ms"][1] * 1.1 for row in media))

    def x(calls: float) -> float:
        return LEFT + calls / most_calls * (WIDTH - LEFT)

    def y(ms: float) -> float:
        return HEIGHT - ms / top_ms * (HEIGHT - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 20} {HEIGHT + 50}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH + 20}" height="{HEIGHT + 50}" fill="white"/>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT}H{WIDTH}" stroke="#888" fill="none"/>',
        f'<path d="M{LEFT} {y(WANTED_LATE_MS):.0f}H{WIDTH}" stroke="#888" stroke-dasharray="2 4"/>',
        f'<text x="{LEFT + 6}" y="{y(WANTED_LATE_MS) - 4:.0f}">wanted: p99 at most here</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 38}">calls at once</text>',
        f'<text x="{LEFT}" y="{TOP - 6}">frames late, ms</text>',
    ]
    for ms in range(0, int(top_ms) + 1, max(1, int(top_ms / 6))):
        parts.append(f'<text x="{LEFT - 6}" y="{y(ms) + 4:.0f}" text-anchor="end">{ms}</text>')
    for row in media:
        at = x(row["asked"])
        parts.append(
            f'<text x="{at:.0f}" y="{HEIGHT + 18}" text-anchor="middle">{row["asked"]}</text>'
        )
    for which, name, colour in ((0, "p50", "#0072b2"), (1, "p99", "#d55e00")):
        points = " ".join(f"{x(r['asked']):.1f},{y(r['late_ms'][which]):.1f}" for r in media)
        last = media[-1]["late_ms"][which]
        parts.append(
            f'<polyline points="{points}" stroke="{colour}" stroke-width="2" fill="none"/>'
        )
        parts.append(f'<text x="{WIDTH - 30}" y="{y(last) - 6:.0f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    write()
