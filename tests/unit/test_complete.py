"""What the words say about whether more will come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from voice.frames import Transcript
from voice.listening.closed_set import YES_NO
from voice.listening.complete import verdict
from voice.listening.endpoint import Verdict
from voice.listening.whole import Wanted

SURE_YES = {"yes_no": 30.0, "yes_other": 30.0}
SURE_NO = {"yes_no": 0.03, "yes_other": 1.0}
REQUEST = {"yes_no": 1.0, "yes_other": 0.05, "urgent": 30.0}


def heard(
    text: str, scores: Mapping[str, float] | None = None, confidence: float = 0.8
) -> Transcript:
    return Transcript(text, confidence, 0.0, "script", 1.0, scores=scores or {})


@pytest.mark.parametrize(
    "text", ["是的", "对。", "是的，我清楚了。", "好的谢谢", "对对对对", "是我"]
)
def test_a_yes_whose_sound_agrees_is_clear(text: str) -> None:
    assert verdict(heard(text, SURE_YES), YES_NO) is Verdict.CLEAR
    assert verdict(heard(text), YES_NO) is Verdict.CLEAR  # an engine without scores
    assert verdict(heard(text, confidence=0.2), YES_NO) is Verdict.OPEN


@pytest.mark.parametrize("name", ["yes_no", "yes_other"])
def test_a_yes_whose_sound_hesitates_waits(name: str) -> None:
    assert verdict(heard("是的", SURE_YES | {name: 2.0}), YES_NO) is Verdict.OPEN


def test_a_no_is_clear_unless_it_sounds_like_a_yes() -> None:
    assert verdict(heard("不清楚。", SURE_NO), YES_NO) is Verdict.CLEAR
    assert verdict(heard("没有，没有", SURE_NO), YES_NO) is Verdict.CLEAR
    assert verdict(heard("不清楚", {"yes_no": 1.2, "yes_other": 2.0}), YES_NO) is Verdict.OPEN


def test_requests_are_clear_and_hedges_are_not() -> None:
    assert verdict(heard("转人工。", REQUEST), YES_NO) is Verdict.CLEAR
    assert verdict(heard("再说一遍", REQUEST), YES_NO) is Verdict.CLEAR
    assert verdict(heard("差不多", REQUEST), YES_NO) is Verdict.OPEN
    assert verdict(heard("再说一遍", SURE_YES), YES_NO) is Verdict.OPEN


def test_a_misheard_yes_may_be_clear_by_its_sound() -> None:
    assert verdict(heard("切任", SURE_YES), YES_NO) is Verdict.CLEAR
    assert verdict(heard("切任", {"yes_no": 30.0}), YES_NO) is Verdict.OPEN
    assert verdict(heard("切任", {"yes_no": 30.0, "yes_other": 4.0}), YES_NO) is Verdict.OPEN
    assert verdict(heard("这个人我不认识的", SURE_YES), YES_NO) is Verdict.OPEN


@pytest.mark.parametrize("text", ["不切任", "不清除", "不知当", "没熟的"])
def test_a_misheard_no_is_clear_by_its_sign_and_its_sound(text: str) -> None:
    assert verdict(heard(text, SURE_NO), YES_NO) is Verdict.CLEAR
    assert verdict(heard(text, {"yes_no": 0.5, "yes_other": 0.1}), YES_NO) is Verdict.OPEN
    assert verdict(heard("莫熟的", SURE_NO), YES_NO) is Verdict.OPEN


@pytest.mark.parametrize(
    "text",
    [
        *("嗯", "嗯…", "我", "我，我", "那个", "就是"),
        *("是的，但是", "清楚是清楚，不过", "他跟我说", "我买的时候就是", "因为"),
        *("一九五四年", "一九五四年三月", "1954", "三二一", "幺零"),
    ],
)
def test_what_is_not_finished_waits_for_the_rest(text: str) -> None:
    assert verdict(heard(text, SURE_YES), YES_NO) is Verdict.INCOMPLETE
    assert verdict(heard(text), None) is Verdict.INCOMPLETE


@pytest.mark.parametrize("written", ["", "修倒了", "收导了"])
def test_what_the_second_reader_spelt_is_clear_where_the_sound_agrees(written: str) -> None:
    spelt = replace(heard(written, SURE_YES), spelt="收到了")
    assert verdict(spelt, YES_NO) is Verdict.CLEAR
    assert verdict(replace(spelt, scores={"yes_no": 2.0, "yes_other": 9.0}), YES_NO) is Verdict.OPEN
    assert verdict(replace(spelt, spelt="应该是吧", scores=REQUEST), YES_NO) is Verdict.OPEN
    assert verdict(spelt, None) is Verdict.OPEN


def test_without_a_closed_set_or_a_number_asked_for_nothing_is_clear() -> None:
    assert verdict(heard("一九五四年三月八号"), None) is Verdict.OPEN  # 下午三点 may follow
    assert verdict(heard("是的"), None) is Verdict.OPEN
    assert verdict(heard("明天下午三点"), None) is Verdict.OPEN


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("一、二、三、八", Wanted("identity")),  # said: 一…零…八…, and the fourth is to come
        ("十五年", Wanted("count", ("年",))),
        ("十一月十号", Wanted("month_day")),
        ("一万两千元", Wanted("amount")),
    ],
)
def test_a_whole_number_that_is_a_guess_may_go_on(text: str, wanted: Wanted) -> None:
    assert verdict(heard(text, confidence=0.6), None, wanted) is Verdict.CLEAR
    assert verdict(heard(text, confidence=0.45), None, wanted) is not Verdict.CLEAR


def test_digits_that_are_a_guess_wait_for_the_rest() -> None:
    guess = heard("一、二、三、八", confidence=0.42)
    assert verdict(guess, None, Wanted("identity")) is Verdict.INCOMPLETE


def test_nothing_heard_is_an_ordinary_utterance() -> None:
    assert verdict(heard(""), YES_NO) is Verdict.OPEN
    assert verdict(heard("。"), YES_NO) is Verdict.OPEN
