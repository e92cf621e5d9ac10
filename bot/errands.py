"""Work begun from a callback of the event loop, which cannot wait for it: kept until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

GRACE_S = 5.0  # for what is under way when everything closes


class Errands:
    """Tasks of one owner. An errand deals with its own errors."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, job: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(job, name=name)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_S)
