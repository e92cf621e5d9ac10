"""docs/intelligibility.md, from the figures of bench_intelligible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WORST = 30
INTRO = """# How well the bot is understood, measured

Written by `make bench-intelligible`; every sentence with what was heard is in
`build/bench/intelligible.json`. Everything the bot can say: the fixed sentences of the
questionnaire in all their forms, and a share of those with names, dates and amounts for each of a
hundred made-up policies. Each is spoken as on a call, by the default voice at its usual pace, coded
as 8 kHz A-law, and written down by Whisper base without any hint of what to expect. The error is in
toneless pinyin: an ear that writes 交 for 缴 has understood every sound.

Whisper base is a judge with errors of its own, and on a telephone line it has more. So every
sentence is also heard at the voice's own 24 kHz, before any line: what goes wrong there as well is
the voice's or the judge's; what goes wrong only on the line may be the line's or the judge's. And
it is heard through a telephone that cuts to 300 to 3400 Hz besides. All three are upper bounds for
what a careful listener misses, not estimates of it; no old person was asked.
"""
HEAD = (
    "| | sentences | syllables | wrong at 8 kHz A-law | 300 to 3400 Hz besides | at 24 kHz "
    "| sentences at most 3 % wrong at 8 kHz | at 24 kHz | above 3 % at 8 kHz only |"
)


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Into `folder`."""
    (folder / "intelligibility.md").write_text("\n".join(page(report)) + "\n", encoding="utf-8")


def page(report: Mapping[str, Any]) -> Iterator[str]:
    yield INTRO
    heard = report["all"]["sentences"]
    whole = (
        "all of them"
        if heard == report["of"]
        else f"of {report['of']}, a mixed sample (some of them were worded anew by an earlier run)"
    )
    yield f"Voice: {report['voice']}; ear: {report['ear']}; {heard} sentences, {whole}.\n"
    yield HEAD
    yield "|---" * HEAD.count(" |") + "|"
    rows = {"everything": "all", "fixed": "fixed", "with a policy's values": "own"}
    for name, key in rows.items():
        figures = report[key]
        cells = (
            name,
            figures["sentences"],
            figures["syllables"],
            f"**{_percent(figures['line_error'])}**",
            _percent(figures["phone_error"]),
            _percent(figures["voice_error"]),
            figures["at_most_3_percent"],
            figures["at_most_3_percent_at_24_khz"],
            figures["above_on_the_line_only"],
        )
        yield "| " + " | ".join(map(str, cells)) + " |"
    worst = report["worst"]
    yield (
        f"\n{len(worst)} sentences were not heard in full at 8 kHz A-law. The {WORST} with the "
        "largest share of wrong syllables (wrong at 8 kHz, at 24 kHz, of how many):\n"
    )
    yield "| said | heard at 8 kHz A-law | heard at 24 kHz | wrong |"
    yield "|---|---|---|---|"
    for row in worst[:WORST]:
        wrong = f"{row['line_errors']}, {row['voice_errors']} of {row['syllables']}"
        cells = (row["text"], row["line"], row["voice"], wrong)
        yield "| " + " | ".join(cell.replace("|", " ") for cell in cells) + " |"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
