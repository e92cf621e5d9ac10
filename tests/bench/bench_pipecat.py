"""Beside pipecat: `python -m tests.bench.bench_pipecat` (make bench-pipecat) writes
build/bench/pipecat.json and docs/pipecat.md.

One run, one machine: the same questions in the same clips, the same callers over the same TCP, the
same Whisper files; first our whole bot, then pipecat with its defaults, then pipecat tuned by hand
(see `pipecat_house`). Gaps are read from the callers' stereo recordings, of the answers that were
heard; the others are counted as lost. What pipecat leaves out here (deciding what an answer means,
evidence, the law's clauses) costs it nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot import logs
from bot.settings import ROOT
from tests.bench import voice_caller
from tests.bench.bench_voice import OUT, prepare, quantiles, stage, voices
from tests.bench.voice_caller import Talker
from tests.bench.voice_process import running
from voice.listening import whisper_files

PYTHON = ROOT / "build" / "pipecat-env" / "bin" / "python"
MODEL = ROOT / "models" / "whisper-base"
KINDS = ("ours", "default", "tuned")
CALLS = {"ours": (1, 10, 20), "default": (1, 10), "tuned": (1, 10, 20)}
SECONDS = {1: 90.0, 10: 60.0, 20: 60.0}


def judge(talkers: Sequence[Talker], figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of one stage from its recordings."""
    gaps = [
        gap
        for talker in talkers
        for mark, gap in voice_caller.gaps_ms(talker)
        if voice_caller.covering(talker, mark)
    ]
    said, lost, doubled = np.sum([voice_caller.lost_and_doubled(t) for t in talkers], axis=0)
    found = {"answers": int(said), "lost": int(lost), "doubled": int(doubled)}
    return {**figures, "gap_ms": quantiles(gaps), **found}


async def measure(calls: Sequence[int], seconds: float | None) -> dict[str, Any]:
    """All stages; `seconds` of each, where not as long as they ought to be."""
    clips = (await voices()).wire
    whisper_files.assemble(MODEL)
    report: dict[str, Any] = {"cores": os.cpu_count(), "stages": []}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), calls)
        script = Path(folder) / "script.pickle"
        for kind in KINDS:
            command: list[str | Path]
            if kind == "ours":
                command = [sys.executable, "-m", "tests.bench.voice_house", folder, script]
            else:
                command = [PYTHON, "-m", "tests.bench.pipecat_house", kind, script, MODEL]
            async with running(OUT / f"house-{kind}.log", *command) as house:
                port = (await house.opened())["port"]
                for n in (n for n in CALLS[kind] if n in calls):
                    long = seconds or SECONDS[n]
                    talkers, figures = await stage(
                        house, port, n, long, mixed=False, clips=clips, interrupts=False
                    )
                    report["stages"].append({"kind": kind, **judge(talkers, figures)})
                    print(json.dumps(report["stages"][-1]), flush=True)
    report["seconds"] = round(time.monotonic() - began)
    return report


NAMES = {"ours": "Huifang", "default": "pipecat, defaults", "tuned": "pipecat, tuned"}
INTRO = """# Beside pipecat

Written by `make bench-pipecat`; the raw figures are in `build/bench/pipecat.json`. The same
dialogue built with [pipecat](https://github.com/pipecat-ai/pipecat) (the version in
`requirements/pipecat.txt`, in an environment of its own): the same questions in the very clips
that our bot plays, the same synthetic callers over the same TCP at real-time pace, the same Whisper
base files with int8 arithmetic, one after the other in one run. Gaps are read from the callers'
stereo recordings, of answers that were heard; the others are counted as lost. Heard is what came
out as text or, with our bot, as syllables that spell a known answer.

Defaults: Silero, smart turn, pipecat's own service for faster-whisper, a model per call. Tuned by
hand: a model shared by all calls, an encoder window of 10 s, one beam, no turn detection (the turn
ends with the text that follows 200 ms of silence, so slow speakers are cut off). The pipecat bot
takes any text for an answer: it neither decides what was meant nor keeps a record, which our bot
does within the gap and the CPU time given here. What it loses are short answers that its voice
detector, which wants 200 ms of speech before anything counts, never reports; after 5 s the question
is asked again.
"""


def page(report: Mapping[str, Any]) -> Iterator[str]:
    yield INTRO
    yield f"{report['cores']} cores, the whole run {report['seconds']} s.\n"
    yield (
        "| calls at once | bot | gap p50 | gap p95 | CPU seconds per call-minute | "
        "answers per call-minute | lost / doubled / of | memory | load |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    stages = sorted(report["stages"], key=lambda s: s["calls"])
    for s in stages:
        p50, p95 = (f"{s['gap_ms'].get(q, '–')} ms" for q in ("p50", "p95"))
        cells = (
            s["calls"], NAMES[s["kind"]], p50, p95, s["cpu_s_per_call_minute"],
            s["answers_per_call_minute"], f"{s['lost']} / {s['doubled']} / {s['answers']}",
            f"{s['rss_mb']} MB", s["load"],
        )  # fmt: skip
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield "\npipecat's figures divided by ours:\n"
    yield "| calls at once | bot | gap p50 | gap p95 | CPU | CPU per answer |"
    yield "|---|---|---|---|---|---|"
    ours = {s["calls"]: s for s in stages if s["kind"] == "ours"}
    for s in stages:
        if s["kind"] != "ours" and s["calls"] in ours:
            ratios = " | ".join(_ratios(s, ours[s["calls"]]))
            yield f"| {s['calls']} | {NAMES[s['kind']]} | {ratios} |"


def _ratios(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    for quantile in ("p50", "p95"):
        yield _ratio(theirs["gap_ms"].get(quantile), ours["gap_ms"].get(quantile))
    cpu, answers = "cpu_s_per_call_minute", "answers_per_call_minute"
    yield _ratio(theirs[cpu], ours[cpu])
    # × the other's answers instead of ÷ its own: a bot that answered nothing has no quotient
    yield _ratio(theirs[cpu] * ours[answers], ours[cpu] * theirs[answers])


def _ratio(theirs: float | None, ours: float | None) -> str:
    return f"{theirs / ours:.1f}" if theirs is not None and ours else "–"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="1,10,20", help="stages to run")
    parser.add_argument("--seconds", type=float, help="of each stage; for a try")
    wanted = parser.parse_args()
    logs.configure("ERROR")
    numbers = [int(n) for n in wanted.calls.split(",")]
    result = asyncio.run(measure(numbers, wanted.seconds))
    (OUT / "pipecat.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    if wanted.seconds is None and len(numbers) == len(SECONDS):  # a try is nothing to publish
        (ROOT / "docs" / "pipecat.md").write_text("\n".join(page(result)) + "\n", encoding="utf-8")
