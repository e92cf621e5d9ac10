"""How the bot talks: `python -m tests.bench.bench_voice` writes build/bench/voice.json.

Real calls over TCP at real-time pace: the whole bot in a process of its own, callers here with
synthetic voices through the telephone band. Gaps are read from the callers' stereo recordings, so
they are what a caller hears. In the calls marked "mixed" some turns end by the plain hangover of
600 ms, as they did before turns ended by their words: same run, same machine, same minute.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import os
import pickle
import re
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot import logs
from bot.settings import ROOT
from tests.bench import voice_caller, voice_listening, voice_noises, voice_report
from tests.bench.bench_listen import CALLERS, Said, speak
from tests.bench.ears import ears
from tests.bench.voice_caller import Talker
from tests.bench.voice_process import House, running, usage
from voice.dsp import pcm_from, samples_from
from voice.frames import PHONE_RATE
from voice.speaking import open_speaker
from voice.speaking.stretch import stretch
from voice.telephone import through_telephone

OUT = ROOT / "build" / "bench"
POLICY = "902626001083"  # of examples/policies.csv; the others are copies with its last four digits
CALLER_RATE = 1.25
WARM_UP_S = 14.0  # the opening
EVERY_S = 9.0  # between the answers of one caller where there are many
AGAIN_S = 2.0  # between two calls of one caller: who was refused does not storm the house
STAGES = ((1, 300.0, True), (20, 75.0, True), (40, 60.0, False))
"""Calls at once, seconds, and whether every other answer ends by the plain hangover. One call alone
gives few answers: it takes five minutes for thirty."""


async def stage(
    house: House,
    port: int,
    calls: int,
    seconds: float,
    mixed: bool,
    clips: Sequence[Mapping[str, bytes]],
    interrupts: bool = True,
) -> tuple[list[Talker], dict[str, Any]]:
    """So many calls at once, for so long; every fifth of 20 callers interrupts, if any shall."""
    house.tell(plain=None if mixed and calls > 1 else False)
    talkers: list[Talker] = []

    async def call(n: int) -> None:
        """One after the other, where there is but one caller."""
        while True:
            number = f"{calls:04}{len(talkers):04}{POLICY[-4:]}"
            placed = await house.place(number)
            clip = clips[len(talkers) % len(clips)]  # who calls again does so in another voice
            talker = Talker(placed["callback"], clip, seed=len(talkers))
            talkers.append(talker)
            talker.plain = mixed and calls > 1 and n % 2 == 1
            talker.interrupts = interrupts and calls == 20 and n % 5 == 0
            talker.every_s = EVERY_S if calls > 1 else 0.0
            house.talkers[placed["callback"]] = talker
            await talker.caller.connect("127.0.0.1", port, placed["uuid"])
            talk = asyncio.create_task(talker.talk())
            closed = asyncio.create_task(talker.caller.closed.wait())
            try:
                await asyncio.wait({talk, closed}, return_when=asyncio.FIRST_COMPLETED)
                if talk.done():
                    talk.result()  # it ends by an error only
            finally:
                talk.cancel()
                closed.cancel()
            await asyncio.sleep(AGAIN_S)

    tasks = []
    for n in range(calls):
        tasks.append(asyncio.create_task(call(n)))
        await asyncio.sleep(min(0.5, EVERY_S / calls))  # nobody waits for another's answer
    if mixed and calls == 1:
        tasks.append(asyncio.create_task(_alternate(house, talkers)))
    await asyncio.sleep(WARM_UP_S)
    cpu, _ = usage(house.process.pid)
    answers, began = _answers(talkers), time.monotonic()
    await asyncio.sleep(seconds - WARM_UP_S)
    used, rss = usage(house.process.pid)
    minutes = (time.monotonic() - began) / 60 * calls
    figures = {
        "calls": calls,
        "cpu_s_per_call_minute": round((used - cpu) / minutes, 2),
        "answers_per_call_minute": round((_answers(talkers) - answers) / minutes, 2),
        "rss_mb": round(rss),
        "load": round(os.getloadavg()[0], 1),
    }
    for task in tasks:
        if task.done():
            task.result()  # a caller that fell silent measures nothing
        task.cancel()
    for talker in talkers:
        await talker.caller.hangup()
    return talkers, figures


async def _alternate(house: House, talkers: Sequence[Talker]) -> None:
    """One call: every third turn by the hangover."""
    known = 0
    while True:
        answers = _answers(talkers)
        if answers != known:
            known = answers
            await asyncio.sleep(1.5)  # until this turn has surely ended
            plain = known % 3 == 2
            for talker in talkers:
                talker.plain = plain
            house.tell(plain=plain)
        await asyncio.sleep(0.05)


def _answers(talkers: Iterable[Talker]) -> int:
    return sum(m.kind == "answer" for t in talkers for m in t.marks)


def quantiles(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"n": 0}
    p50, p95 = np.percentile(values, [50, 95])
    return {
        "n": len(values),
        "p50": round(float(p50)),
        "p95": round(float(p95)),
        "max": max(values),
    }


def judge(talkers: Sequence[Talker], figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of one stage from its recordings."""
    gaps = [pair for talker in talkers for pair in voice_caller.gaps_ms(talker)]
    said, lost, doubled = np.sum([voice_caller.lost_and_doubled(t) for t in talkers], axis=0)
    return {
        **figures,
        "gap_ms": quantiles([gap for mark, gap in gaps if not mark.plain]),
        "gap_ms_hangover": quantiles([gap for mark, gap in gaps if mark.plain]),
        "gaps_ms": sorted(gap for mark, gap in gaps if not mark.plain),
        "gaps_ms_hangover": sorted(gap for mark, gap in gaps if mark.plain),
        "answers": int(said),
        "lost": int(lost),
        "doubled": int(doubled),
        "barge_in_ms": quantiles([ms for t in talkers for ms in voice_caller.stops_ms(t)]),
        "key_ms": quantiles([ms for t in talkers for ms in voice_caller.key_ms(t)]),
    }


