"""A number is whole when it holds all that was asked for, and cannot be the beginning of more."""

from __future__ import annotations

import pytest

from voice.frames import Transcript
from voice.listening.complete import verdict
from voice.listening.endpoint import Verdict
from voice.listening.whole import Wanted, whole

YEARS, DAYS = Wanted("count", ("年",)), Wanted("count", ("天", "日"))
YUAN, CENTS = Wanted("amount"), Wanted("amount", cents=True)
MONTH_DAY, IDENTITY = Wanted("month_day"), Wanted("identity")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *((text, YEARS) for text in ("十五年", "15年", "一共是十年", "要交二十年的", "5年啊")),
        *((text, DAYS) for text in ("十五天", "15天", "一百八十天", "十五日", "一共三十天吧")),
        *((text, YUAN) for text in ("一万二千元", "12000块", "一次交了十万块钱", "两千块整")),
        *((text, CENTS) for text in ("一千五百元五角", "1500元5角", "三十五块八毛", "五分钱")),
        *((text, MONTH_DAY) for text in ("十一月十号", "11月10日签收的", "二零二六年十一月十日")),
        *(
            (text, IDENTITY)
            for text in ("一九五四年三月八号", "1954年3月8日出生的", "五四年三月八日")
        ),
        *((text, IDENTITY) for text in ("7788", "后四位是1083", "三二一四", "幺零二X", "108叉")),
        *((text, IDENTITY) for text in ("19540308", "一九五四零三零八", "99000119540308122X")),
    ],
)
def test_all_of_it_is_whole(text: str, wanted: Wanted) -> None:
    assert whole(text, wanted)
    assert verdict(Transcript(text, 0.8, 0.0, "script", 1.0), None, wanted) is Verdict.CLEAR


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(
            (text, YEARS)
            for text in ("十", "十五", "15", "二零二六年", "第十年", "不是十年", "年", "15天")
        ),
        *((text, DAYS) for text in ("一百", "15", "180", "十五年", "天")),
        *((text, YUAN) for text in ("一万", "一万二", "一万两千", "12000", "三千块五")),
        *((text, CENTS) for text in ("一千五百元", "1500块钱", "1500")),
        *((text, MONTH_DAY) for text in ("十一月", "十一月十", "11月1", "二零二六年十一月")),
        *(
            (text, IDENTITY)
            for text in ("一九五四", "1954", "一九五四年", "一九五四年三月", "2003")
        ),
        *(
            (text, IDENTITY)
            for text in ("五四零三", "2101", "一零八", "54030", "195403", "19541308")
        ),
        *((text, IDENTITY) for text in ("一九五四年三月八", "我的后四", "1083年", "10831")),
    ],
)
def test_what_may_go_on_is_not(text: str, wanted: Wanted) -> None:
    assert not whole(text, wanted)
    assert verdict(Transcript(text, 0.8, 0.0, "script", 1.0), None, wanted) is not Verdict.CLEAR


@pytest.mark.parametrize("text", ["十五", "15", "一万", "12000", "1954", "五四零三"])
def test_a_bare_number_waits_as_long_as_people_think(text: str) -> None:
    for wanted in (YEARS, YUAN, IDENTITY):
        heard = Transcript(text, 0.8, 0.0, "script", 1.0)
        assert verdict(heard, None, wanted) is Verdict.INCOMPLETE


def test_a_request_ends_a_number_question_too() -> None:
    for text in ("转人工。", "再说一遍"):
        heard = Transcript(text, 0.8, 0.0, "script", 1.0)
        assert verdict(heard, None, YEARS) is Verdict.CLEAR
        assert verdict(heard, None) is Verdict.OPEN
    for text in ("差不多", "喂", "不知道"):
        assert verdict(Transcript(text, 0.8, 0.0, "script", 1.0), None, YEARS) is Verdict.OPEN


def test_what_is_guessed_is_not_whole() -> None:
    assert verdict(Transcript("十五年", 0.2, 0.0, "script", 1.0), None, YEARS) is Verdict.OPEN
