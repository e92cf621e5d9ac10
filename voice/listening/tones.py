"""Keys pressed on a trunk that sends them as sound only (no RFC 4733).

The eight tones and sixteen pairs of ITU-T Q.23, received as Q.24 asks: at least 40 ms long, off by
up to 1.5 %, twisted by up to 8 dB (4 dB where the high tone is the louder), with noise 10 dB below.
Goertzel's algorithm for eight frequencies at once is a product with a matrix. Speech is kept out by
what it cannot do: put nearly all of its energy into one low and one high tone for 32 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voice.frames import FRAME_BYTES, PHONE_RATE

LOW = (697.0, 770.0, 852.0, 941.0)  # Hz
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
DIGITS = ("123A", "456B", "789C", "*0#D")

WINDOW = 102  # samples, 12.75 ms: 78 Hz wide, so that 1.5 % of 1633 Hz is still the same tone
HOP = WINDOW // 2
NEEDED = 4  # windows in a row: 32 ms, of which 40 ms hold at least that many however they lie
MISSED = 3  # windows without the tone after which the key is up: 19 ms, a shorter gap is none
SHARE = 0.72  # of all energy that is in the two tones; 10 dB of noise leave 0.91, the window takes
# some of a tone that is off by 1.5 %
PEAK_RATIO = 4.0  # 6 dB: the strongest of a group over the next one
TWIST, REVERSE_TWIST = 8.0, 3.2  # low over high, high over low: a decibel more than must be heard
FAINTEST = 0.01**2 / 2  # mean power of a tone at -40 dBFS


@dataclass(frozen=True, slots=True)
class Tone:
    """A key is heard. Told once, as soon as it is sure."""

    digit: str


class ToneDetector:
    """The keys inside one caller's sound. Feed every frame; about 30 µs each."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, dtype=np.float32)
        self._candidate = ""
        self._run = 0  # windows in a row with the candidate
        self._missed = 0  # windows since the key that is down was last heard
        self.down = ""
        """The key that is being held, or nothing: what sounds then is no speech."""

    def feed(self, frame: bytes) -> Tone | None:
        """Take 20 ms of sound (8 kHz s16le). Raises ValueError for another size."""
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame is {FRAME_BYTES} bytes, got {len(frame)}")
        sound = np.frombuffer(frame, dtype="<i2").astype(np.float32) / np.float32(32768)
        sound = np.concatenate([self._rest, sound])
        count = (len(sound) - WINDOW) // HOP + 1
        self._rest = sound[max(count, 0) * HOP :]
        if count < 1:
            return None
        windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
        told = None
        for digit in digits(windows):
            told = self._step(digit) or told
        return told

    def _step(self, digit: str) -> Tone | None:
        self._run = self._run + 1 if digit and digit == self._candidate else int(bool(digit))
        self._candidate = digit
        if digit and digit == self.down:
            self._missed = 0
            return None
        if self.down:
            self._missed += 1
            if self._missed >= MISSED:
                self.down = ""
        if self._run < NEEDED:
            return None
        self.down, self._missed = digit, 0
        return Tone(digit)


def digits(windows: NDArray[np.float32]) -> list[str]:
    """The key in each window of shape (n, WINDOW), "" where there is none."""
    total = np.einsum("ij,ij->i", windows, windows) / np.float32(WINDOW)
    if float(total.max()) < 2 * FAINTEST:  # most frames of a call are silence
        return [""] * len(windows)
    projected = windows @ _MATRIX
    power = (projected[:, :8] ** 2 + projected[:, 8:] ** 2) * np.float32(2 / WINDOW**2)
    low, high = power[:, :4], power[:, 4:]
    pure = low.max(axis=1) + high.max(axis=1) > np.float32(SHARE) * total
    return [_digit(low[n], high[n]) if pure[n] else "" for n in range(len(windows))]


def _digit(low: NDArray[np.float32], high: NDArray[np.float32]) -> str:
    """The key of the strongest tone in each group, if both stand out and fit together."""
    row, column = int(low.argmax()), int(high.argmax())
    strength = float(low[row]), float(high[column])
    ok = (
        min(strength) > FAINTEST
        and strength[0] < TWIST * strength[1]
        and strength[1] < REVERSE_TWIST * strength[0]
        and strength[0] > PEAK_RATIO * float(np.partition(low, -2)[-2])
        and strength[1] > PEAK_RATIO * float(np.partition(high, -2)[-2])
    )
    return DIGITS[row][column] if ok else ""


def _matrix() -> NDArray[np.float32]:
    """Cosines and sines of the eight tones, shape (WINDOW, 16)."""
    phase = 2 * np.pi * np.outer(np.arange(WINDOW), (*LOW, *HIGH)) / PHONE_RATE
    return np.hstack([np.cos(phase), np.sin(phase)]).astype(np.float32)


_MATRIX = _matrix()