def lateness(telephony: int) -> dict[str, float]:
    """The pacer's histogram so far: cumulative counts by upper bound in seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{telephony}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = re.findall(r'huifang_frame_lateness_seconds_bucket{le="([^"]+)"} (\S+)', text)
    return {bound: float(count) for bound, count in found}


def late_p99_ms(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The upper bound of the bucket in which the 99th percentile lies."""
    counts = {bound: after[bound] - before[bound] for bound in after}
    needed = 0.99 * counts["+Inf"]
    bound = next(bound for bound, count in counts.items() if count >= needed)
    return float(bound) * 1000


@dataclass(frozen=True, slots=True)
class Callers:
    """What callers say."""

    wire: Sequence[Mapping[str, bytes]]  # by voice, answers for the wire
    pieces: Mapping[str, bytes]  # of slow numbers
    numbers: Sequence[Mapping[str, bytes]]  # by voice, whole numbers
    answers: Sequence[Said]  # for the Whisper path


async def voices() -> Callers:
    """Kept as they are, since even to look into the speech cache an engine has to start."""
    texts = [*voice_listening.PIECES, *voice_listening.NUMBERS]
    name = hashlib.sha256(" ".join(texts).encode()).hexdigest()[:8]
    kept = OUT / f"callers-{name}.pickle"
    if not kept.exists():
        answers = await speak(OUT / "speech")
        spoken = [await _numbers(voice, texts) for voice in CALLERS]
        kept.write_bytes(pickle.dumps((answers, spoken)))
    answers, spoken = pickle.loads(kept.read_bytes())
    share = len(answers) // len(CALLERS)
    by_voice = [answers[n * share : (n + 1) * share] for n in range(len(CALLERS))]
    quick = [{text: _quick(pcm) for text, pcm in voice.items()} for voice in spoken]
    wire = [{said.text: _quick(said.pcm) for said in some} for some in by_voice]
    return Callers(wire, quick[0], quick, answers)


