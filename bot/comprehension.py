"""Did the policyholder understand? One question whose answer is in the contract, and its check.

Pure. An item that is checked counts as confirmed only where a spoken yes and the right answer to
its question stand side by side. What a word of theirs means is Rasa's; whether a value is that of
the contract only the application can know.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from pypinyin import lazy_pinyin

from bot import confusable, spoken, wording
from bot.numerals import clean
from bot.spoken import Stated
from voice.listening.closed_set import YES_NO, ClosedSet

Kind = Literal["number", "amount", "date", "choice"]
Result = Literal["right", "wrong", "unclear"]
Value = Decimal | date | int

NOISY_DB = 18.0  # the voice above the noise; below, keys are asked for, as for a yes
SURE = 0.45  # confidence of the recogniser below which nothing heard is right, as for a yes
AGREES = 1.0  # sound: the right option against the wrong one; below, text and sound disagree
SETTLES = 2.0  # … from which on the sound tells that no 不 was lost
REPAIRS = 3.0  # … from which on words may be read by their sound, and a number is no other
_KEY = re.compile(r"我?要?[按选]([12一二])号?键?[。！!]?")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, and how it was heard."""

    text: str = field(repr=False)
    via: str  # voice, text, key or button
    confidence: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)


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

    @property
    def closed_set(self) -> ClosedSet:
        """What the recogniser is to weigh against each other: of a choice the two options, of a
        number the contract's and those that sound like it. Amounts and dates are too many."""
        known = ClosedSet(other=YES_NO.other, urgent=YES_NO.urgent)
        match self.expected:
            case Decimal() if self.kind == "number":
                right, unit = int(self.expected), self.units[0]
                rivals = [w for n in confusable.neighbours(right) for w in confusable.ways(n, unit)]
                return known.plus(yes=confusable.ways(right, unit), no=rivals)
            case int() if self.kind == "choice":
                return known.plus(yes=self.ways[self.right], no=self.ways[1 - self.right])
            case _:
                return known


@dataclass(frozen=True, slots=True)
class Checked:
    """What an answer came to."""

    result: Result
    stated: str | None  # the value, in words; None where there was none
    reason: str
    keyed: bool = False  # the keys are to be named: one was pressed unnamed, or it is too noisy


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
    words = (_money(low.quantize(Decimal("0.01"))), _money(high))
    return Expectation("amount", expected, options=words, right=int(half))


def day(expected: date, key: str) -> Expectation:
    earlier = _flag(key)
    first = expected - timedelta(days=7) if earlier else expected
    words = (_date(first), _date(first + timedelta(days=7)))
    return Expectation("date", expected, options=words, right=int(earlier))


def choice(labels: tuple[str, str], ways: tuple[tuple[str, ...], ...], right: int) -> Expectation:
    return Expectation("choice", right, ways=ways, options=labels, right=right)


def _flag(key: str) -> bool:
    return bool(hashlib.sha256(key.encode()).digest()[0] & 1)


def _money(value: Decimal) -> str:
    return wording.FORMATS["money"][1](value)


def _date(value: date) -> str:
    return wording.FORMATS["date"][1](value)


def check(expectation: Expectation, said: Said, *, keys_named: bool) -> Checked:
    """`keys_named`: the question was asked in the form that says what 1 and 2 stand for."""
    pressed = _pressed(said)
    if pressed is not None and (keys_named or expectation.kind == "choice"):
        result: Result = "right" if pressed == expectation.right else "wrong"
        return Checked(result, expectation.options[pressed], "按键")
    if said.via == "key" or pressed is not None:
        return Checked("unclear", None, "这里按键没有意义", keyed=True)
    if said.via == "voice" and said.scores.get("snr_db", NOISY_DB) < NOISY_DB:
        return Checked("unclear", None, "背景太吵，请按键", keyed=True)
    stated = _stated(expectation, said)
    if stated.value is None:
        return Checked("wrong" if stated.unknown else "unclear", None, stated.why)
    words = _words(expectation, stated.value)
    if stated.value != expectation.expected:
        return Checked("wrong", words, "和合同不一样")
    if said.via == "voice" and said.confidence < SURE:
        return Checked("unclear", words, "听得不够清楚")
    if said.scores.get("yes_no", AGREES) < AGREES and expectation.kind == "choice":
        return Checked("unclear", words, "声音和文字不一致")
    if expectation.kind == "number" and _maybe_another(said):
        return Checked("unclear", words, "声音也像别的数")
    if expectation.kind == "number" and not keys_named and _maybe_with_is(expectation, said):
        return Checked("unclear", words, "“是五”和“十五”听着一样，请按键", keyed=True)
    return Checked("right", words, "和合同一样")


