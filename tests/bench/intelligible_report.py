"""docs/intelligibility.md, from the figures of bench_intelligible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

WORST = 30
INTRO = """# How well the bot is understood, measured

Written by `make bench-intelligible`; every sentence with what was heard is in
`build/bench/intelligible.json`. Everything the bot can say: the fixed sentences of the
questionnaire in all their forms, and a share of those with names, dates and amounts for each of a
hundred made-up policies. Each is spoken as on a call, by the default voice at its usual pace, coded
as 8 kHz A-law, and written down by Whisper base without any hint of what to expect. The error is in
toneless pinyin: an ear that writes 交 for 缴 has understood every sound; and 你 for 您 is no error.

What goes wrong there is heard once more with more silence around it. Only a sentence with more than
3 % wrong syllables in both hearings counts as misheard: a recogniser's slip changes with a breath.

Whisper base is a judge with errors of its own, and on a telephone line it has more. So every
sentence is also heard at the voice's own 24 kHz, before any line: what goes wrong there as well is
the voice's or the judge's; what goes wrong only on the line may be the line's or the judge's. And
it is heard through a telephone that cuts to 300 to 3400 Hz besides. All three are upper bounds for
what a careful listener misses, not estimates of it; no old person was asked.
"""
HEAD = (
    "| | sentences | syllables | wrong at 8 kHz A-law | 300 to 3400 Hz besides | at 24 kHz "
    "| sentences above 3 % at 8 kHz | in both hearings | above 3 % at 24 kHz |"
)


KOREAN = "## A Korean voice"
KOREAN_INTRO = """
Written by `python -m tests.bench.bench_korean`: espeak-ng's Korean voice by the same measure, for
Liaoning's ethnic Koreans. Sentences of the translation without names and numbers, heard by Whisper
base with language ko; wrong Hangul syllables, and wrong jamo (the letters inside a syllable). More
than 100 % is possible: where it understands nothing the ear goes on repeating itself, or writes
nothing. It has errors of its own in Korean too, so these are upper bounds; but a voice of which one
sentence in fifty comes through whole is none to read a contract with.
"""


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Into `folder`; the section on Korean, another bench's, stays."""
    file = folder / "intelligibility.md"
    _, mark, rest = file.read_text("utf-8").partition(KOREAN) if file.exists() else ("", "", "")
    kept = f"\n{mark}{rest}" if mark else ""
    file.write_text("\n".join(page(report)) + "\n" + kept, encoding="utf-8")


def write_korean(rates: Sequence[Mapping[str, Any]], ear: str, folder: Path) -> None:
    """The section on Korean, at the end of the page."""
    file = folder / "intelligibility.md"
    before = file.read_text("utf-8").partition(f"\n{KOREAN}")[0]
    text = "\n".join(_korean(rates, ear))
    file.write_text(f"{before}\n{KOREAN}\n{text}\n", encoding="utf-8")


def _korean(rates: Sequence[Mapping[str, Any]], ear: str) -> Iterator[str]:
    yield KOREAN_INTRO
    yield f"Ear: {ear}; {rates[0]['sentences']} sentences, {rates[0]['syllables']} syllables.\n"
    yield (
        "| espeak's words a minute | wrong syllables at 8 kHz A-law | wrong jamo "
        "| syllables at 22 kHz | jamo | sentences heard whole at 8 kHz |"
    )
    yield "|---|---|---|---|---|---|"
    for row in rates:
        errors = (_percent(row[name]) for name in ("line", "line_jamo", "voice", "voice_jamo"))
        yield f"| {row['rate']} | {' | '.join(errors)} | {row['whole']} of {row['sentences']} |"
    yield "\n| said | heard at 8 kHz A-law |\n|---|---|"
    for said, heard in rates[0]["heard"]:
        yield f"| {said} | {heard.replace('|', ' ')[:60]} |"
    yield (
        "\nThe Mandarin voice is held to 3 %. So no Korean is spoken: who prefers it "
        "hears in Mandarin who calls and that it is recorded, and gets a human at once; "
        "the chat page asks in Korean, as text ([languages](languages.md))."
    )


def page(report: Mapping[str, Any]) -> Iterator[str]:
    yield INTRO
    heard = report["all"]["sentences"]
    whole = "all of them" if heard == report["of"] else f"of {report['of']}, a mixed sample"
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
            figures["sentences"] - figures["at_most_3_percent"],
            f"**{figures['misheard_twice']}**",
            figures["sentences"] - figures["at_most_3_percent_at_24_khz"],
        )
        yield "| " + " | ".join(map(str, cells)) + " |"
    worst = report["worst"]
    yield (
        f"\n{len(worst)} sentences were not heard in full at 8 kHz A-law. The {WORST} with the "
        "largest share of wrong syllables, those misheard twice first (wrong at 8 kHz, in the "
        "second hearing, at 24 kHz, of how many):\n"
    )
    yield "| said | heard at 8 kHz A-law | heard at 24 kHz | wrong |"
    yield "|---|---|---|---|"
    for row in worst[:WORST]:
        errors = (row["line_errors"], row["again_errors"], row["voice_errors"])
        wrong = f"{', '.join(map(str, errors))} of {row['syllables']}"
        cells = (row["text"], row["line"], row["voice"], wrong)
        yield "| " + " | ".join(cell.replace("|", " ") for cell in cells) + " |"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
