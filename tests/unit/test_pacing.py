"""The pacer's schedule and its treatment of lines, with a clock made of a number."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.pacing import MAX_BURST, PERIOD_NS, Due, Lateness, Pacer, Schedule

MS = 1_000_000


def test_one_frame_a_period() -> None:
    schedule = Schedule(start=0)
    assert [schedule.due(n * PERIOD_NS) for n in range(4)] == [Due(0, 1)] * 4
    assert schedule.due(3 * PERIOD_NS + 19 * MS) == Due(0, 0)


def test_late_wake_ups_do_not_move_the_grid() -> None:
    schedule = Schedule(start=0)
    for n in range(1000):
        assert schedule.due(n * PERIOD_NS + 7 * MS) == Due(0, 1)
    assert schedule.deadline == 1000 * PERIOD_NS


def test_a_short_stall_is_made_up_for_and_a_long_one_is_not() -> None:
    schedule = Schedule(start=0)
    assert schedule.due((MAX_BURST - 1) * PERIOD_NS) == Due(0, MAX_BURST)
    assert schedule.due(schedule.deadline + MAX_BURST * PERIOD_NS) == Due(MAX_BURST, 1)
    assert schedule.deadline % PERIOD_NS == 0


@given(st.lists(st.integers(0, 2_000 * MS), max_size=60))
def test_every_period_is_sent_or_skipped_exactly_once(steps: list[int]) -> None:
    schedule, now, ticks = Schedule(start=0), 0, 0
    for step in steps:
        now += step
        due = schedule.due(now)
        assert due.frames <= MAX_BURST
        ticks += due.skipped + due.frames
    assert ticks == (now // PERIOD_NS + 1 if steps else 0)


def test_quantiles_are_upper_bounds_of_their_bucket() -> None:
    lateness = Lateness()
    for ms in (0.5, 0.5, 0.5, 4, 900, 5000):
        lateness.add(ms / 1000)
    assert lateness.quantile(0.5) == 0.001
    assert lateness.quantile(0.66) == 0.005
    assert lateness.quantile(0.99) == float("inf")
    assert sum(lateness.counts) == 6


class Probe:
    """A line that notes what happens to it."""

    def __init__(self) -> None:
        self.ticks = 0
        self.heard = 0
        self.skips = 0
        self.error: Exception | None = None

    def tick(self) -> None:
        self.ticks += 1

    def hear(self) -> None:
        self.heard += 1

    def skip(self) -> None:
        self.skips += 1

    def fail(self, error: Exception, /) -> None:
        self.error = error


class Broken(Probe):
    def tick(self) -> None:
        super().tick()
        if self.ticks == 2:
            raise RuntimeError("broken")


async def test_the_first_frame_leaves_at_once() -> None:
    pacer, line = Pacer(), Probe()
    pacer.add(line)
    assert line.ticks == 1
    await pacer.close()


async def test_a_stall_passes_ticks_on_every_line() -> None:
    now = 0
    pacer = Pacer(now=lambda: now)
    lines = [Probe(), Probe()]
    for line in lines:
        pacer.add(line)
    pacer.serve(Due(skipped=9, frames=1), deadline=0)
    assert [(line.ticks, line.skips) for line in lines] == [(2, 9), (2, 9)]
    assert pacer.skipped == 9
    await pacer.close()


async def test_every_line_has_sent_before_any_listens() -> None:
    pacer, order = Pacer(), list[str]()

    class Noting(Probe):
        def tick(self) -> None:
            order.append("sent")

        def hear(self) -> None:
            order.append("heard")

    for line in (Noting(), Noting()):
        pacer.add(line)
    order.clear()
    pacer.serve(Due(0, 2), deadline=0)
    assert order == ["sent", "sent", "heard", "heard"] * 2
    await pacer.close()


async def test_lateness_counts_from_each_frames_own_deadline() -> None:
    now = 45 * MS
    pacer, line = Pacer(now=lambda: now), Probe()
    pacer.add(line)
    pacer.serve(Due(skipped=0, frames=3), deadline=0)
    assert pacer.lateness.total == pytest.approx(0.045 + 0.025 + 0.005)
    await pacer.close()


async def test_a_line_that_breaks_is_told_and_the_others_go_on() -> None:
    pacer, broken, good = Pacer(), Broken(), Probe()
    pacer.add(broken)
    pacer.add(good)
    for _ in range(3):
        pacer.serve(Due(0, 1), deadline=0)
    assert isinstance(broken.error, RuntimeError)
    assert broken.ticks == 2
    assert good.ticks == 4
    await pacer.close()


async def test_a_line_that_cannot_even_be_ended_silences_no_other() -> None:
    class Hopeless(Broken):
        def fail(self, error: Exception, /) -> None:
            raise OSError("no transport")

    pacer, good = Pacer(), Probe()
    pacer.add(Hopeless())
    pacer.add(good)
    for _ in range(3):
        pacer.serve(Due(0, 1), deadline=0)
    assert good.ticks == 4
    await pacer.close()


async def test_lines_may_leave_during_a_tick() -> None:
    pacer, other = Pacer(), Probe()

    class Leaver(Probe):
        def tick(self) -> None:
            super().tick()
            if self.ticks == 2:
                pacer.remove(other)

    pacer.add(Leaver())
    pacer.add(other)
    pacer.serve(Due(0, 1), deadline=0)
    assert other.ticks == 1
    await pacer.close()


async def test_real_time() -> None:
    """A busy machine wakes us late, but not each time; a wrong pacer is wrong each time."""
    pacer = Pacer()
    for _ in range(20):
        line, again = Probe(), Probe()
        pacer.add(line)
        await asyncio.sleep(0.5)
        pacer.remove(line)
        await asyncio.sleep(0.05)
        pacer.add(again)  # an idle pacer wakes up
        await asyncio.sleep(0.1)
        pacer.remove(again)
        if 23 <= line.ticks + line.skips <= 27 and again.ticks >= 4 and again.skips == 0:
            break
    else:
        pytest.fail(f"{line.ticks} + {line.skips} in 0.5 s, {again.ticks} + {again.skips} in 0.1 s")
    await pacer.close()
