"""Did the policyholder understand? One question whose answer is in the contract, and its check.

Pure. An item that is checked counts as confirmed only where a spoken yes and the right answer to
its question stand side by side. What a word of theirs means is Rasa's; whether a value is that of
the contract only the application can know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from bot.answers import by_spelling, confusable, spoken
from bot.answers.expectation import Expectation, Said, Value, day_in_words, money
from bot.answers.numerals import clean
from bot.answers.spoken import Stated

Result = Literal["right", "wrong", "unclear"]

NOISY_DB = 18.0  # the voice above the noise; below, keys are asked for, as for a yes
SURE = 0.45  # confidence of the recogniser below which no value that was written counts
AGREES = 1.0  # sound: the right option against the wrong one; below, text and sound disagree
SETTLES = 2.0  # … from which on the sound tells that no 不 was lost
REPAIRS = 3.0  # … from which on words may be read by their sound, and a number is no other
NO_DENIAL = 13.0  # nats by which the text explains the sound better than its denial: no 不 was lost
_KEY = re.compile(r"我?要?[按选]([12一二])号?键?[。！!]?")


@dataclass(frozen=True, slots=True)
class Checked:
    """What an answer came to."""

    result: Result
    stated: str | None  # the value, in words; None where there was none
    reason: str
    keyed: bool = False  # the keys are to be named: one was pressed unnamed, or it is too noisy


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
    stated: Stated[Any] = _stated(expectation, said)
    how = ""
    spelt = by_spelling.spelt(expectation, said)
    if stated.value is None and not stated.unknown and spelt is not None:
        stated, how = Stated(spelt), f"（逐音听到“{said.spelt}”）"
        said = replace(said, text=said.spelt)
    if stated.value is None:
        return Checked("wrong" if stated.unknown else "unclear", None, stated.why)
    words, same = _words(expectation, stated.value), stated.value == expectation.expected
    by_voice, kind = said.via == "voice", expectation.kind
    sounds_right = spelt == expectation.expected or by_spelling.favoured(said)
    alike = not keys_named and _written_alike(expectation, stated.value, said)
    doubts = (  # the first one counts; the last column: the keys are to be named
        (by_voice and said.confidence < SURE and not how, "听得不够清楚", False),
        (not same and by_voice and sounds_right, "声音和文字不一致", False),
        (not same and alike, "和合同的数听着一样，请按键", True),
        (same and kind == "choice" and _sounds_wrong(said), "声音和文字不一致", False),
        (same and kind == "number" and _maybe_another(said), "声音也像别的数", False),
        (same and alike, "“是五”和“十五”听着一样，请按键", True),
    )
    for doubtful, why, keyed in doubts:
        if doubtful:
            return Checked("unclear", words, why, keyed)
    if same:
        return Checked("right", words, "和合同一样" + how)
    return Checked("wrong", words, "和合同不一样" + how)


def _sounds_wrong(said: Said) -> bool:
    return said.scores.get("yes_no", AGREES) < AGREES


def _maybe_another(said: Said) -> bool:
    """Whether the sound may be that of another number. Only a number that is all that was said is
    among the known answers ("known"); in a sentence the words around it tell."""
    if "yes_other" not in said.scores or said.scores.get("known", 1.0) < 1:
        return False
    return said.scores.get("yes_no", REPAIRS) < REPAIRS


def _written_alike(expectation: Expectation, stated: Value, said: Said) -> bool:
    """Whether a number may have been written for one that sounds like it: 是五 as the contract's
    十五, its 是十年 as 四十年. Where the two options were named before, nobody answers with a third
    number."""
    right = expectation.expected
    heard = "snr_db" in said.scores  # by a recogniser, and not typed or in a test of the words
    if not (heard and expectation.kind == "number" and isinstance(right, Decimal)):
        return False
    if stated == right:
        return confusable.may_hide_another(int(right), clean(said.text))
    return stated in confusable.neighbours(int(right))


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
    settled = ratio >= SETTLES or said.scores.get("undenied", 0.0) >= NO_DENIAL
    stated = spoken.choice(said.text, expectation.ways, by_voice=by_voice and not settled)
    sure = ratio >= REPAIRS and said.scores.get("yes_other", 0.0) >= REPAIRS
    if stated.value is not None or stated.unknown or not (by_voice and sure):
        return stated
    right = expectation.ways[expectation.right]
    respelt = spoken.choice(by_spelling.respell(said.text, right), expectation.ways)
    return respelt if respelt.value == expectation.right else stated


def _words(expectation: Expectation, value: Value) -> str:
    match value:
        case Decimal():
            yuan = money(value)
            if expectation.kind == "amount":
                return yuan
            return yuan.removesuffix("元") + expectation.units[0]
        case date():
            return day_in_words(value)
        case _:
            return expectation.options[value]
