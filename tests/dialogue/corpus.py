"""The labelled utterances of this folder, and the training sentences of nlu/."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.protocol import Answer
from nlu.components.normalise import normalise

HERE = Path(__file__).parent
NLU = HERE.parent.parent / "nlu"
ANSWERS: dict[str, Answer] = {"yes": "yes", "no": "no", "unclear": "unclear"}
REQUESTS = (
    "human",
    "repeat",
    "slower",
    "louder",
    "explain",
    "wait",
    "wrong_person",
    "complain",
    "busy",
    "goodbye",
    "other",
)


@dataclass(frozen=True)
class Labelled:
    """One row: what was asked for (+ hopes for yes, - for no), what was said, what it means."""

    question: str
    text: str
    answer: Answer
    request: str | None

    @property
    def expect(self) -> Answer:
        return "yes" if self.question == "+" else "no"

    @property
    def label(self) -> str:
        return self.request or self.answer


def read(name: str) -> list[Labelled]:
    """The rows of `heldout` or `dev`. Raises ValueError for a row that is not well formed."""
    lines = (HERE / f"{name}.tsv").read_text(encoding="utf-8").split("\n")
    return [_row(line, number) for number, line in enumerate(lines[1:], start=2) if line]


def _row(line: str, number: int) -> Labelled:
    question, text, answer, request = line.split("\t")
    if question not in ("+", "-") or answer not in ANSWERS or request not in ("", *REQUESTS):
        raise ValueError(f"line {number}: {line!r}")
    if request and answer != "unclear":
        raise ValueError(f"line {number}: a request is no answer")
    return Labelled(question, text, ANSWERS[answer], request or None)


def training() -> dict[str, list[str]]:
    """Intent → its training sentences."""
    found: dict[str, list[str]] = {}
    for file in sorted(NLU.glob("*.yml")):
        intent = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if match := re.fullmatch(r"\s*- intent: (\w+)", line):
                intent = match[1]
            elif match := re.fullmatch(r"\s+- (.+)", line):
                found.setdefault(intent, []).append(match[1])
    return found


def same(text: str) -> str:
    """Two sentences with the same key are the same sentence: script, width, punctuation aside."""
    return re.sub("[，？]", "", normalise(text, 500)) or text
