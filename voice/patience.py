"""Small counters over a call's 20 ms ticks: how long nobody spoke, who spoke over us, who is heard
out."""

from __future__ import annotations

from collections import deque

from voice.frames import FRAME_MS, Silence


class Patience:
    """Counts how long nobody spoke. Pure: time is the number of ticks.

    Speech and keys start the count anew; one `Silence` comes out per `expect`.
    """

    def __init__(self) -> None:
        self._left: int | None = None  # ticks; None = nothing is expected
        self._whole = 0

    def expect(self, seconds: float) -> None:
        """Wait this long from now on, in place of what was expected before."""
        self._whole = self._left = max(1, round(seconds * 1000 / FRAME_MS))

    def again(self) -> None:
        """Start the count anew if it is running."""
        if self._left is not None:
            self._left = self._whole

    def tick(self, *, quiet: bool, now_ms: int) -> Silence | None:
        """One tick. `quiet`: neither side spoke in it and nothing is being recognised."""
        if self._left is None:
            return None
        if not quiet:
            self.again()
            return None
        self._left -= 1
        if self._left > 0:
            return None
        self._left = None
        return Silence(now_ms, self._whole * FRAME_MS / 1000)


class BargeIn:
    """Tells a voice over a clause from a click. Pure. Whether it is speech, and the caller's, has
    to be asked of others, who take their time."""

    def __init__(self, window_ms: int = 200, share: float = 0.7, again_ms: int = 60) -> None:
        """True once `share` of the last `window_ms` was the caller's voice: speech has gaps. Then
        again every `again_ms` while it lasts, for whoever was not yet sure that it is speech."""
        self._window: deque[bool] = deque(maxlen=window_ms // FRAME_MS)
        self._needed = round(window_ms // FRAME_MS * share)
        self._every = again_ms // FRAME_MS
        self._rest = 0  # ticks until it may be said again

    def tick(self, *, voice: bool, over: bool) -> bool:
        """One tick. `voice`: the caller speaks; `over`: a clause that may be cut is sounding.
        True when the clause is to be cut, if it is speech that was heard."""
        if not over:
            self.forget()
            return False
        self._window.append(voice)
        self._rest = max(0, self._rest - 1)
        if not voice or sum(self._window) < self._needed or self._rest:
            return False
        self._rest = self._every
        return True

    def forget(self) -> None:
        """What was heard so far was nothing to stop for."""
        self._window.clear()
        self._rest = 0


class Courtesy:
    """We begin nothing while the caller speaks: what is being said may change what we were about
    to say. Pure; for `most_ms` at a time, since a television never stops speaking."""

    def __init__(self, most_ms: int = 2000) -> None:
        self._most = self._left = most_ms // FRAME_MS

    def waive(self) -> None:
        """Whoever presses a key wants an answer now, whatever else can be heard."""
        self._left = 0

    def tick(self, *, talking: bool) -> bool:
        """One tick. `talking`: the caller speaks, or what was said is being recognised. True while
        we hold back."""
        if not talking:
            self._left = self._most
            return False
        self._left = max(0, self._left - 1)
        return self._left > 0
