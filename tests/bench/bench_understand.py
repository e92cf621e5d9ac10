"""Sound to meaning: recogniser and understanding together, `make eval-sound`.

Utterances of the test sets, spoken by simulated voices (not the bot's), through telephone band,
A-law, noise and lost packets; cut by the endpointer, heard by Whisper (or Vosk) with the closed set
of answers, judged by a dialogue worker as the answer to an item. Synthetic callers: the figures
compare conditions and versions, they do not promise anything about real people.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from math import comb
from pathlib import Path
from typing import Any, get_args

from bot.dialogue.client import Dialogue
from bot.dialogue.protocol import Item, Meaning, Start, State, Turn
from bot.settings import Settings
from tests.bench import lost
from tests.bench.ears import ears, vosk
from tests.bench.spoken import CONDITIONS, ROOT, Condition, Said, Split, on_the_line, speak
from tests.dialogue.corpus import Labelled
from voice.frames import FRAME_BYTES, PHONE_RATE, Transcript
from voice.listening.closed_set import ANY, YES_NO
from voice.listening.endpoint import Endpointer, SpeechEnded
from voice.listening.protocols import Recogniser
from voice.listening.vad import WebRtcVad

OUT = ROOT / "build" / "bench"
ITEMS = {"+": Item("B9"), "-": Item("NT2", expect="no")}
OPENING = ("方便", "是我", "一九五四年三月八号", "/identity_ok")


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance under one condition: what was recognised, piece by piece, and understood."""

    said: Said
    pieces: tuple[Transcript, ...]
    meanings: tuple[Meaning, ...]

    @property
    def false_accept(self) -> bool:
        """Any piece was taken for the hoped-for answer, which was not given."""
        hoped = self.said.row.expect
        return self.said.row.answer != hoped and any(m.answer == hoped for m in self.meanings)

    @property
    def label(self) -> str:
        """The first piece that meant anything decides, as in a call."""
        labels = [m.request or m.answer for m in self.meanings]
        return next((label for label in labels if label != "unclear"), "unclear")


def pieces(line: bytes) -> list[bytes]:
    """What the endpointer cuts out of a line's sound."""
    vad, endpointer = WebRtcVad(), Endpointer()
    cut = []
    for start in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = line[start : start + FRAME_BYTES]
        for event in endpointer.feed(frame, vad.speaking(frame)):
            if isinstance(event, SpeechEnded):
                cut.append(event.pcm)
    return cut


def recognise(
    model: Recogniser, spoken: Sequence[Said], condition: Condition, threads: int
) -> list[tuple[Transcript, ...]]:
    """What the recogniser makes of every utterance under one condition."""

    def one(number: int) -> tuple[Transcript, ...]:
        heard = []
        for pcm in pieces(on_the_line(spoken[number], spoken, condition, seed=number)):
            hopes_for_yes = spoken[number].row.question == "+"
            session = model.session(PHONE_RATE, YES_NO if hopes_for_yes else ANY)
            session.accept(pcm)
            heard.append(session.finish())
        return tuple(heard)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(len(spoken))))


def recorded(path: Path) -> dict[str, list[tuple[Said, tuple[Transcript, ...]]]]:
    """What `--keep` wrote, by condition: to judge it again without recognising it again."""
    found: dict[str, list[tuple[Said, tuple[Transcript, ...]]]] = {}
    for kept in json.loads(path.read_text(encoding="utf-8")):
        row = Labelled(*(kept[field.name] for field in fields(Labelled)))
        heard = tuple(Transcript(**piece) for piece in kept["pieces"])
        found.setdefault(kept["condition"], []).append(
            (Said(row, b"", kept.get("voice", "")), heard)
        )
    return found


async def in_items(dialogue: Dialogue) -> dict[str, State]:
    """For each polarity the state in which its item has just been asked."""
    states = {}
    for question, item in ITEMS.items():
        moved = await dialogue.begin(Start((item,)))
        for said in OPENING:
            event = said[1:] if said.startswith("/") else None
            moved = await dialogue.turn(Turn(moved.state, "" if event else said, event=event))
        states[question] = moved.state
    return states


async def understand(
    dialogue: Dialogue, states: dict[str, State], said: Said, heard: Sequence[Transcript]
) -> Heard:
    meanings = []
    for piece in heard:
        turn = Turn(
            states[said.row.question],
            piece.text,
            confidence=piece.confidence,
            **piece.clues(),
        )
        moved = await dialogue.turn(turn)
        if moved.meaning is not None:
            meanings.append(moved.meaning)
    return Heard(said, tuple(heard), tuple(meanings))


async def as_typed(dialogue: Dialogue, states: dict[str, State], said: Said) -> Said:
    """`said`, labelled with what it means when it is typed."""
    row = said.row
    typed = (await dialogue.turn(Turn(states[row.question], row.text))).meaning
    assert typed is not None
    return replace(said, row=Labelled(row.question, row.text, typed.answer, typed.request))


def _at_most(hits: int, of: int, p: float) -> float:
    return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(hits + 1))


