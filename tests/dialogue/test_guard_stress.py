"""Sentences bent until they break: with a classifier that always believes in a yes, the words
alone must never let a no through. Every yes with 不 or 没 put in, every no with one taken out,
every no with a homophone in it, and a yes and a no joined."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from pypinyin import lazy_pinyin

from nlu.components.judge import judge
from nlu.components.utterance import Guess, Heard
from tests.dialogue.corpus import Labelled, read

BELIEVER = Guess("affirm", 0.99, 0.99)
ROWS: list[Labelled] = [*read("dev"), *read("heldout")]
YES = sorted({r.text for r in ROWS if r.question == "+" and r.answer == "yes"})
NO = sorted({r.text for r in ROWS if r.question == "+" and r.answer == "no"})
JOINTS = ["", "，", " "]
NOT_LONG_AGO = re.compile("(?:之前|以前|原来|原先|刚才|刚刚|一开始).*(?:不|没)")
"""A no of some time ago that a yes of now takes back: 之前不知道，现在清楚了 is a yes."""
NEGATORS = "不没"


def is_yes(text: str, **heard: object) -> bool:
    return judge(Heard(text, **heard), BELIEVER).answer == "yes"  # type: ignore[arg-type]


def bent(sentences: list[str]) -> Iterator[tuple[str, int]]:
    for text in sentences:
        for at in range(len(text)):
            yield text, at


def test_a_yes_with_a_negation_put_in_is_not_a_yes() -> None:
    wrong = [
        made
        for text, at in bent(YES)
        for negator in NEGATORS
        if is_yes(made := text[:at] + negator + text[at:])
    ]
    assert not wrong


def test_a_yes_and_a_no_joined_are_not_a_yes() -> None:
    dice = random.Random(20261122)
    for _ in range(10_000):
        parts = [dice.choice(YES), dice.choice(NO)]
        if NOT_LONG_AGO.match(parts[1]):
            continue
        dice.shuffle(parts)
        assert not is_yes(dice.choice(JOINTS).join(parts)), parts


HEDGES = [
    "略知一二", "听着像那么回事", "大面上清楚", "就那么回事吧", "那就这么着吧", "那行吧",
    "收到了吧", "知道了吧", "到时再看", "看收益情况", "难讲", "我要想一想", "那知道去",
    "我知道吗", "是我签的吗", "可以吗", "好似系", "知道点儿", "清楚一些", "清楚就怪了",
    "知道就好了", "介绍人清楚", "爷爷知道", "认栽", "应该是吧", "好像收到了", "我老伴清楚",
    "有点清楚", "只知道一半", "再说吧",
]  # fmt: skip
"""Of the kinds that a random join of a yes and an unclear answer let through once, and others."""


@pytest.mark.parametrize("hedge", HEDGES)
def test_a_yes_joined_with_a_hedge_is_not_a_yes(hedge: str) -> None:
    """With and without a pause between them: recognisers write no punctuation."""
    dice = random.Random(hedge)
    for yes in dice.sample(YES, 60):
        for joint in JOINTS:
            assert not is_yes(yes + joint + hedge), (yes, hedge)
            assert not is_yes(hedge + joint + yes), (hedge, yes)


def homophones(sentences: list[str]) -> Iterator[tuple[str, str]]:
    """Each sentence, and with one character written as each other of the same sound."""
    sounds: dict[str, set[str]] = defaultdict(set)
    for char in {c for r in ROWS for c in r.text if "\u4e00" <= c <= "\u9fff"}:
        sounds[lazy_pinyin(char)[0]].add(char)
    for text, at in bent(sentences):
        for other in sounds.get(lazy_pinyin(text[at])[0], set()) - {text[at]}:
            yield text, text[:at] + other + text[at + 1 :]


def test_a_no_with_any_homophone_in_it_is_not_a_yes() -> None:
    assert not [(text, made) for text, made in homophones(NO) if is_yes(made)]


CLEAR_LINE = {"yes_no": 0.5, "yes_other": 0.1, "known": 0.1, "lost_no": 0.001, "snr_db": 40.0}
"""The sound of a sentence on a clear line, with no doubt about negations."""


def spoken_yes(text: str) -> bool:
    return is_yes(text, via="voice", confidence=0.9, scores=CLEAR_LINE)


def test_a_spoken_no_with_a_homophone_in_it_is_not_read_as_a_yes() -> None:
    """Words that are read by their sound must not be read into a yes."""
    some = random.Random(20261122).sample(NO, 150)
    assert not [(text, made) for text, made in homophones(some) if spoken_yes(made)]


def test_a_spoken_yes_and_a_no_joined_are_not_a_yes() -> None:
    dice = random.Random(20261123)
    for _ in range(3_000):
        parts = [dice.choice(YES), dice.choice(NO)]
        if NOT_LONG_AGO.match(parts[1]):
            continue
        dice.shuffle(parts)
        assert not spoken_yes(dice.choice([*JOINTS, "啊"]).join(parts)), parts


@pytest.mark.parametrize("confidence", [0.5, 0.99])
def test_a_spoken_no_that_lost_its_negation_is_asked_again(confidence: float) -> None:
    """Words cannot show what was never written; the sound can: 不X never scored above 0.2
    against its yes in quiet, and 没收到 written as 我收到 at 5 dB scored 1.3."""
    for scores in ({"yes_no": 0.2, "yes_other": 9.0}, {"yes_no": 1.3, "yes_other": 9.0}):
        for text, at in bent(NO):
            if text[at] in NEGATORS:
                made = text[:at] + text[at + 1 :]
                assert not is_yes(made, via="voice", confidence=confidence, scores=scores), made


def test_a_typed_no_that_lost_one_of_two_negations_is_not_a_yes() -> None:
    for text, at in bent(NO):
        rest = text[:at] + text[at + 1 :]
        if text[at] in NEGATORS and any(n in rest for n in NEGATORS) and "保" not in rest:
            assert not is_yes(rest), rest
