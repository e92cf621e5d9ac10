"""What the contract says to a comprehension question, and how it may be said. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from bot.answers import confusable, spoken
from bot.questionnaires import wording
from voice.listening.closed_set import YES_NO, ClosedSet

Kind = Literal["number", "amount", "date", "choice"]
Value = Decimal | date | int


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, and how it was heard."""

    text: str = field(repr=False)
    via: str  # voice, text, key or button
    confidence: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)
    spelt: str = field(default="", repr=False)  # as in `voice.clues.Clues`


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the contract says, and in which ways it may be said."""

    kind: Kind
    expected: Value  # of a choice the place of the right option
    units: tuple[str, ...] = ()  # of a number
    ways: tuple[tuple[str, ...], ...] = ()  # of a choice: how each option may be said
    options: tuple[str, str] = ("", "")  # what the keys 1 and 2 stand for, in words
    right: int = 0  # the place of the right one of them

    @property
    def answer(self) -> str:
        """The right answer in words."""
        return self.options[self.right]

    def said(self, place: int) -> tuple[str, ...]:
        """How that option of a choice may be said, by its place as well."""
        ways = self.ways[place] if self.ways else ()
        return (*ways, *(spoken.SECOND if place else spoken.FIRST))

    @property
    def closed_set(self) -> ClosedSet:
        """What the recogniser is to weigh against each other: of a choice the two options, of a
        number the contract's and its rivals. Amounts and dates are too many."""
        known = ClosedSet(other=YES_NO.other, urgent=YES_NO.urgent)
        match self.expected:
            case Decimal() if self.kind == "number":
                right, unit = int(self.expected), self.units[0]
                rivals = confusable.rivals(right, unit)
                return known.plus(yes=confusable.ways(right, unit), no=rivals)
            case int() if self.kind == "choice":
                return known.plus(yes=self.said(self.right), no=self.said(1 - self.right))
            case _:
                return known


def number(expected: int, units: tuple[str, ...], key: str) -> Expectation:
    """`key` decides which wrong value is offered beside the right one to those who use keys; any
    text that differs from policy to policy."""
    lower = expected - 5 if expected > 5 and _flag(key) else expected
    return Expectation(
        "number",
        Decimal(expected),
        units,
        options=(f"{lower}{units[0]}", f"{lower + 5}{units[0]}"),
        right=int(lower != expected),
    )


def amount(expected: Decimal, key: str) -> Expectation:
    half = _flag(key)
    low, high = (expected / 2, expected) if half else (expected, expected * 2)
    words = (money(low.quantize(Decimal("0.01"))), money(high))
    return Expectation("amount", expected, options=words, right=int(half))


def day(expected: date, key: str) -> Expectation:
    earlier = _flag(key)
    first = expected - timedelta(days=7) if earlier else expected
    words = (day_in_words(first), day_in_words(first + timedelta(days=7)))
    return Expectation("date", expected, options=words, right=int(earlier))


def choice(labels: tuple[str, str], ways: tuple[tuple[str, ...], ...], right: int) -> Expectation:
    return Expectation("choice", right, ways=ways, options=labels, right=right)


def _flag(key: str) -> bool:
    return bool(hashlib.sha256(key.encode()).digest()[0] & 1)


def money(value: Decimal) -> str:
    return wording.FORMATS["money"][1](value)


def day_in_words(value: date) -> str:
    return wording.FORMATS["date"][1](value)
