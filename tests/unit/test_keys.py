"""One press, one key, however many ways tell of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.keys import WINDOW_MS, KeyOnce, Way

WAYS: tuple[Way, ...] = ("event", "tone", "manager")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("0123456789*#"),
            st.permutations(WAYS),
            st.integers(1, 3),
            st.lists(st.integers(0, 150), min_size=3, max_size=3),
        ),
        max_size=12,
    )
)
def test_every_press_is_told_once(
    presses: list[tuple[str, list[Way], int, list[int]]],
) -> None:
    once, at_ms, told = KeyOnce(), 0, []
    for digit, order, count, delays in presses:
        at_ms += 600
        for way, delay in zip(order[:count], sorted(delays), strict=False):
            if once.new(digit, way, at_ms + delay):
                told.append(digit)
        at_ms += WINDOW_MS  # people cannot press quicker by every way than this test looks at
    assert told == [digit for digit, *_ in presses]


@pytest.mark.parametrize("way", WAYS)
def test_the_same_key_twice_by_one_way_is_two(way: Way) -> None:
    once = KeyOnce()
    assert [once.new("1", way, at) for at in (0, 200, 400)] == [True] * 3


def test_two_quick_presses_told_by_two_ways() -> None:
    once = KeyOnce()
    told = [once.new("1", way, at) for way, at in (("event", 0), ("event", 300))]  # type: ignore[arg-type]
    told += [once.new("1", "manager", at) for at in (310, 320)]
    assert told == [True, True, False, False]


def test_a_key_held_down_is_one_though_its_event_is_late() -> None:
    once = KeyOnce()
    assert once.new("0", "tone", 0)
    once.held("0", 3000)
    assert not once.new("0", "event", 3000 + WINDOW_MS)