def _where(reached: Callable[[float], bool]) -> float:
    """The smallest probability at which `reached` holds, to a ten-thousandth."""
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def rate(hits: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval (Clopper and Pearson, Biometrika 26, 1934)."""
    low = _where(lambda p: 1 - _at_most(hits - 1, of, p) >= 0.025) if hits else 0.0
    high = _where(lambda p: _at_most(hits, of, p) <= 0.025) if hits < of else 1.0
    share = round(hits / of, 3) if of else None
    return {"hits": hits, "of": of, "share": share, "interval": [round(low, 3), round(high, 3)]}


def summary(condition: Condition, heard: Sequence[Heard]) -> dict[str, Any]:
    def recall(label: str, question: str = "+") -> dict[str, Any]:
        given = [h for h in heard if (h.said.row.question, h.said.row.label) == (question, label)]
        return rate(sum(h.label == label for h in given), len(given)) | {
            "lost": lost.by_stage(h for h in given if h.label != label)
        }

    others = sorted({h.said.row.request or "" for h in heard} - {"", "human"})
    unhoped = [h for h in heard if h.said.row.answer != h.said.row.expect]
    wrong = [h for h in unhoped if h.false_accept]
    return {
        "condition": condition.name,
        "yes": recall("yes"),
        "no": recall("no"),
        "human": recall("human"),
        "hoped_no": recall("no", "-"),
        "requests": {label: recall(label) for label in others},
        "humans_too_many": sum(h.label == "human" != h.said.row.label for h in heard),
        "false_accepts": rate(len(wrong), len(unhoped)),
        "wrong": [
            [h.said.row.question, h.said.row.text, *(p.text for p in h.pieces)] for h in wrong
        ],
        "not_heard": sum(not h.pieces for h in heard),
    }


def line_of(figures: dict[str, Any]) -> str:
    def percent(name: str) -> str:
        figure = figures[name]
        low, high = (100 * bound for bound in figure["interval"])
        if figure["share"] is None:
            return f"{name} none"
        return f"{name} {100 * figure['share']:5.1f} % ({low:.0f}-{high:.0f})"

    wrong = figures["false_accepts"]
    return (
        f"{figures['condition']:13} {percent('yes')}  {percent('no')}  {percent('human')}  "
        f"false accepts {wrong['hits']}/{wrong['of']} (up to {100 * wrong['interval'][1]:.1f} %)"
        + "".join(f"\n    {' | '.join(w)}" for w in figures["wrong"])
    )


def table_of(figures: dict[str, Any]) -> str:
    """Each kind of answer: how many were understood, and where the others were lost."""
    kinds = {name: figures[name] for name in ("yes", "no", "hoped_no", "human")}
    lines = [
        f"    {name:9} {kind['hits']:3} of {kind['of']:3}  "
        + ", ".join(f"{stage} {count}" for stage, count in kind["lost"].items())
        for name, kind in (kinds | figures["requests"]).items()
        if kind["of"]
    ]
    return "\n".join([*lines, f"    humans too many: {figures['humans_too_many']}"])


async def main() -> int:
    """Exit status 1 if there is a false accept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=get_args(Split), default="test")
    parser.add_argument("--every", type=int, default=1, help="take each n-th utterance only")
    parser.add_argument("--keep", type=Path, help="write every transcript there")
    parser.add_argument("--recogniser", choices=("whisper", "vosk"), default="whisper")
    parser.add_argument("--only", nargs="+", help="conditions, by name")
    parser.add_argument("--again", type=Path, help="judge what --keep wrote there once more")
    parser.add_argument("--threads", type=int, default=2, help="cores to recognise with")
    parser.add_argument("--where", action="store_true", help="print where what is lost was lost")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    before = recorded(options.again) if options.again else {}
    spoken = [] if before else (await speak(options.split, OUT / "speech"))[:: options.every]
    model = vosk() if options.recogniser == "vosk" else ears(options.threads)
    settings = Settings()
    trained = settings.models / "huifang.tar.gz"
    dialogue = Dialogue(settings.rasa_python, trained, ROOT, workers=1)
    await dialogue.start()
    began = time.perf_counter()
    levels, kept, heard = [], [], list[Heard]()
    try:
        states = await in_items(dialogue)
        if options.split == "unheard":
            spoken = [await as_typed(dialogue, states, said) for said in spoken]
        for condition in CONDITIONS:
            if options.only and condition.name not in options.only:
                continue
            if before:
                pairs = before.get(condition.name, [])[:: options.every]
            else:
                transcripts = await asyncio.to_thread(
                    recognise, model, spoken, condition, options.threads
                )
                pairs = list(zip(spoken, transcripts, strict=True))
            if not pairs:
                continue
            heard = [await understand(dialogue, states, said, found) for said, found in pairs]
            levels.append(summary(condition, heard))
            print(line_of(levels[-1]), flush=True)
            if options.where:
                print(table_of(levels[-1]), flush=True)
            kept += [
                {
                    "condition": condition.name,
                    **asdict(h.said.row),
                    "voice": h.said.voice,
                    "pieces": [{**asdict(p), "scores": dict(p.scores)} for p in h.pieces],
                }
                for h in heard
            ]
    finally:
        await dialogue.close()
    report = {
        "split": options.split,
        "utterances": len(heard),
        "voices": sorted({h.said.voice for h in heard}),
        "recogniser": model.name,
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "seconds": round(time.perf_counter() - began),
        "levels": levels,
    }
    OUT.mkdir(parents=True, exist_ok=True)
    parts = [options.split] if options.split != "test" else []
    parts += [options.recogniser] if options.recogniser != "whisper" else []
    name = f"{'-'.join(['understand-sound', *parts])}.json"
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (OUT / name).write_text(text + "\n", encoding="utf-8")
    if options.keep:
        options.keep.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return int(any(level["false_accepts"]["hits"] for level in levels))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