def _maybe_another(said: Said) -> bool:
    """Whether the sound may be that of another number. Only a number that is all that was said is
    among the known answers ("known"); in a sentence the words around it tell."""
    if "yes_other" not in said.scores or said.scores.get("known", 1.0) < 1:
        return False
    return said.scores.get("yes_no", REPAIRS) < REPAIRS


def _maybe_with_is(expectation: Expectation, said: Said) -> bool:
    """Whether 是五 may have been heard as 十五. Where the two options were named before, nobody
    answers with a third number."""
    heard = "snr_db" in said.scores  # by a recogniser, and not typed or in a test of the words
    number = expectation.expected
    return (
        heard
        and isinstance(number, Decimal)
        and (confusable.may_hide_another(int(number), clean(said.text)))
    )


def evidence(clause: str, item: str, expectation: Expectation, checked: Checked) -> dict[str, Any]:
    """What the record keeps of a comparison."""
    return {
        "item": item,
        "clause": clause,
        "method": expectation.kind,
        "expected": expectation.answer,
        "stated": checked.stated,
        "result": checked.result,
        "reason": checked.reason,
    }


def _pressed(said: Said) -> int | None:
    """The place of the option of a key, pressed or called by its name."""
    if said.via == "key":
        return {"1": 0, "2": 1}.get(said.text)
    named = _KEY.fullmatch(clean(said.text).strip())
    return {"1": 0, "一": 0, "2": 1, "二": 1}[named[1]] if named else None


def _stated(expectation: Expectation, said: Said) -> Stated[Decimal] | Stated[date] | Stated[int]:
    by_voice = said.via == "voice"
    match expectation.expected:
        case Decimal() if expectation.kind == "number":
            return spoken.number(said.text, expectation.units, by_voice=by_voice)
        case Decimal():
            return spoken.amount(said.text, by_voice=by_voice)
        case date():
            return spoken.day(said.text, expectation.expected)
        case _:
            return _chosen(expectation, said)


def _chosen(expectation: Expectation, said: Said) -> Stated[int]:
    """The option that was said, or only sounds so (比焦的少) where the sound is sure of it."""
    by_voice, ratio = said.via == "voice", said.scores.get("yes_no", 0.0)
    stated = spoken.choice(said.text, expectation.ways, by_voice=by_voice and not ratio >= SETTLES)
    sure = ratio >= REPAIRS and said.scores.get("yes_other", 0.0) >= REPAIRS
    if stated.value is not None or stated.unknown or not (by_voice and sure):
        return stated
    right = expectation.ways[expectation.right]
    respelt = spoken.choice(respell(said.text, right), expectation.ways)
    return respelt if respelt.value == expectation.right else stated


def respell(text: str, ways: Iterable[str]) -> str:
    """`text` with each stretch that sounds like one of `ways`, tones apart, written that way."""
    sounds = [_sound(character) for character in text]
    for way in sorted(ways, key=len, reverse=True):
        wanted = [_sound(character) for character in way]
        for at in range(len(text) - len(way) + 1):
            if len(way) > 1 and sounds[at : at + len(way)] == wanted:
                text = text[:at] + way + text[at + len(way) :]
    return text


def _sound(character: str) -> str:
    return str(lazy_pinyin(character)[0])


def _words(expectation: Expectation, value: Value) -> str:
    match value:
        case Decimal():
            money = _money(value)
            if expectation.kind == "amount":
                return money
            return money.removesuffix("元") + expectation.units[0]
        case date():
            return _date(value)
        case _:
            return expectation.options[value]
