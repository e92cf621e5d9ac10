"""Rate limits. Pure: time is a parameter, in seconds."""

from __future__ import annotations

from collections import OrderedDict


class Bucket:
    """A token bucket: `burst` at once, `rate` a second in the long run."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def allows(self, now: float) -> bool:
        """Take one token if there is one."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """Failures by source: after `limit` of them within `window_s`, the source has to wait.

    Remembers at most `sources` sources, the least recent forgotten first, so that an attacker
    with many addresses cannot fill the memory.
    """

    def __init__(self, limit: int, window_s: float, sources: int = 1000) -> None:
        self._limit = limit
        self._window_s = window_s
        self._sources = sources
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, source: str, now: float) -> float:
        """Seconds until the source may try again; 0 = now."""
        recent = [at for at in self._failures.get(source, ()) if now - at < self._window_s]
        if len(recent) < self._limit:
            return 0.0
        return recent[-self._limit] + self._window_s - now

    def failed(self, source: str, now: float) -> None:
        recent = self._failures.setdefault(source, [])
        recent.append(now)
        del recent[: -self._limit]
        self._failures.move_to_end(source)
        if len(self._failures) > self._sources:
            self._failures.popitem(last=False)

    def succeeded(self, source: str) -> None:
        self._failures.pop(source, None)
