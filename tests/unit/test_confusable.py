"""Which numbers a telephone makes of one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.confusable import neighbours, ways


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
