"""Texts that wait to be spoken: urgent ones first, the same one only once."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(order=True)
class Job(Generic[Result]):
    """One text in the queue; ordered by urgency, then by age."""

    order: tuple[int, int]
    text: str = field(compare=False)
    result: asyncio.Future[Result] = field(compare=False)


class Jobs(Generic[Result]):
    """A priority queue that shares identical requests in flight. For one event loop."""

    def __init__(self) -> None:
        self._heap: list[Job[Result]] = []
        self._open: dict[str, Job[Result]] = {}
        self._waiting = asyncio.Event()
        self._age = itertools.count()

    def __len__(self) -> int:
        """Texts not yet spoken, the one in work included."""
        return len(self._open)

    def submit(self, text: str, *, urgent: bool) -> asyncio.Future[Result]:
        """The future of `text`, new or shared. Shield it: others may wait for it too."""
        order = (0 if urgent else 1, next(self._age))
        job = self._open.get(text)
        if job is None:
            result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            result.add_done_callback(lambda done: done.cancelled() or done.exception())
            job = Job(order, text, result)
            self._open[text] = job
            heapq.heappush(self._heap, job)
        elif order[0] < job.order[0]:
            job = Job(order, text, job.result)  # overtakes; the older entry is skipped when met
            self._open[text] = job
            heapq.heappush(self._heap, job)
        self._waiting.set()
        return job.result

    async def take(self) -> Job[Result]:
        """The most urgent job; waits for one. It stays in flight until `finish`."""
        while True:
            while self._heap:
                job = heapq.heappop(self._heap)
                if self._open.get(job.text) is job:
                    return job
            self._waiting.clear()
            await self._waiting.wait()

    def finish(self, job: Job[Result], outcome: Result | Exception) -> None:
        """Give everybody who waits the result or the error."""
        self._open.pop(job.text, None)
        if job.result.done():
            return
        if isinstance(outcome, Exception):
            job.result.set_exception(outcome)
        else:
            job.result.set_result(outcome)

    def fail_all(self, error: Exception) -> None:
        """Nobody will speak these any more."""
        for job in list(self._open.values()):
            self.finish(job, error)
        self._heap.clear()
