"""Which numbers a telephone makes of one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.confusable import may_hide_another, neighbours, ways


@pytest.mark.parametrize(
    ("number", "others"),
    [(15, {5, 45}), (5, {15, 45}), (10, {4, 14, 40}), (20, {24, 80}), (1, {7, 11}), (14, {10, 44})],
)
def test_what_may_be_heard_for_a_number(number: int, others: set[int]) -> None:
    assert others <= set(neighbours(number))


@given(st.integers(-5, 300))
def test_a_number_is_no_neighbour_of_itself_and_few_are(number: int) -> None:
    found = neighbours(number)
    assert number not in found
    assert len(found) <= 8
    assert all(1 <= other <= 99 for other in found)
    if not 1 <= number <= 99:
        assert found == ()


def test_the_ways_to_write_a_number() -> None:
    assert {"十五年", "15年", "是15年"} <= set(ways(15, "年"))
    assert "两年" in ways(2, "年")


@pytest.mark.parametrize(
    ("number", "text", "hides"),
    [
        (15, "15年", True), (15, "一共15天", True), (15, "十五天嘛", True), (15, "1十5天", True),
        (15, "交15年", False), (15, "是15天", False), (15, "就是十五年", False),
        (5, "5年", False), (5, "是五年", True), (5, "交五年", False),
        (10, "十年", False), (20, "20年", False), (45, "45天", True), (30, "是30年", False),
    ],
)  # fmt: skip
def test_is_five_and_fifteen_are_not_told_apart(number: int, text: str, hides: bool) -> None:
    assert may_hide_another(number, text) is hides
