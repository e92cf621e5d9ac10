"""Comprehension questions: what the contract says, against what was said, keyed or typed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers import expectation
from bot.answers.by_spelling import respell
from bot.answers.comprehension import check
from bot.answers.expectation import Expectation, Said
from bot.questionnaires.questionnaire import Clause
from tests.unit.policies import examples, policy, render

FIFTEEN = expectation.number(15, ("天", "日"), "")
SINGLE = expectation.amount(Decimal("200000"), "")
SIGNED = expectation.day(date(2026, 11, 20), "")
LESS = expectation.choice(("一样多", "可能少"), (("一样多", "不会少"), ("可能少", "会少")), 1)


def said(text: str, via: str = "text", **more: object) -> Said:
    return Said(text, via, **more)  # type: ignore[arg-type]


def result(expectation: Expectation, what: Said, *, keys_named: bool = False) -> str:
    return check(expectation, what, keys_named=keys_named).result


@pytest.mark.parametrize(
    ("expectation", "text", "wanted"),
    [
        (FIFTEEN, "十五天", "right"), (FIFTEEN, "15日", "right"), (FIFTEEN, "十天", "wrong"),
        (FIFTEEN, "十来天", "unclear"), (FIFTEEN, "不知道", "wrong"), (FIFTEEN, "清楚", "unclear"),
        (SINGLE, "二十万", "right"), (SINGLE, "200000块", "right"), (SINGLE, "两万", "wrong"),
        (SIGNED, "十一月二十号", "right"), (SIGNED, "十一月二十一", "wrong"),
        (SIGNED, "二十号", "unclear"), (LESS, "可能少", "right"), (LESS, "一样多", "wrong"),
        (LESS, "会少", "right"), (LESS, "是", "unclear"),
    ],
)  # fmt: skip
def test_typed_answers(expectation: Expectation, text: str, wanted: str) -> None:
    assert result(expectation, said(text)) == wanted


def test_a_muffled_answer_is_never_right() -> None:
    assert result(FIFTEEN, said("十五天", "voice", confidence=0.9)) == "right"
    assert result(FIFTEEN, said("十五天", "voice", confidence=0.3)) == "unclear"


def test_text_and_sound_must_agree_on_a_choice() -> None:
    for ratio, wanted in ((0.4, "unclear"), (1.5, "right"), (9.0, "right")):
        heard = said("可能少", "voice", scores={"yes_no": ratio})
        assert result(LESS, heard) == wanted
    assert result(LESS, said("会少", "voice")) == "unclear", "a 不 may have been lost"
    assert result(LESS, said("会少", "voice", scores={"yes_no": 5.0})) == "right"


def test_words_are_read_by_their_sound_only_where_the_sound_is_sure() -> None:
    def heard(text: str, ratio: float, other: float = 9.0) -> Said:
        return said(text, "voice", scores={"yes_no": ratio, "yes_other": other})

    assert result(LESS, heard("克能少", 9.0)) == "right"  # 可能少, misspelt
    assert result(LESS, heard("克能少", 2.0)) == "unclear"
    assert result(LESS, heard("克能少", 9.0, other=0.5)) == "unclear"
    assert result(LESS, said("克能少")) == "unclear", "typed text has no sound"
    assert result(LESS, heard("不克能少", 9.0)) == "unclear"
    assert result(LESS, heard("一养多", 9.0)) == "unclear", "the wrong option is never repaired"


@given(st.text(max_size=60))
def test_respelling_keeps_the_length_and_the_sound(text: str) -> None:
    respelt = respell(text, LESS.ways[1])
    assert len(respelt) == len(text)
    assert respell(respelt, LESS.ways[1]) == respelt


SPELT = {"yes_no": 30.0, "yes_other": 30.0, "known": 30.0, "spelt_undenied": 16.0, "snr_db": 45.0}
TEN = expectation.number(10, ("年",), "")


def spelt(expects: Expectation, text: str, spelling: str, **scores: float) -> str:
    heard = said(text, "voice", confidence=0.3, scores=SPELT | scores, spelt=spelling)
    return result(expects, heard)


def test_what_a_second_reader_spelt_counts_where_the_text_says_nothing() -> None:
    assert spelt(LESS, "灰霜", "可能少") == "right"
    assert spelt(LESS, "灰霜", "惠烧") == "right", "the same syllables"
    assert spelt(LESS, "灰霜", "一样多", yes_no=0.1, no_other=9.0) == "wrong"
    assert spelt(LESS, "灰霜", "可能少", yes_no=2.0) == "unclear", "the known answers doubt it"
    assert spelt(LESS, "灰霜", "会少", yes_other=3.0) == "unclear", "two syllables need more"
    assert spelt(LESS, "灰霜", "可能少", spelt_undenied=5.0) == "unclear", "it may have been denied"
    assert spelt(LESS, "不灰霜", "可能少") == "unclear", "the text denies"
    assert spelt(LESS, "灰霜吗", "可能少") == "unclear", "the text asks"
    assert spelt(LESS, "灰霜", "可能少", snr_db=12.0) == "unclear", "a noisy line"
    assert spelt(LESS, "不知道", "可能少") == "wrong", "what was written stands"
    assert spelt(LESS, "灰霜", "") == "unclear"
    typed = said("灰霜", scores=SPELT, spelt="可能少")
    assert result(LESS, typed) == "unclear"


def test_a_number_that_was_spelt_counts_and_one_that_was_not_is_not_held_against_anybody() -> None:
    assert spelt(TEN, "真念", "十年") == "right"
    assert spelt(TEN, "真念", "十年", yes_no=2.0) == "unclear", "another number is as likely"
    assert spelt(TEN, "四十年", "十年") == "unclear", "text and sound say different numbers"
    assert spelt(TEN, "四十年", "") == "unclear", "the known answers are for ten"
    assert spelt(TEN, "六年", "六年", yes_no=0.1) == "unclear", "not sure enough to be held against"
    heard = said("六年", "voice", confidence=0.6, scores=SPELT | {"yes_no": 0.1})
    assert result(TEN, heard) == "wrong"
    alike = check(TEN, said("四十年", "voice", scores={"snr_db": 45.0}), keys_named=False)
    assert (alike.result, alike.keyed) == ("unclear", True), "是十年 is written so"
    assert result(TEN, said("四十年")) == "wrong", "typed, it is nothing else"
    assert spelt(FIFTEEN, "真念", "十五天") == "unclear", "是五天 sounds the same: by keys"
    assert spelt(FIFTEEN, "真念", "交十五天") == "right"
    assert spelt(SINGLE, "真念", "二十万") == "unclear", "amounts are not among the known answers"


def test_a_number_that_sounds_like_another_is_asked_again() -> None:
    def heard(text: str, **scores: float) -> str:
        return result(FIFTEEN, said(text, "voice", scores=scores))

    alone = {"yes_other": 9.0, "known": 9.0}
    assert heard("15天", **alone, yes_no=2.7) == "unclear"  # 是五天, in white noise at 20 dB
    assert heard("15天", **alone, yes_no=4.0) == "right"
    assert heard("一共就是15天", yes_no=1.5, yes_other=0.1, known=0.1) == "right"
    assert heard("10天", **alone, yes_no=0.1) == "wrong"


def test_fifteen_that_may_be_is_five_is_asked_for_by_keys() -> None:
    """是五天 was written 15天 with the highest ratio there is."""
    scores = {"yes_no": 30.0, "yes_other": 30.0, "known": 30.0, "snr_db": 40.0}
    heard = said("15天", "voice", confidence=0.9, scores=scores)
    checked = check(FIFTEEN, heard, keys_named=False)
    assert (checked.result, checked.keyed) == ("unclear", True)
    assert result(FIFTEEN, heard, keys_named=True) == "right", "五天 was not offered"
    assert result(FIFTEEN, said("15天")) == "right", "typed"
    clear = said("是15天", "voice", confidence=0.9, scores=scores)
    assert result(FIFTEEN, clear) == "right"


def test_the_numbers_that_sound_alike_are_weighed() -> None:
    weighed = FIFTEEN.closed_set
    assert {"十五天", "15天"} <= set(weighed.yes)
    assert {"五天", "是五天", "是5天", "四十五天"} <= set(weighed.no)
    assert SINGLE.closed_set.yes == ()


@pytest.mark.parametrize("expectation", [FIFTEEN, SINGLE, SIGNED, LESS])
def test_in_noise_keys_are_asked_for(expectation: Expectation) -> None:
    for snr, wanted in ((14.0, "unclear"), (24.0, "right")):
        scores = {"yes_no": 9.0, "yes_other": 9.0, "known": 9.0, "snr_db": snr}
        answer = f"是{expectation.answer}" if expectation == FIFTEEN else expectation.answer
        checked = check(expectation, said(answer, "voice", scores=scores), keys_named=False)
        assert (checked.result, checked.keyed) == (wanted, wanted == "unclear")


@pytest.mark.parametrize("text", ["１５天", "１５", "按２"])
def test_wide_digits_are_digits(text: str) -> None:
    wide = expectation.number(15, ("天",), "15")
    assert result(wide, said(text), keys_named=True) in ("right", "wrong")
    assert result(wide, said(text), keys_named=True) == result(
        wide, said(text.translate(str.maketrans("１２５", "125"))), keys_named=True
    )


def test_keys_mean_what_the_question_named() -> None:
    right, wrong = str(FIFTEEN.right + 1), str(2 - FIFTEEN.right)
    assert result(FIFTEEN, said(right, "key"), keys_named=True) == "right"
    assert result(FIFTEEN, said(wrong, "key"), keys_named=True) == "wrong"
    unnamed = check(FIFTEEN, said(right, "key"), keys_named=False)
    assert unnamed.result == "unclear" and unnamed.keyed
    assert check(FIFTEEN, said("7", "key"), keys_named=True).keyed
    assert result(LESS, said("2", "key")) == "right", "a choice names its options in every form"
    assert result(LESS, said("按二", "voice")) == "right"


@given(st.integers(1, 200), st.text(max_size=20))
def test_one_of_two_numbers_is_the_right_one(number: int, key: str) -> None:
    expects = expectation.number(number, ("年",), key)
    assert expects.answer == f"{number}年"
    assert len(set(expects.options)) == 2
    low, high = (int(option.removesuffix("年")) for option in expects.options)
    assert 0 < low < high


@given(st.decimals("0.01", "9999999", places=2), st.text(max_size=20))
def test_one_of_two_amounts_is_the_right_one(yuan: Decimal, key: str) -> None:
    expects = expectation.amount(yuan, key)
    assert result(expects, said(expects.answer)) == "right"
    assert len(set(expects.options)) == 2


@given(st.dates(date(2000, 1, 10), date(2099, 1, 1)), st.text(max_size=20))
def test_one_of_two_dates_is_the_right_one(day: date, key: str) -> None:
    expects = expectation.day(day, key)
    assert result(expects, said(expects.answer)) == "right"
    other = expects.options[1 - expects.right]
    assert result(expects, said(other)) == "wrong"


def checks() -> list[Clause]:
    scripts = [render(p, today=date(2026, 11, 22)) for p in examples()]
    return [c for script in scripts for c in script.clauses.values() if c.checks]


@pytest.mark.parametrize("clause", checks(), ids=lambda clause: clause.id)
def test_every_question_of_the_questionnaire_knows_its_own_answers(clause: Clause) -> None:
    expects = clause.expects
    assert expects is not None
    assert result(expects, said(expects.answer)) == "right"
    assert result(expects, said(expects.options[1 - expects.right])) == "wrong"
    sure = said(expects.answer, "voice", scores={"yes_no": 5.0})
    assert result(expects, sure) == "right"
    for place, ways in enumerate(expects.ways):
        for way in ways:
            wanted = "right" if place == expects.right else "wrong"
            assert result(expects, said(way)) == wanted, way
    assert expects.closed_set.phrases  # no candidate too many, too long or twice


def choices() -> dict[str, Expectation]:
    found = {c.id: c.expects for c in checks()}
    return {id: expects for id, expects in found.items() if expects and expects.kind == "choice"}


@pytest.mark.parametrize(("clause", "expects"), choices().items(), ids=lambda each: str(each)[:4])
def test_no_way_to_answer_a_choice_is_right_turned_round_or_asked(
    clause: str, expects: Expectation
) -> None:
    """Nor by voice where the recogniser may have lost the negation of the wrong answer."""
    right, wrong = expects.ways[expects.right], expects.ways[1 - expects.right]
    for way in right:
        asked = (way + "吗", "是不是" + way, way + "还是" + wrong[0], way + "吧", "好像" + way)
        for text in (*asked, "不" + way, "没" + way, "不是" + way):
            if text not in right:
                assert result(expects, said(text)) != "right", (clause, text)
    for way in wrong:
        for at, sign in enumerate(way):
            if sign in "不没":
                heard = said(way[:at] + way[at + 1 :], "voice")
                assert result(expects, heard) != "right", (clause, way)


@pytest.mark.parametrize(
    ("clause", "text", "wanted"),
    [
        ("B10q", "退的少", "right"), ("B10q", "要亏钱", "right"), ("B10q", "不能全退", "right"),
        ("B10q", "能不能全退", "unclear"), ("B10q", "交多少退多少", "wrong"),
        ("B10q", "退现金价值", "unclear"),
        ("PA1q", "看公司经营", "right"), ("PA1q", "不是年年有", "right"),
        ("PA1q", "不确定", "unclear"), ("PA1q", "年年有", "wrong"),
        ("UL2q", "有赚有赔", "right"), ("UL2q", "没风险", "wrong"),
    ],
)  # fmt: skip
def test_choices_as_people_say_them(clause: str, text: str, wanted: str) -> None:
    assert result(choices()[clause], said(text)) == wanted


@pytest.mark.parametrize("clause", checks(), ids=lambda clause: clause.id)
def test_the_question_does_not_give_its_answer_away(clause: Clause) -> None:
    expects = clause.expects
    assert expects is not None
    if expects.kind != "choice":
        assert expects.answer not in clause.text + clause.plain
    assert all(option in clause.keys for option in expects.options) or expects.kind == "choice"
    assert clause.explain and clause.explain_source


def test_special_care_checks_whatever_can_be_checked() -> None:
    born = date(1954, 5, 30)
    careful = render(policy("unit_linked", birth_date=born))
    assert all(careful.clauses[c.checks].must_check for c in careful.clauses.values() if c.checks)
    for usual in (policy("unit_linked"), policy("ordinary", birth_date=born)):
        script = render(usual)
        assert not script.clauses["B3d"].must_check
        assert script.clauses["B9"].must_check
