"""The caller's sound between its arrival, in bursts, and the ticks of the line, one frame each."""

from __future__ import annotations

from collections import deque

import numpy as np

from voice.frames import FRAME_BYTES
from voice.listening.noise import QUIETEST_DB, level_db

MAX_FRAMES = 500  # 10 s; beyond it the sender has to wait
TARGET_FRAMES = 2  # being 40 ms behind is fine; every frame more is a later answer
QUIET_PEAK = 100  # of 32768: quiet on any line


class Jitter:
    """A queue of whole frames. Pure.

    Speech is never thrown away. A network that stops for a second and then delivers all of it would
    leave the line a second behind for good, so while it is behind, quiet frames are skipped: an
    answer that is heard late seems to come after a question that was still being asked.
    """

    def __init__(self, frame_bytes: int = FRAME_BYTES) -> None:
        self.skipped = 0  # quiet frames thrown away to catch up
        self._frame_bytes = frame_bytes
        self._frames: deque[bytes] = deque()
        self._rest = b""  # less than a frame

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def full(self) -> bool:
        return len(self._frames) >= MAX_FRAMES

    def push(self, pcm: bytes) -> None:
        """Take sound of any length."""
        if not self._rest and len(pcm) == self._frame_bytes:
            self._frames.append(pcm)
            return
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % self._frame_bytes
        for at in range(0, whole, self._frame_bytes):
            self._frames.append(pcm[at : at + self._frame_bytes])
        self._rest = pcm[whole:]

    def pop(self, silence_db: float = QUIETEST_DB) -> bytes | None:
        """The frame of this tick; None when nothing has arrived. `silence_db`: what is not louder
        is nobody speaking on this line, dBFS."""
        while len(self._frames) > TARGET_FRAMES and _quiet(self._frames[0], silence_db):
            self._frames.popleft()
            self.skipped += 1
        return self._frames.popleft() if self._frames else None


def _quiet(frame: bytes, silence_db: float) -> bool:
    samples = np.frombuffer(frame, dtype="<i2")
    faint = int(samples.max()) < QUIET_PEAK and int(samples.min()) > -QUIET_PEAK
    return faint or level_db(frame) <= silence_db
