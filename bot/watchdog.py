"""A bot that hangs is worse than one that is dead: the exchange waits for it in silence.

When the event loop has not come round for `LIMIT_S`, the process ends at once. Its sockets close,
and the dialplan gives every caller to a human, as after any crash. What was committed is on disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from time import monotonic

LIMIT_S = 10.0  # a loaded machine stalls for a second or two, never this long
BEAT_S = 0.5
STATUS = 70  # EX_SOFTWARE, sysexits.h


class Watchdog:
    """`async with Watchdog():` around everything that serves calls."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._beaten_at = monotonic()
        self._over = threading.Event()

    async def __aenter__(self) -> None:
        self._beaten_at = monotonic()
        self._beating = asyncio.create_task(self._beat(), name="watchdog")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        self._beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._beaten_at = monotonic()
            await asyncio.sleep(min(BEAT_S, self._limit_s / 4))

    def _watch(self) -> None:
        while not self._over.wait(min(BEAT_S, self._limit_s / 4)):
            if monotonic() - self._beaten_at > self._limit_s:
                message = f"huifang: no sign of life for {self._limit_s:g} s; ending, so that the "
                sys.stderr.write(message + "exchange gives its callers to humans\n")
                sys.stderr.flush()
                os._exit(STATUS)
