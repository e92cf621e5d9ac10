"""Is recognition too busy to take another call? Pure: time is passed in.

Running calls come first: a new caller who gets a human at once loses nothing, twenty who wait two
seconds for every answer lose their patience.
"""

from __future__ import annotations

CALM_SHARE = 0.5  # of the bound; the queue must fall to this …
CALM_S = 5.0  # … and stay there for so long, or every gap between answers would let a call in


class Pressure:
    """Busy as soon as the queue reaches its bound, calm only after a while."""

    def __init__(self, bound: int) -> None:
        """`bound`: tasks running or waiting at which no new call should come. Raises ValueError
        below 1."""
        if bound < 1:
            raise ValueError("the bound is at least 1")
        self.bound = bound
        self._busy = False
        self._calm_since: float | None = 0.0

    def update(self, depth: int, now_s: float) -> None:
        """The number of tasks has changed."""
        if depth >= self.bound:
            self._busy, self._calm_since = True, None
        elif depth > self.bound * CALM_SHARE:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now_s

    def busy(self, now_s: float) -> bool:
        """Whether new calls should go elsewhere."""
        if self._calm_since is not None and now_s - self._calm_since >= CALM_S:
            self._busy = False
        return self._busy
