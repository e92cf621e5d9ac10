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
MISSED = 6  # windows without the tone after which the key is up: a frame that came late or never
# is a gap of 20 ms in a key that is held, a pause between two presses lasts 40 ms and longer
SHARE = 0.72  # of all energy that is in the two tones; 10 dB of noise leave 0.91, the window takes
# some of a tone that is off by 1.5 %
PEAK_RATIO = 4.0  # 6 dB: the strongest of a group over the next one
TWIST, REVERSE_TWIST = 8.0, 3.2  # low over high, high over low: a decibel more than must be heard
FAINTEST_DB = -40.0  # dBFS of both tones together
FAINTEST = (32768 * 10 ** (FAINTEST_DB / 20)) ** 2 / 2  # mean power of one of them
QUIET = 327  # no sample is louder: no window holds two tones of that power
LIKELY = 0.3  # share of a whole frame in its strongest two tones: 0.45 where they are off by 1.5 %
AWAKE = 3  # frames
_NOTHING, _NO_HALF = np.zeros(0, dtype=np.float32), np.zeros((1, 17), dtype=np.float32)
_SILENT = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Tone:
    """A key is heard. Told once, as soon as it is sure."""

    digit: str


class ToneDetector:
    """The keys inside one caller's sound. Feed every frame: 1 µs for a quiet one whose level is
    known, 10 for speech, 20 where a key may be in it."""

    def __init__(self) -> None:
        self._last = _SILENT  # the frame before, in which a key may have begun
        self._awake = 0  # frames still to be looked at closely
        self._rest = _NOTHING  # of the last frame, less than half a window
        self._before = _NO_HALF  # the half window before: `_halves`
        self._candidate = ""
        self._run = 0  # windows in a row with the candidate
        self._missed = 0  # windows since the key that is down was last heard
        self.down = ""
        """The key that is being held, or nothing: what sounds then is no speech."""

    def feed(self, frame: bytes, level: float | None = None) -> Tone | None:
        """Take 20 ms of sound (8 kHz s16le). `level`: its dBFS where they are known already. Raises
        ValueError for another size."""
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame is {FRAME_BYTES} bytes, got {len(frame)}")
        told = None
        for each in self._closely(frame, level):
            for digit in self._digits(np.frombuffer(each, dtype="<i2")):
                told = self._step(digit) or told
        self._last = frame
        return told

    def _closely(self, frame: bytes, level: float | None) -> list[bytes]:
        """The frames to be looked at now. A key of 40 ms fills at least one frame: until one looks
        like it, none is."""
        slept = not self._awake
        likely = (level is None or level >= FAINTEST_DB) and _likely(frame)
        self._awake = AWAKE if likely or self.down else max(0, self._awake - 1)
        if not self._awake:
            self._candidate, self._run = "", 0
            return []
        if not slept:
            return [frame]
        self._rest, self._before = _NOTHING, _NO_HALF
        return [self._last, frame]

    def _digits(self, samples: NDArray[np.int16]) -> list[str]:
        """The key in each window that ends in this frame, "" where there is none."""
        if _quiet(samples):
            self._rest, self._before = _NOTHING, _NO_HALF
            return [""] * (len(samples) // HOP)
        sound = np.concatenate([self._rest, samples.astype(np.float32)])
        count = len(sound) // HOP
        self._rest = sound[count * HOP :]
        first, second = _halves(sound[: count * HOP].reshape(count, HOP))
        before = np.concatenate([self._before, first[:-1]])
        self._before = first[-1:]
        return digits(before + second)

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


def _quiet(samples: NDArray[np.int16]) -> bool:
    """Most frames of a call."""
    return int(samples.max()) < QUIET and int(samples.min()) > -QUIET


def _likely(frame: bytes) -> bool:
    """Whether a whole frame may be part of a key."""
    sound = np.frombuffer(frame, dtype="<i2").astype(np.float32)
    energy = float(np.dot(sound, sound))
    if energy < 2 * FAINTEST * len(sound):
        return False
    squares = (sound @ _FRAME_MATRIX) ** 2
    power = (squares[:8] + squares[8:]).tolist()
    strongest = (max(power[:4]) + max(power[4:])) * 2 / len(sound)
    return bool(strongest > LIKELY * energy)


def _halves(sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Half windows, shape (n, HOP), as the first and as the second half of a window: their parts of
    its sixteen projections and of its energy, shape (n, 17) each."""
    projected = sound @ _MATRIX
    energy = np.einsum("ij,ij->i", sound, sound)[:, None]
    return np.hstack([projected[:, :16], energy]), np.hstack([projected[:, 16:], energy])


def digits(windows: NDArray[np.float32]) -> list[str]:
    """The key in each window, given as its projections and its energy, shape (n, 17)."""
    total = windows[:, 16] / np.float32(WINDOW)
    squares = windows[:, :16] ** 2
    power = (squares[:, :8] + squares[:, 8:]) * np.float32(2 / WINDOW**2)
    strongest = power.reshape(-1, 2, 4).max(axis=2).sum(axis=1)
    pure = (strongest > np.float32(SHARE) * total) & (total >= np.float32(2 * FAINTEST))
    if not pure.any():
        return [""] * len(windows)
    return [_digit(row[:4], row[4:]) if ok else "" for row, ok in zip(power, pure, strict=True)]


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
    """Cosines and sines of the eight tones over the first half of a window, then over the second,
    shape (HOP, 32); for samples of 16 bits."""
    waves = _waves(WINDOW)
    return np.hstack([waves[:HOP], waves[HOP:]]).astype(np.float32)


def _waves(samples: int) -> NDArray[np.float64]:
    """Cosines and sines of the eight tones, shape (samples, 16)."""
    phase = 2 * np.pi * np.outer(np.arange(samples), (*LOW, *HIGH)) / PHONE_RATE
    return np.hstack([np.cos(phase), np.sin(phase)])


_MATRIX = _matrix()
_FRAME_MATRIX = _waves(FRAME_BYTES // 2).astype(np.float32)
