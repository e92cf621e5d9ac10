"""Comprehension questions by voice: `python -m tests.bench.bench_comprehension [--voices short]`.

Ordinary answers to what is left after surrender and to how many years or days, right and wrong
ones, in three simulated voices, through the telephone; cut by the endpointer, heard with the
question's closed set, compared with the contract as in a call. Prints what was understood at the
first try and what went to the keys, and each wrong answer that was taken for right; writes
build/bench/comprehension.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bot.answers import comprehension, expectation
from bot.answers.expectation import Expectation
from bot.answers.numerals import hanzi
from tests.bench.bench_understand import OUT, pieces
from tests.bench.ears import ears
from tests.bench.spoken import CONDITIONS, SHORT, Said, on_the_line, utter
from tests.dialogue.corpus import Labelled
from tests.unit.policies import examples, render
from voice.frames import PHONE_RATE
from voice.listening import whisper

LESS = (
    "可能比交的少 比交的少 会少 可能少 退的少 要亏钱 会亏 有损失 要扣钱 退不了全部 "
    "不能全退 不一样多 会少一点 后面那个 少 可能会少一点 拿不回那么多"
).split()
AS_MUCH = "一样多 不会少 全退 前面那个 不会亏 没有损失 不知道".split()
YEARS = {n: f"{hanzi(n)}年" for n in (3, 4, 5, 6, 9, 10, 12, 14, 15, 20, 30, 40)}
DAYS = {n: f"{hanzi(n)}天" for n in (4, 5, 10, 15, 20)}


@dataclass(frozen=True, slots=True)
class Answer:
    """One utterance, whether it is right, and to which question."""

    kind: str
    text: str
    right: bool
    expects: Expectation


def answers() -> Iterator[Answer]:
    """All that is said."""
    scripts = (render(policy, today=date(2026, 11, 22)) for policy in examples())
    surrender = next(s.clauses["B10q"].expects for s in scripts if "B10q" in s.clauses)
    assert surrender is not None
    yield from (Answer("choice", text, True, surrender) for text in LESS)
    yield from (Answer("choice", text, False, surrender) for text in AS_MUCH)
    for contract in (3, 5, 10, 15, 20, 30):
        expects = expectation.number(contract, ("年",), "")
        for number, text in YEARS.items():
            leads = ("", "交", "一共", "是") if number == contract else ("",)
            for lead in leads:
                yield Answer("number", lead + text, number == contract, expects)
    for contract in (10, 15, 20):
        expects = expectation.number(contract, ("天", "日"), "")
        for number, text in DAYS.items():
            yield Answer("number", text, number == contract, expects)


def outcome(model: whisper.Whisper, answer: Answer, line: bytes) -> str:
    """right, wrong, unclear, keyed (the keys are named) or unheard."""
    for pcm in pieces(line):
        session = model.session(PHONE_RATE, answer.expects.closed_set)
        session.accept(pcm)
        heard = session.finish()
        said = expectation.Said(heard.text, "voice", heard.confidence, heard.scores, heard.spelt)
        checked = comprehension.check(answer.expects, said, keys_named=False)
        return "keyed" if checked.keyed else checked.result
    return "unheard"


async def main(voices: tuple[str, ...]) -> None:
    model = ears()
    said = [(answer, voice) for voice in voices for answer in answers()]
    sounds = await utter([(answer.text, voice) for answer, voice in said], OUT / "speech")
    report = []
    for condition in CONDITIONS[:2]:
        found: dict[tuple[str, bool], Counter[str]] = {}
        for number, ((answer, voice), pcm) in enumerate(zip(said, sounds, strict=True)):
            row = Labelled("+", answer.text, "unclear", None)
            line = on_the_line(Said(row, pcm, voice), (), condition, seed=number)
            result = outcome(model, answer, line)
            found.setdefault((answer.kind, answer.right), Counter())[result] += 1
            if result == "right" and not answer.right:
                print(f"    {answer.text} taken for {answer.expects.answer}, {voice}")
        for (kind, right), results in found.items():
            figures = {"condition": condition.name, "kind": kind, "right_answers": right}
            report.append(figures | {"of": results.total(), **results})
            print(json.dumps(report[-1], ensure_ascii=False))
    (OUT / "comprehension.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", choices=SHORT.keys() - {"strange"}, default="short_tune")
    asyncio.run(main(SHORT[parser.parse_args().voices]))
