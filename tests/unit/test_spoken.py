"""What somebody stated: numbers, amounts, dates and choices in any reading, and when it is none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers import spoken
from bot.answers.numerals import NUMERALS, cardinal

YEARS = ["年"]
NEAR = date(2026, 11, 20)
OPTIONS = (
    ("一样多", "不会少", "没有损失", "不亏"),
    ("可能少", "会少", "少", "可能比交的少", "有损失", "不一样多", "亏"),
)


# -- numerals


@given(st.integers(0, 10**9 - 1))
def test_every_reading_of_a_whole_number(n: int) -> None:
    hanzi = cn2an.an2cn(str(n), "low")
    for reading in (str(n), hanzi, cn2an.an2cn(str(n), "up"), hanzi.replace("二千", "两千")):
        assert cardinal(reading) == n, reading


@given(st.integers(1, 99), st.integers(1, 9))
def test_a_single_digit_at_the_end_counts_in_tenths(n: int, tail: int) -> None:
    tenths = cn2an.an2cn(str(tail), "low")
    for head in (cn2an.an2cn(str(n), "low"), str(n)):
        assert cardinal(f"{head}万{tenths}") == n * 10_000 + tail * 1000
        assert cardinal(f"{head}.{tail}万") == n * 10_000 + tail * 1000 if head.isdigit() else True


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        ("两万五", "25000"), ("三千五", "3500"), ("一百二", "120"), ("一百零二", "102"),
        ("一万零五百", "10500"), ("一百十五", "115"), ("十二万五", "125000"), ("1万2", "12000"),
        ("三十五点八", "35.8"), ("半", "0.5"), ("俩", "2"), ("廿八", "28"), ("一二零零零", "12000"),
        ("12千", "12000"), ("一亿二", "120000000"),
    ],
)  # fmt: skip
def test_spoken_short_forms(reading: str, value: str) -> None:
    assert cardinal(reading) == Decimal(value)


@pytest.mark.parametrize(
    "reading", ["三四百", "五六", "一五", "0012", "百五", "万", "十十", "五千五千", "一万半", ""]
)
def test_what_is_no_definite_number(reading: str) -> None:
    assert cardinal(reading) is None


@given(st.text(alphabet=NUMERALS.replace("-", "") + ".点", max_size=30))
def test_no_string_of_numerals_breaks_it(text: str) -> None:
    value = cardinal(text)
    assert value is None or value >= 0


# -- a number with its unit


@given(
    st.integers(1, 99), st.sampled_from(["{}年", "一共{}年", "交{}年啊", "嗯，{}", "{}年，{}年"])
)
def test_a_number_stated_in_any_reading(n: int, frame: str) -> None:
    for reading in (str(n), cn2an.an2cn(str(n), "low")):
        assert spoken.number(frame.replace("{}", reading), YEARS).value == n


@given(
    st.integers(1, 99),
    st.sampled_from(
        ["大概{}年", "差不多{}年", "{}来年", "{}多年", "{}年左右", "好像{}年", "{}年吧", "{}年吗",
         "不是{}年", "没有{}年", "不到{}年", "{}到99年", "第{}年", "{}岁", "可能{}年", "{}年以上",
         "至少{}年", "{}年还是三年", "{}年对不对", "{}年？"]
    ),
)  # fmt: skip
def test_what_is_not_stated_for_sure_is_not_stated(n: int, frame: str) -> None:
    for reading in (str(n), cn2an.an2cn(str(n), "low")):
        assert spoken.number(frame.replace("{}", reading), YEARS).value is None


@given(
    st.integers(1, 99),
    st.integers(1, 99),
    st.sampled_from(["{}年，不对，{}年", "{}年不对{}年", "{}，说错了，{}年", "{}年，哦不，{}年"]),
)
def test_a_correction_counts(first: int, second: int, frame: str) -> None:
    said = frame.format(first, second)
    assert spoken.number(said, YEARS).value == second


@given(st.integers(1, 99), st.integers(1, 99))
def test_two_numbers_are_no_answer_unless_they_are_one(first: int, second: int) -> None:
    found = spoken.number(f"{first}年，{second}年", YEARS).value
    assert found == (first if first == second else None)
    denied = spoken.number(f"不是{first}年，是{second}年", YEARS).value
    assert denied == second
    assert spoken.number(f"{first}年不是{second}年", YEARS).value is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("我今年五十岁，交十年", 10), ("每年交三千块，交十五年", 15), ("每月三十五块八", None),
        ("我有十个孩子", None), ("三年半", Decimal("3.5")), ("十五 年", 15), ("１５年", 15),
        ("没错，十五年", 15), ("十五年嘛，知道", 15), ("5 10", None), ("十年到期", 10),
        ("百分之十", None), ("", None),
        ("六十个月", None), ("一共十五", 15), ("十几年", None), ("一样", None), ("万一", None),
        ("一年一万，交三年", 3), ("交3年，一年交12000", 3), ("交十五年，每季度三千", 15),
        ("一年一交，交十年", 10), ("一年交一次", None), ("一年一万", None), ("一年三年", None),
        ("交到2041年", None), ("十五年之内", 15), ("半个月", None), ("十年一万", 10),
    ],
)  # fmt: skip
def test_numbers_among_other_words(said: str, value: object) -> None:
    assert spoken.number(said, YEARS).value == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("半个月", 15), ("半拉月", 15), ("有半个月", 15), ("半个月吧", None), ("半个多月", None),
        ("小半个月", None), ("一个半月", None), ("十五天以内", 15), ("十天以内", 10),
        ("十五天以上", None),
    ],
)  # fmt: skip
def test_days_among_other_words(said: str, value: object) -> None:
    assert spoken.number(said, ("天", "日")).value == value


def test_on_a_telephone_shi_before_a_digit_may_have_been_ten() -> None:
    assert spoken.number("是五年", YEARS).value == 5
    assert spoken.number("是五年", YEARS, by_voice=True).value is None
    assert spoken.amount("是五万", by_voice=True).value is None
    for unmistakable in ("是十五年", "是二十年", "不是三年，是十五年", "是100年"):
        assert spoken.number(unmistakable, YEARS, by_voice=True).value is not None


@pytest.mark.parametrize("said", ["不知道", "我哪知道啊", "忘了", "记不清了", "没注意"])
def test_who_does_not_know_says_so(said: str) -> None:
    assert spoken.number(said, YEARS) == spoken.Stated(why="说不知道", unknown=True)
    assert spoken.choice(said, OPTIONS).unknown


# -- amounts


@given(st.integers(1, 10**7), st.sampled_from(["{}", "{}元", "{}块", "{}块钱", "一共{}块钱"]))
def test_an_amount_stated_in_any_reading(yuan: int, frame: str) -> None:
    for reading in (str(yuan), f"{yuan:,}", cn2an.an2cn(str(yuan), "low")):
        assert spoken.amount(frame.replace("{}", reading)).value == yuan


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("一万二", "12000"), ("12000块", "12000"), ("三十五块八", "35.8"), ("三十五块八毛", "35.8"),
        ("35.80", "35.8"), ("一千五百块零五毛", "1500.5"), ("1500.50元", "1500.5"),
        ("20万块", "200000"), ("十万，不对，二十万", "200000"), ("三千块五年", "3000"),
    ],
)  # fmt: skip
def test_amounts(said: str, value: str) -> None:
    assert spoken.amount(said).value == Decimal(value)


@pytest.mark.parametrize(
    "said", ["一万多", "一万左右", "万把块", "好几万", "十来万", "五年", "不是一万"]
)
def test_no_amount(said: str) -> None:
    assert spoken.amount(said).value is None


# -- dates


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_a_date_stated_in_any_reading(day: date) -> None:
    month, number = (cn2an.an2cn(str(n), "low") for n in (day.month, day.day))
    year = "".join("零一二三四五六七八九"[int(c)] for c in str(day.year))
    for said in (
        f"{day.year}年{day.month}月{day.day}日",
        f"{year}年{month}月{number}号",
        f"{month}月{number}号",
        f"{day.month}月{day.day}",
        day.isoformat(),
        f"我想想，是{month}月{number}日签收的",
    ):
        assert spoken.day(said, day).value == day


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.integers(1, 300))
def test_another_date_is_never_taken_for_it(day: date, off: int) -> None:
    other = day + timedelta(days=off)
    said = f"{other.year}年{other.month}月{other.day}日"
    assert spoken.day(said, day).value == other


@pytest.mark.parametrize(
    "said",
    ["二十号", "去年十一月二十号", "农历十月初二", "大概十一月二十号", "十三月一号",
     "不是十一月二十号", "11月20号到12月5号", "十一月"],
)  # fmt: skip
def test_no_date(said: str) -> None:
    assert spoken.day(said, NEAR).value is None


# -- choices


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("一样多", 0), ("可能少", 1), ("不一样多", 1), ("不会少", 0), ("后面那个", 1),
        ("第一种", 0), ("一样多，不对，可能少", 1), ("会少一点", 1), ("少", 1), ("亏呗", 1),
        ("没错，可能少", 1), ("可能少吧", None), ("不是一样多", None), ("是一样多还是可能少", None),
        ("不少", None), ("多少", None), ("好像会少", None), ("", None), ("嗯", None),
        ("是", None), ("没有", None), ("会不会少", None), ("是不是会少一点", None),
    ],
)  # fmt: skip
def test_choices(said: str, place: int | None) -> None:
    assert spoken.choice(said, OPTIONS).value == place


def test_where_a_lost_negation_would_turn_the_answer_round_it_is_none() -> None:
    for said in ("会少", "有损失", "亏", "一样多"):
        assert spoken.choice(said, OPTIONS, by_voice=True).value is None
    assert spoken.choice("可能少", OPTIONS, by_voice=True).value == 1


# -- anything at all


@given(st.text(max_size=600))
def test_no_text_breaks_it(text: str) -> None:
    spoken.number(text, YEARS)
    spoken.amount(text)
    spoken.day(text, NEAR)
    spoken.choice(text, OPTIONS, by_voice=True)


@pytest.mark.parametrize("text", ["9" * 10_000, "一" * 10_000, "不对" * 5_000, "十万" * 5000])
def test_no_length_slows_it(text: str) -> None:
    spoken.number(text, YEARS)
    spoken.amount(text)
    spoken.day(text, NEAR)
    spoken.choice(text, OPTIONS)
