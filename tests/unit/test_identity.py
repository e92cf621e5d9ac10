"""Identity: every way to state a birth date or four digits, and nothing less than all of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.answers.identity import KeyCollector, check
from tests.unit.policies import policy

HANZI = "〇一二三四五六七八九"
HOLDER = policy(birth_date=date(1954, 3, 8), id_number="99000119540308122X")
DATES = st.dates(date(1926, 1, 1), date(2008, 12, 31))


def digits(number: int | str, one: str = "一") -> str:
    return "".join(HANZI[int(d)] for d in str(number)).replace("一", one)


def spoken(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (HANZI[tens] if tens > 1 else "") + "十" * (tens > 0) + (HANZI[ones] if ones else "")


READINGS: list[Callable[[date], str]] = [
    lambda d: f"{digits(d.year)}年{spoken(d.month)}月{spoken(d.day)}号",
    lambda d: f"{digits(d.year)}年的{spoken(d.month)}月{spoken(d.day)}日",
    lambda d: f"我是{digits(d.year)} {spoken(d.month)}月{spoken(d.day)}号生的",
    lambda d: f"{spoken(d.month)}月{spoken(d.day)}号生的，{digits(d.year)}年",
    lambda d: f"{digits(str(d.year)[2:])}年{spoken(d.month)}月{spoken(d.day)}",
    lambda d: f"{d.year}年{d.month}月{d.day}日。",
    lambda d: f"{d.year} 年 {d.month} 月 {d.day} 日",
    lambda d: f"{d.year}年{d.month:02}月{d.day:02}號",
    lambda d: f"{d:%y}年{d.month}月{d.day}日",
    lambda d: f"{d:%Y%m%d}",
    lambda d: f"{d:%Y %m%d}",
    lambda d: f"{d:%Y-%m-%d}",
    lambda d: f"{d.year}/{d.month}/{d.day}",
    lambda d: f"{d.year}.{d.month}.{d.day}",
    lambda d: f"{d.year}, {d.month}, {d.day}",
    lambda d: f"{d:%Y}年{d:%m%d}",
    lambda d: digits(f"{d:%Y%m%d}", "幺"),
    lambda d: "，".join(f"{d:%Y%m%d}"),
    lambda d: f"我说一下，{digits(d.year)}年{spoken(d.month)}月{spoken(d.day)}号，对不对",
]


@pytest.mark.parametrize("reading", READINGS)
@given(born=DATES)
def test_every_reading_of_the_birth_date_is_understood(
    reading: Callable[[date], str], born: date
) -> None:
    assert check(reading(born), policy(birth_date=born)) == "ok", reading(born)


@pytest.mark.parametrize("reading", READINGS)
@given(said=DATES, born=DATES)
def test_another_date_is_wrong_in_every_reading(
    reading: Callable[[date], str], said: date, born: date
) -> None:
    assume((said.year % 100, said.month, said.day) != (born.year % 100, born.month, born.day))
    assert check(reading(said), policy(birth_date=born)) == "wrong", reading(said)


FOUR: list[Callable[[str], str]] = [
    lambda n: n,
    lambda n: f"后四位是{n}",
    lambda n: f"尾号{n}。",
    lambda n: f"身份证最后4位，{n}",
    lambda n: " ".join(n),
    lambda n: f"{n[:2]} {n[2:]}",
    lambda n: f"{n}，{n}",
    lambda n: "".join("叉" if c == "X" else "幺" if c == "1" else HANZI[int(c)] for c in n),
    lambda n: n.lower().replace("x", "艾克斯"),
    lambda n: f"嗯，我看一下啊，{n}",
]
LAST4 = st.from_regex(r"[0-9]{3}[0-9X]", fullmatch=True)


@pytest.mark.parametrize("reading", FOUR)
@given(last=LAST4, other=LAST4)
def test_the_last_four_are_understood_and_others_are_wrong(
    reading: Callable[[str], str], last: str, other: str
) -> None:
    holder = policy(id_number="99000119540308" + last)
    assert check(reading(last), holder) == "ok", reading(last)
    assert check(reading(other), holder) == ("ok" if other == last else "wrong"), reading(other)


@pytest.mark.parametrize(
    "said",
    [
        "", "嗯", "是我", "我不记得了", "一下", "等一下啊",
        "一九五四年", "1954年", "三月八号", "54年3月", "8号", "我今年七十二",
        "五四年三月初八", "农历三月八号，一九五四年", "一九五四年腊月八号", "阴历1954年3月8日",
        "1954年3月8号，不对，3月9号", "1954年3月8号还是1955年3月8号", "122X或者1234",
        "22X", "0122X", "122X0", "122X122X", "540308", "9900011954030", "19540308122X",
        "我一九五四年十三月八号生的", "一九五四年三月八十号", "12 2X 5", "12122X", "122X4位",
        "一百二十二叉",
    ],
)  # fmt: skip
def test_anything_but_one_whole_value_is_unheard(said: str) -> None:
    assert check(said, HOLDER) == "unheard"


AROUND = st.from_regex(r"[0-9]{0,14}", fullmatch=True)


@given(before=AROUND, after=AROUND)
def test_the_value_inside_a_longer_number_never_passes(before: str, after: str) -> None:
    assume(before or after)
    holder = policy(birth_date=date(1954, 3, 8), id_number="990001195403081226")
    assume(f"{before}1226{after}" != holder.id_number)
    assert check(f"{before}1226{after}", holder) != "ok"
    assert check(digits(f"{before}1226{after}"), holder) != "ok"
    assume(f"{before}19540308{after}" != holder.id_number)
    assert check(f"{before}19540308{after}", holder) != "ok"


@given(st.text(alphabet="零一二三四五六七八九十年月日号0123456789X，。 后位是", max_size=24))
def test_chance_never_states_the_whole_value(said: str) -> None:
    """Whatever passes must hold every digit of the birth date or of the last four."""
    if check(said, HOLDER) == "ok":
        plain = said.translate(str.maketrans("零一二三四五六七八九", "0123456789"))
        held = "".join(c for c in plain if c in "0123456789X")
        assert "122X" in held or ("54" in held and "3" in held and "8" in held)


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(said: str) -> None:
    assert check(said, HOLDER) in {"ok", "wrong", "unheard"}


def test_two_values_in_one_breath_must_both_be_right() -> None:
    assert check("一九五四年三月八号生的，后四位122X", HOLDER) == "ok"
    assert check("一九五四年三月八号生的，后四位1234", HOLDER) == "wrong"
    assert check("一九五五年三月八号生的，后四位122X", HOLDER) == "wrong"


def test_the_whole_id_number_counts() -> None:
    assert check("九九〇〇〇一一九五四〇三〇八一二二叉", HOLDER) == "ok"
    assert check("99000119540308123X", HOLDER) == "wrong"


def press(keys: str, gap_ms: int = 400) -> tuple[KeyCollector, list[str]]:
    collector, found = KeyCollector(), []
    for n, key in enumerate(keys):
        number = collector.press(key, n * gap_ms)
        if number is not None:
            found.append(number)
    return collector, found


@pytest.mark.parametrize(
    ("keys", "number"),
    [("19540308", "19540308"), ("122*", "122X"), ("1234#", "1234"), ("12#", "12")],
)
def test_keys_make_a_number(keys: str, number: str) -> None:
    collector, found = press(keys)
    assert found == [number]
    assert collector.pending == ""


def test_four_digits_are_complete_after_a_pause() -> None:
    collector, found = press("1234")
    assert found == []
    assert not collector.stale(1200 + 2500)
    assert collector.stale(1200 + 2501)
    assert collector.finish() == "1234"
    assert not collector.stale(1200 + 9999)


@pytest.mark.parametrize("key", ["0", "*", "#"])
def test_the_first_key_may_be_a_command(key: str) -> None:
    collector = KeyCollector()
    assert not collector.takes(key)
    assert collector.press(key, 0) is None
    assert collector.pending == ""


@given(st.text(alphabet="0123456789*#", max_size=40))
def test_keys_never_make_more_than_eight_digits(keys: str) -> None:
    collector, found = press(keys)
    for number in [*found, collector.pending]:
        assert len(number) <= 8
        assert not number.startswith("0")
        assert "X" not in number[:3] + number[4:]
