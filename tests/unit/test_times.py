"""Times to call again: what people say, and what is said back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.numerals import LONGEST, clean
from bot.answers.times import HORIZON, parse_when, spoken_slot

CHINA = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 19, 14, 7, 31, tzinfo=CHINA)  # a Thursday


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CHINA)


SAID = {
    "明天下午三点": at(11, 20, 15),
    "后天上午": at(11, 21, 10),
    "大后天中午十二点半": at(11, 22, 12, 30),
    "晚上八点": at(11, 19, 20),
    "今晚七点半": at(11, 19, 19, 30),
    "明早九点": at(11, 20, 9),
    "下周一十点半": at(11, 23, 10, 30),
    "下周二十点": at(11, 24, 10),
    "周三三点": at(11, 25, 15),
    "周五下午": at(11, 20, 15),
    "这个星期六上午": at(11, 21, 10),
    "礼拜天晚上六点": at(11, 22, 18),
    "下下周一": at(11, 30, 10),
    "下周吧": at(11, 23, 10),
    "周末": at(11, 21, 10),
    "半小时以后": at(11, 19, 14, 45),
    "半个小时吧": at(11, 19, 14, 45),
    "两个半小时后": at(11, 19, 16, 45),
    "一个小时以后": at(11, 19, 15, 15),
    "二十分钟": at(11, 19, 14, 30),
    "一刻钟以后": at(11, 19, 14, 30),
    "十个小时以后": at(11, 20, 9),
    "过两天": at(11, 21, 10),
    "三天以后下午": at(11, 22, 15),
    "十二月三号上午十点": at(12, 3, 10),
    "12月3日 15:30": at(12, 3, 15, 30),
    "下个月三号": at(12, 3, 10),
    "三号": at(12, 3, 10),
    "三十一号": at(12, 31, 10),
    "三点": at(11, 19, 15),
    "九点": at(11, 20, 9),
    "3点半": at(11, 19, 15, 30),
    "下午三点一刻": at(11, 19, 15, 15),
    "下午两点四十": at(11, 19, 14, 45),
    "明天15点": at(11, 20, 15),
    "明天上午九点零五分": at(11, 20, 9, 15),
    "下午": at(11, 19, 15),
    "上午": at(11, 20, 10),
    "下午再打吧": at(11, 19, 15),
    "明天不行，后天上午": at(11, 21, 10),
    "明天不行后天上午": at(11, 21, 10),
    "现在没空，明天吧": at(11, 20, 10),
    "我在忙，晚上打": at(11, 19, 19),
    "随时": at(11, 19, 15, 15),
    "现在": at(11, 19, 14, 30),
    "现在就行": at(11, 19, 14, 30),
    "就现在吧": at(11, 19, 14, 30),
    "我这会儿就有空": at(11, 19, 14, 30),
    "好，马上打过来吧": at(11, 19, 14, 30),
    "现在行，明天也行": at(11, 20, 10),
    "明天这个时候": at(11, 20, 14, 15),
    "后天下午这个时候吧": at(11, 21, 14, 15),
    "下周三同一时间": at(11, 25, 14, 15),
    "明天三点不太方便，后天这个点": at(11, 21, 14, 15),
    "明天三点不太方便，四点吧": at(11, 20, 16),
    "下周三上午我要上班，下午吧": at(11, 25, 15),
    "明天在上课，后天上午": at(11, 21, 10),
    "我下午要接孩子，晚上吧": at(11, 19, 19),
    "开会到三点，四点打": at(11, 19, 16),
    "明天下午三点吧我要开会到两点半": at(11, 20, 15),
    "除了明天都行": at(11, 19, 15, 15),
    "开完会，三点": at(11, 19, 15),
    "明天不上班，明天吧": at(11, 20, 10),
    "六点下班以后": at(11, 19, 18),
    "什么时候都行": at(11, 19, 15, 15),
    "一会儿再打": at(11, 19, 15, 15),
    "晚一点": at(11, 19, 15, 15),
    "明天下午五點": at(11, 20, 17),
    "明天 下午 3 点 左右": at(11, 20, 15),
}


@pytest.mark.parametrize(("said", "when"), SAID.items(), ids=SAID)
def test_understands(said: str, when: datetime) -> None:
    assert parse_when(said, NOW) == when


@pytest.mark.parametrize(
    "said",
    [
        "", "嗯", "好的", "再说吧", "不用打了", "别再打了", "我在忙", "不方便", "今天上午",
        "现在打不了", "现在不行", "现在忙", "现在可以吗", "马上要开会", "现在别打", "现在不太方便",
        "明天三点不太方便", "明天我没有空", "明天下午没有时间", "今天这个时候不太方便",
        "明天下午三点我在上班", "三点要开会", "明天三点到四点开会", "明天很忙", "明天除外",
        "今天九点", "三点以前", "五点之前", "凌晨两点", "今晚一点", "晚上九点", "晚上十二点",
        "24点", "早上六点", "二月三十号", "十三月一号", "明年三月八号", "九十九号", "下午七十点",
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_asked_again(said: str) -> None:
    assert parse_when(said, NOW) is None


def test_open_hours_are_a_setting() -> None:
    assert parse_when("晚上八点", NOW, open_hours=(9, 18)) is None
    assert parse_when("明天早上八点", NOW, open_hours=(8, 18)) == at(11, 20, 8)
    assert parse_when("随时", at(11, 19, 17, 30), open_hours=(9, 18)) == at(11, 20, 9)


def test_today_late_means_later_today_or_the_next_day() -> None:
    late = at(11, 19, 19, 40)
    assert parse_when("晚上", late) == at(11, 19, 20, 45)
    assert parse_when("晚上", at(11, 19, 20, 30)) == at(11, 20, 19)
    assert parse_when("今天晚上", at(11, 19, 19, 10)) == at(11, 19, 20, 15)
    assert parse_when("八点", late) == at(11, 19, 20)
    assert parse_when("随时", at(11, 19, 20, 30)) == at(11, 20, 9)
    assert parse_when("现在就行", at(11, 19, 20, 50)) == at(11, 20, 9)


def test_the_year_turns() -> None:
    now = datetime(2026, 12, 30, 10, 0, tzinfo=CHINA)
    assert parse_when("一月三号下午三点", now) == datetime(2027, 1, 3, 15, 0, tzinfo=CHINA)
    assert parse_when("三号", now) == datetime(2027, 1, 3, 10, 0, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (at(11, 19, 15), "今天下午三点"),
        (at(11, 20, 14), "明天下午两点"),
        (at(11, 21, 12, 30), "后天中午十二点半"),
        (at(11, 22, 9, 15), "这周日，十一月二十二号，上午九点一刻"),
        (at(11, 23, 18, 45), "下周一，十一月二十三号，晚上六点四十五分"),
        (at(12, 2, 10), "十二月二号，上午十点"),
    ],
)
def test_a_slot_is_said_so_that_it_cannot_be_mistaken(when: datetime, said: str) -> None:
    assert spoken_slot(when, NOW) == said


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31), timezones=st.just(CHINA))
SLOTS = st.tuples(st.integers(0, 58), st.integers(9, 20), st.sampled_from([0, 15, 30, 45]))


@given(MOMENTS, SLOTS)
def test_what_is_read_back_means_what_was_booked(now: datetime, slot: tuple[int, int, int]) -> None:
    days, hour, minute = slot
    when = (now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
    if when > now:
        assert parse_when(spoken_slot(when, now), now) == when


PIECES = (
    *(
        "今天",
        "明天",
        "后",
        "大后天",
        "下",
        "周",
        "星期",
        "一",
        "二",
        "十",
        "三十",
        "两",
        "0",
        "59",
    ),
    *(
        "点",
        "半",
        "刻",
        "分钟",
        "小时",
        "以后",
        "以前",
        "上午",
        "下午",
        "晚上",
        "号",
        "月",
        ":",
        "，",
    ),
    *("随时", "不行", "现在", "这个时候"),
)
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(WORDS | st.text(max_size=40), MOMENTS)
def test_whatever_is_said_the_slot_is_in_the_future_and_in_open_hours(
    said: str, now: datetime
) -> None:
    when = parse_when(said, now)
    if when is not None:
        assert now < when <= now + max(HORIZON, timedelta(days=5))
        assert 9 <= when.hour < 21
        assert (when.minute % 15, when.second, when.microsecond) == (0, 0, 0)


@pytest.mark.parametrize("piece", ["1 ", "一", "3月8号", "下周", "ﷺ", "㎠", "晚", "。"])
def test_long_texts_are_cut_not_chewed(piece: str) -> None:
    """U+FDFA alone becomes eighteen characters; a pattern must not see thousands of them."""
    assert len(clean(piece * 10_000)) <= LONGEST
    parse_when(piece * 10_000, NOW)
