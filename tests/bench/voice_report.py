"""docs/benchmarks.md and its plot, from the figures of bench_voice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

INTRO = """# How the bot talks, measured

Written by `make bench-voice`; the raw figures are in `build/bench/voice.json`. Real calls over TCP
at real-time pace against the whole bot in a process of its own; synthetic callers (three Kokoro
voices other than the bot's, telephone band, A-law, light line noise). Gaps are read from the
callers' stereo recordings: from the end of an answer to the first sound of the bot. The bot's
sentences are cut to 1.2 s, so that more answers fit into the run. Other work may share the machine:
where the load average is above the number of cores, absolute times are pessimistic. "By hangover"
are turns of the same run that ended after 600 ms of silence instead of by their words: compare the
two rows.
"""


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Both files, into `folder`."""
    curves = [{**report["unhurried"], "label": "idle core"}]
    curves += [{**stage, "label": f"{stage['calls']} at once"} for stage in report["stages"]]
    (folder / "benchmarks.svg").write_text(plot(curves), encoding="utf-8")
    (folder / "benchmarks.md").write_text("\n".join(page(report)) + "\n", encoding="utf-8")


def page(report: Mapping[str, Any]) -> Iterator[str]:
    yield INTRO
    yield f"{report['cores']} cores, the whole run {report['seconds']} s.\n"
    yield "![Response gaps](benchmarks.svg)\n"
    yield from _calls(report["stages"])
    if "mb_per_further_call" in report:
        yield f"Memory per further call: {report['mb_per_further_call']} MB.\n"
    idle = report["unhurried"]
    yield (
        f"On an idle core (silence in frames, recognition in its CPU time, "
        f"{idle['recognition_cpu_ms_p50']} ms, and 33 ms for the rest of the turn): gap p50 "
        f"{idle['gap_ms_p50']} ms, p95 {idle['gap_ms_p95']} ms of {idle['answers']} short answers, "
        f"{idle['clear']} of which were clear enough to end early (p50 "
        f"{idle['gap_ms_p50_clear']} ms); by hangover p50 {idle['gap_ms_p50_hangover']} ms.\n"
    )
    numbers = report["numbers"]
    yield (
        f"Whole numbers in one breath (years, days, amounts, dates, four digits), reckoned the "
        f"same way: {numbers['clear']} of {numbers['answers']} were heard as whole and end the "
        f"turn like a yes; gap p50 {numbers['gap_ms_p50']} ms, p95 {numbers['gap_ms_p95']} ms; by "
        f"hangover p50 {numbers['gap_ms_p50_hangover']} ms.\n"
    )
    slow = report["slow_answers"]
    yield (
        f"Slow answers (birth dates and digits, pauses of 0.5 to 1.5 s): {slow['cut']} of "
        f"{slow['answers']} cut off; by a plain hangover of {slow['hangover_ms']} ms, "
        f"{slow['cut_by_hangover']}. Slow years, days, amounts and dates: {slow['numbers_cut']} of "
        f"{slow['numbers']}; by that hangover {slow['numbers_cut_by_hangover']}.\n"
    )
    noises = report["noises"]
    took, later = (", ".join(map(str, noises[name])) for name in ("took_ms", "later_ms"))
    yield (
        "Loud noises over a sentence of ours (coughs, doors, rustling, breath, rushing, tones, "
        f"chords, hums; none is speech): {noises['stopped_by']} of {noises['noises']} stop it, by "
        f"level alone {noises['stopped_by_level_alone']}. A voice stops it {took} ms after its "
        f"onset, {later} ms of them for that (p50, p90, p95 of {noises['voices']} answers, on a "
        f"clear line and in 20 dB of noise; the line itself takes some 60 ms more); "
        f"{noises['voices_unheeded']} are over before they are known, and heard as answers all "
        "the same.\n"
    )
    whisper = report["whisper"]
    of = f"Whisper path, {whisper['clips']} short clips, one thread"
    if "error" in whisper:
        yield f"{of}: {whisper['error']}."
    else:
        yield (
            f"{of}. {whisper['stock']} with its defaults: {whisper['stock_s']} s, CER "
            f"{whisper['stock_cer']}. Ours as at a term, the scores of the closed set included: "
            f"{whisper['asked_s']} s, CER {whisper['asked_cer']}, **{whisper['asked_times']} times "
            f"as fast**; as free text {whisper['free_s']} s, CER {whisper['free_cer']}, "
            f"{whisper['free_times']} times. With Whisper small for what is unsure: "
            f"{whisper['asked_again_s']} s, CER {whisper['asked_again_cer']}, and "
            f"{whisper['free_again_s']} s, CER {whisper['free_again_cer']}."
        )
    yield "\n`make bench-pipecat` measures the same dialogue built with pipecat beside ours.\n"
    yield "How well the bot itself is understood: [intelligibility](intelligibility.md)."


def _calls(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of the stages with real calls."""
    if not stages:
        yield (
            "The stages with real calls were not part of this run; they need a quiet machine. "
            "`make bench-voice` adds them.\n"
        )
        return
    yield "| | " + " | ".join(f"{s['calls']} call{'s' * (s['calls'] > 1)}" for s in stages) + " |"
    yield "|---|" + "---|" * len(stages)
    rows = {
        "load average at the end": lambda s: f"{s['load']}",
        "response gap p50 / p95 (answers)": lambda s: _gap(s["gap_ms"]),
        "the same by hangover": lambda s: _gap(s["gap_ms_hangover"]),
        "bot CPU, seconds per call-minute": lambda s: f"{s['cpu_s_per_call_minute']}",
        "answers per call-minute": lambda s: f"{s['answers_per_call_minute']}",
        "short answers lost / doubled / of": lambda s: (
            f"{s['lost']} / {s['doubled']} / {s['answers']}"
        ),
        "barge-in: onset to silence p50 / p95": lambda s: _gap(s["barge_in_ms"]),
        "key to next sound p50 / p95": lambda s: _gap(s["key_ms"]),
        "frame lateness p99, at most": lambda s: f"{s['late_p99_ms_at_most']:.0f} ms",
        "memory of all bot processes": lambda s: f"{s['rss_mb']} MB",
    }
    for name, cell in rows.items():
        yield f"| {name} | " + " | ".join(cell(s) for s in stages) + " |"
    yield ""


def _gap(ms: Mapping[str, Any]) -> str:
    return f"{ms['p50']} / {ms['p95']} ms ({ms['n']})" if ms["n"] else "–"


def plot(curves: Sequence[Mapping[str, Any]]) -> str:
    """Share of answers (up) that were replied to within so many seconds (right), as SVG."""
    width, height, left, top, end_ms = 640, 320, 50, 20, 2000.0
    colours = ("#000000", "#0072b2", "#d55e00", "#009e73")  # told apart by the colour-blind, too
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 20} {height + 50}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width + 20}" height="{height + 50}" fill="white"/>',
    ]

    def x(ms: float) -> float:
        return left + min(ms, end_ms) / end_ms * (width - left)

    def y(share: float) -> float:
        return top + (1 - share) * (height - top)

    for tenth in range(0, 21, 2):
        at = x(tenth * 100)
        parts.append(
            f'<path d="M{at:.0f} {top}V{height}" stroke="#ddd"/>'
            f'<text x="{at:.0f}" y="{height + 18}" text-anchor="middle">{tenth / 10}</text>'
        )
    for quarter in range(5):
        at = y(quarter / 4)
        parts.append(
            f'<path d="M{left} {at:.0f}H{width}" stroke="#ddd"/>'
            f'<text x="{left - 6}" y="{at + 4:.0f}" text-anchor="end">{quarter * 25} %</text>'
        )
    parts.append(f'<text x="{width / 2}" y="{height + 38}">response gap, seconds</text>')
    legend = 0
    for stage, colour in zip(curves, colours, strict=False):
        for key, dash, what in (("gaps_ms", "", ""), ("gaps_ms_hangover", "5 4", ", hangover")):
            gaps = stage[key]
            if not gaps:
                continue
            steps = "".join(
                f"H{x(gap):.1f}V{y((n + 1) / len(gaps)):.1f}" for n, gap in enumerate(gaps)
            )
            line = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
            parts.append(f'<path d="M{left} {y(0):.1f}{steps}" {line}/>')
            at = height - 20 * legend - 20
            parts.append(
                f'<path d="M{width - 170} {at}h30" {line}/><text x="{width - 134}" y="{at + 4}">'
                f"{stage['label']}{what}</text>"
            )
            legend += 1
    return "\n".join([*parts, "</svg>\n"])
