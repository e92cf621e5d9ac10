"""How loud the line is when nobody speaks.

Minimum statistics (Martin, IEEE TSAP 9(5), 2001, much simplified): even a talking person leaves
dips, so the quietest moment of the last seconds is the noise. Unlike a floor learnt from "not
speech" frames it also follows a noise that the voice detector takes for speech.
"""

from __future__ import annotations

from collections import deque
from math import log10

import numpy as np

QUIETEST_DB = -70.0  # dBFS; digital silence and the steps of A-law count as this
_SLICE_FRAMES = 25  # half a second
_FRAME = 320  # bytes of 20 ms at 8 kHz
_SLICES = 6  # so the floor is the minimum of the last 3 s
_ASSUMED_DB = -50.0  # until half a second was heard: somebody may speak from the first moment


def level_db(frame: bytes) -> float:
    """The level of s16le sound in dB relative to full scale, at least `QUIETEST_DB`."""
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
    power = float(np.dot(samples, samples)) / len(samples) / 32768.0**2 if len(samples) else 0.0
    return max(10 * log10(power + 1e-12), QUIETEST_DB)


class NoiseFloor:
    """The floor of one call, in dBFS. Feed the level of every frame."""

    def __init__(self) -> None:
        self._slices: deque[float] = deque([_ASSUMED_DB, 0.0], maxlen=_SLICES)
        self._frames = 0
        self._smooth: float | None = None

    def update(self, level: float) -> float:
        """Take one frame's level and return the floor."""
        self._smooth = level if self._smooth is None else 0.6 * self._smooth + 0.4 * level
        if self._frames == _SLICE_FRAMES:
            self._slices.append(0.0)
            self._frames = 0
            if self._slices[0] == _ASSUMED_DB:
                self._slices.popleft()
        self._frames += 1
        self._slices[-1] = min(self._slices[-1], self._smooth)
        return min(self._slices)


def speech_to_noise_db(pcm: bytes) -> float:
    """How far the voice of one utterance stands above what is around it, in dB: mean power of its
    loudest quarter of frames against that of its quietest sixth. 8 kHz s16le with some sound before
    and after the speech, as the endpointer cuts it. 0 for less than half a second: too little
    to know."""
    samples = np.frombuffer(pcm[: len(pcm) // _FRAME * _FRAME], dtype="<i2").astype(np.float64)
    power = np.sort(np.mean(samples.reshape(-1, _FRAME // 2) ** 2, axis=1)) / 32768.0**2
    if len(power) < _SLICE_FRAMES:
        return 0.0
    floor = 10 ** (QUIETEST_DB / 10)
    loud = float(np.mean(power[-max(len(power) // 4, 5) :]))
    quiet = max(float(np.mean(power[: max(len(power) // 6, 4)])), floor)
    return 10 * log10(max(loud, floor) / quiet)
