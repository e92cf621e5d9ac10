"""One press, one key, however many ways tell of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.keys import WINDOW_MS, KeyOnce, Way

WAYS: tuple[Way, ...] = ("event", "tone", "manager")


LATE_MS = 30_000  # how far the manager's connection lags in these tests
_DELAY = st.integers(0, 150)


@st.composite
def _pressed(draw: st.DrawFn) -> tuple[Way, list[str], list[tuple[int, str, Way]]]:
    """A line with one way that tells of every press, and others that tell of some; what was
    pressed; and the reports of it, in order."""
    sure = draw(st.sampled_from(WAYS))
    digits = draw(st.lists(st.sampled_from("0123456789*#"), max_size=12))
    reports: list[tuple[int, str, Way]] = []
    manager_ms = 0
    for number, digit in enumerate(digits):
        # People cannot press quicker by every way than this test looks at.
        at_ms = number * (600 + WINDOW_MS)
        told = {sure} | draw(st.sets(st.sampled_from(("tone", "manager"))))
        for way in (way for way in WAYS if way in told):
            if way == "manager":  # a stream: what is late makes all behind it late
                manager_ms = max(manager_ms, at_ms + draw(_DELAY | st.integers(0, LATE_MS)))
                reports.append((manager_ms, digit, "manager"))
            else:
                reports.append((at_ms + draw(_DELAY), digit, way))
    return sure, digits, sorted(reports, key=lambda report: report[0])


@given(_pressed())
def test_every_press_is_told_once(
    pressed: tuple[Way, list[str], list[tuple[int, str, Way]]],
) -> None:
    sure, digits, reports = pressed
    once = KeyOnce()
    told = [digit for at_ms, digit, way in reports if once.new(digit, way, at_ms)]
    if sure == "manager":  # those that could be heard may overtake the others
        digits, told = sorted(digits), sorted(told)
    assert told == digits


@given(
    st.lists(
        st.tuples(
            st.sampled_from("0123456789*#"),
            st.permutations(WAYS),
            st.lists(st.integers(0, 150), min_size=3, max_size=3),
        ),
        max_size=12,
    )
)
def test_by_whatever_way_it_comes_first(
    presses: list[tuple[str, list[Way], list[int]]],
) -> None:
    once, told = KeyOnce(), []
    for number, (digit, order, delays) in enumerate(presses):
        for way, delay in zip(order, sorted(delays), strict=True):
            if once.new(digit, way, number * (600 + WINDOW_MS) + delay):
                told.append(digit)
    assert told == [digit for digit, *_ in presses]


@pytest.mark.parametrize(("first", "late"), [("event", "manager"), ("manager", "event")])
def test_a_manager_that_lags_presses_no_second_key(first: Way, late: Way) -> None:
    """It would answer the next term, which was never heard when the key was pressed."""
    once = KeyOnce()
    assert once.new("1", first, 0)
    assert not once.new("1", late, 20_000)
    assert once.new("1", first, 21_000), "pressed again"
    assert not once.new("1", late, 41_000)


def test_a_key_the_manager_did_not_tell_of_makes_the_next_one_late_but_not_lost() -> None:
    once = KeyOnce()
    told = [once.new("0", "event", 0)]  # the manager was away
    told += [once.new("0", way, at) for way, at in (("manager", 9000), ("event", 9020))]  # type: ignore[arg-type]
    assert told == [True, False, True]


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
