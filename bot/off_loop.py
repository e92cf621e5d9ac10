"""Blocking work off the event loop, and not waited for without end.

A disk may hang: a write does not fail, it never returns. The watchdog sees nothing of that, for the
loop goes round. So who stands between a caller and a human waits for the store only so long, and
what may take any time gets a thread of its own, not one that all calls share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from bot.errors import StoreUnavailable

T = TypeVar("T")
ANSWER_S = 6.0
"""For one step of the store. Longer than it waits for another writer (5 s), which it tells better;
a commit takes 4 ms."""
HAND_OVER_S = 3.0
"""For writing that a human takes over: somebody waits for one."""


async def in_time(work: Callable[[], T], within_s: float | None = None) -> T:
    """On a shared worker thread. Raises StoreUnavailable after `within_s` (`ANSWER_S`): what it
    does may be done all the same, later."""
    try:
        async with asyncio.timeout(ANSWER_S if within_s is None else within_s):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise StoreUnavailable("the store does not answer") from None


async def alone(work: Callable[[], T]) -> T:
    """On a thread of its own, however long it takes; the process can end before it."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # who waits may be cancelled, the work cannot be

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    Thread(target=run, name="alone", daemon=True).start()
    return await asyncio.wrap_future(done)
