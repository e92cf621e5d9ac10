"""What typed words of another language stand for, and what they never do."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.questionnaires import translation
from bot.questionnaires.foreign import MEANINGS, Written
from voice.listening.closed_set import ClosedSet

KOREAN = translation.load("ko-2026.1").foreign


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("예", "是"),
        (" 네. ", "是"),
        ("네!", "是"),
        (unicodedata.normalize("NFD", "네"), "是"),  # as some telephones write it
        ("아니요", "不是"),
        ("아니 요.", "不是"),
        ("다시", "再说一遍"),
        ("다시 한번", "再说一遍"),
        ("상담원", "转人工"),
        ("상담원 좀 바꿔 주세요", "转人工"),
        ("네, 그런데 상담원과 이야기하고 싶어요", "转人工"),
        ("무슨 뜻입니까?", ""),  # with a mark that may make a question of a yes: asked again
        ("무슨 뜻입니까", "这是什么意思"),
        ("15년", "15年"),
        ("15 일", "15日"),
        ("1979년 4월 25일", "1979年4月25日"),
        ("12000위안", "12000元"),
        ("내일 오후 3시 반", "明天下午3点半"),
        ("1234", "1234"),
        ("清楚", "清楚"),  # Mandarin is heard as on the Mandarin page
    ],
)
def test_what_is_in_the_table_is_meant(message: str, meant: str) -> None:
    assert KOREAN.read(message) == meant


@pytest.mark.parametrize(
    "message",
    [
        "네?", "예?", "네 아니요", "예, 아니요", "네, 그런 것 같아요", "네 그런데 잘 모르겠어요",
        "아마 네", "예예예", "응", "그래", "글쎄요", "아니", "네네 아마도", "안녕하세요",
        "15년이 아닙니다", "잘 알고 있지 않습니다",
        "약 15년", "15년쯤", "네 15년", "清楚 네", "네。아니요", "ㅇㅇ", "ㄴㄴ",
    ],
)  # fmt: skip
def test_anything_else_is_no_words_at_all(message: str) -> None:
    assert KOREAN.read(message) == ""


@given(st.text(alphabet="예네아니요알겠습다. !?모르1년是不 ", max_size=12))
def test_a_yes_is_found_only_where_nothing_but_a_yes_was_written(message: str) -> None:
    if KOREAN.read(message) == "是" and message.strip() != "是":
        assert "".join(c for c in message if c not in " .!") in {"예", "네"}


@given(st.text(max_size=200))
def test_no_text_is_too_strange(message: str) -> None:
    meant = KOREAN.read(message)
    if meant != message:
        assert meant in MEANINGS or not any("가" <= c <= "힣" for c in meant)


def test_an_option_of_the_open_question_stands_for_itself() -> None:
    options = ClosedSet(yes=("적을수있다",), no=("똑같다",))
    assert KOREAN.read("적을 수 있다.", options) == "적을수있다"
    assert KOREAN.read("적을 수 있다는 말은 못 들었습니다", options) == ""
    assert KOREAN.read("똑같다") == ""


def test_fixed_expressions_are_written_whole_or_not_at_all() -> None:
    written = Written.of({"{}年": "{}년", "终身": "종신", "至{}周岁": "만 {}세까지"})
    assert [written(t) for t in ("20年", "终身", "至80周岁")] == ["20년", "종신", "만 80세까지"]
    assert written("20年以上") == "20年以上"
    with pytest.raises(ValueError, match="as many"):
        Written.of({"{}年": "년"})