async def _numbers(voice: str, texts: Sequence[str]) -> dict[str, bytes]:
    speaker = open_speaker(ROOT / "models", OUT / "speech", "kokoro", voice=voice)
    await speaker.start()
    try:
        return {text: (await speaker.render(text)).pcm for text in texts}
    finally:
        await speaker.close()


def _quick(pcm: bytes) -> bytes:
    """At the pace of people, through the telephone."""
    faster = pcm_from(stretch(samples_from(pcm), PHONE_RATE, CALLER_RATE))
    return through_telephone(faster, PHONE_RATE)


def prepare(data: Path, stages: Iterable[int]) -> None:
    """One policy per call, all with the same words, so that only the first has to be spoken."""
    cache = ROOT / "build" / "test-cache"
    cache.mkdir(parents=True, exist_ok=True)
    (data / "cache").symlink_to(cache)
    with (ROOT / "examples" / "policies.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(r for r in rows if r["number"] == POLICY)
    with (data / "policies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        writer.writeheader()
        for calls in stages:
            for n in range(max(calls, 4) * 4):  # a caller may call again
                writer.writerow({**row, "number": f"{calls:04}{n:04}{POLICY[-4:]}"})


async def main(stages: Sequence[tuple[int, float, bool]]) -> dict[str, Any]:
    began = time.monotonic()
    callers = await voices()
    report: dict[str, Any] = {"cores": os.cpu_count(), "stages": []}
    if stages:
        report |= await calls(stages, callers.wire)
    model = ears(threads=2)
    report["slow_answers"] = await voice_listening.slow(callers.pieces, model)
    report["noises"] = await voice_noises.barge_in(callers.answers)
    report["unhurried"] = voice_listening.unhurried(callers.answers, model)
    report["numbers"] = voice_listening.unhurried_numbers(callers.numbers, model)
    one_thread = ears(second_look=False), ears()
    report["whisper"] = voice_listening.beside_stock(callers.answers, *one_thread, OUT)
    report["seconds"] = round(time.monotonic() - began)
    return report


async def calls(
    stages: Sequence[tuple[int, float, bool]], wire: Sequence[Mapping[str, bytes]]
) -> dict[str, Any]:
    """The stages with real calls."""
    report: dict[str, Any] = {"stages": []}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), [calls for calls, _, _ in stages])
        command = (sys.executable, "-m", "tests.bench.voice_house", folder)
        async with running(OUT / "house.log", *command) as house:
            opened = await house.opened()
            for calls, seconds, mixed in stages:
                before = lateness(opened["telephony"])
                talkers, figures = await stage(house, opened["port"], calls, seconds, mixed, wire)
                figures["late_p99_ms_at_most"] = late_p99_ms(before, lateness(opened["telephony"]))
                report["stages"].append(judge(talkers, figures))
                found = report["stages"][-1].items()
                print(json.dumps({k: v for k, v in found if not k.startswith("gaps_ms")}))
    first, last = report["stages"][0], report["stages"][-1]
    if last["calls"] > first["calls"]:
        more = (last["rss_mb"] - first["rss_mb"]) / (last["calls"] - first["calls"])
        report["mb_per_further_call"] = round(more, 1)
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="1,20,40", help="stages to run; '' for none")
    wanted = {int(n) for n in parser.parse_args().calls.split(",") if n}
    logs.configure("ERROR")
    result = asyncio.run(main([s for s in STAGES if s[0] in wanted]))
    shutil.rmtree(OUT / "clips", ignore_errors=True)
    if len(result["stages"]) in (0, len(STAGES)):  # a part of them is nothing to publish
        voice_report.write(result, ROOT / "docs")
    (OUT / "voice.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "stages"}))
