"""One clock for all calls: every line sends one frame every 20 ms, on an absolute schedule.

Sound written faster than it is played is not heard (see Asterisk's AudioSocket), slower is heard as
gaps. One task serves all lines: a hundred timers would each drift and wake the loop by themselves.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import Protocol

import structlog

from voice.frames import FRAME_MS
from voice.survived import survived

log = structlog.get_logger()

PERIOD_NS = FRAME_MS * 1_000_000
TELL_NS = 10_000_000_000  # between two warnings about stalls
MAX_BURST = 5  # frames sent at once after a short stall; a phone's jitter buffer takes 100 ms


@dataclass(frozen=True, slots=True)
class Due:
    """What a wake-up has to do: first note `skipped` ticks that are lost, then send `frames`."""

    skipped: int
    frames: int


class Schedule:
    """Deadlines at start + n x period. Pure: the time is always passed in, in nanoseconds.

    A short stall is made up for by sending the missed frames at once. After a longer one they are
    given up: a burst would only be thrown away by the phone. The grid itself never moves.
    """

    def __init__(self, start: int, period: int = PERIOD_NS, max_burst: int = MAX_BURST) -> None:
        self.deadline = start
        self._period = period
        self._max_burst = max_burst

    def due(self, now: int) -> Due:
        """Take everything due at `now` off the schedule."""
        if now < self.deadline:
            return Due(0, 0)
        missed = (now - self.deadline) // self._period + 1
        self.deadline += missed * self._period
        if missed > self._max_burst:
            return Due(missed - 1, 1)
        return Due(0, missed)


class Lateness:
    """Histogram of how late frames leave. Seconds; cheap enough for every frame of every call."""

    BOUNDS = (0.001, 0.002, 0.005, 0.010, 0.015, 0.020, 0.030, 0.050, 0.100, 0.200, 0.500, 1.0)

    def __init__(self) -> None:
        self.counts = [0] * (len(self.BOUNDS) + 1)  # the last one: later than every bound
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.total += seconds

    def quantile(self, q: float) -> float:
        """Upper bound of the bucket in which quantile `q` (0..1) lies; infinity beyond the last."""
        rank = q * sum(self.counts)
        for bound, count in zip(self.BOUNDS, self.counts, strict=False):
            rank -= count
            if rank <= 0:
                return bound
        return float("inf")


class Paced(Protocol):
    """Something that sends a frame a tick. No method may block."""

    def tick(self) -> None:
        """Send the next frame, or silence."""

    def hear(self) -> None:
        """All else that belongs to the tick, once every line has sent its frame."""

    def skip(self) -> None:
        """A tick passed in which nothing could be sent."""

    def fail(self, error: Exception, /) -> None:
        """One of the others raised this, and none is called again: end the call."""


class Pacer:
    """Ticks every line added to it. `now` and `sleep` exist for tests."""

    def __init__(self, now: Callable[[], int] = monotonic_ns) -> None:
        self.lateness = Lateness()
        self.skipped = 0  # ticks given up after a stall
        self._told = 0  # of these, how many the log knows of
        self._quiet_until = 0
        self._now = now
        self._lines: dict[Paced, None] = {}  # in the order they came
        self._task: asyncio.Task[None] | None = None
        self._added = asyncio.Event()

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: Paced) -> None:
        """Send the line's first frame now and one every tick from then on."""
        self._lines[line] = None
        self._guard(line, line.tick)
        self._guard(line, line.hear)
        self._added.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="pacer")

    def remove(self, line: Paced) -> None:
        """Stop ticking it; no effect if it was not there."""
        self._lines.pop(line, None)

    async def close(self) -> None:
        self._lines.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            self._added.clear()
            if not self._lines:
                await self._added.wait()
            schedule = Schedule(self._now() + PERIOD_NS)
            while self._lines:
                await asyncio.sleep(max(0, schedule.deadline - self._now()) / 1e9)
                deadline = schedule.deadline
                due = schedule.due(self._now())
                if due.skipped:
                    # Let the sound that arrived during the stall be read before its ticks pass.
                    await asyncio.sleep(0)
                self.serve(due, deadline)

    def serve(self, due: Due, deadline: int) -> None:
        """One wake-up's work for every line; `deadline` is that of the first tick due."""
        if due.skipped:
            self.skipped += due.skipped
            self._tell(self._now())
        first = deadline + due.skipped * PERIOD_NS
        lines = tuple(self._lines)
        for line in lines:
            for _ in range(due.skipped):
                self._guard(line, line.skip)
        for n in range(due.frames):
            for line in lines:
                self._guard(line, line.tick)
                self.lateness.add(max(0, self._now() - first - n * PERIOD_NS) / 1e9)
            for line in lines:
                self._guard(line, line.hear)

    def _tell(self, now: int) -> None:
        """A loaded machine stalls often: one line a while says how much."""
        if now >= self._quiet_until:
            log.warning("pacer.stalled", ticks=self.skipped - self._told, lines=len(self._lines))
            self._told, self._quiet_until = self.skipped, now + TELL_NS

    def _guard(self, line: Paced, step: Callable[[], None]) -> None:
        """A line that fails leaves the schedule; the others never notice."""
        if line not in self._lines:
            return
        try:
            step()
        except Exception as error:
            log.exception("pacer.line_failed")
            self.remove(line)
            with survived("pacer.line_not_ended"):
                line.fail(error)
