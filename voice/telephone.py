"""What a telephone does to a voice: the 300-3400 Hz band, A-law, noise on the line.

For tests, figures and the simulated caller. Sound is s16le mono; inside, floats of ±32768.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.frames import PHONE_RATE

Samples = NDArray[np.float64]

BAND_HZ = (300.0, 3400.0)
TAPS = 257  # of the band filter; 32 ms at 8 kHz, so that 300 Hz is steep


def through_telephone(
    pcm: bytes, rate: int, *, snr_db: float | None = None, seed: int = 0
) -> bytes:
    """`pcm` at `rate` Hz as it arrives at 8 kHz: band-limited, with white noise at `snr_db` below
    the speech's own level where given, and A-law coded. Keeps the length to within a sample."""
    sound = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    if rate != PHONE_RATE:
        sound = soxr.resample(sound, rate, PHONE_RATE)
    sound = _band(sound)
    if snr_db is not None:
        sound = add_noise(sound, snr_db, np.random.default_rng(seed))
    clipped = np.clip(np.round(sound), -32768, 32767).astype("<i2")
    return alaw_decode(alaw_encode(clipped.tobytes()))


def add_noise(sound: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """White noise `snr_db` below the mean power of the frames in which something sounds."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = np.mean(frames**2, axis=1)
    loud = power[power > power.max(initial=0.0) / 1000]  # within 30 dB of the loudest
    if not len(loud):
        return sound
    deviation = np.sqrt(float(np.mean(loud)) / 10 ** (snr_db / 10))
    return sound + rng.normal(0.0, deviation, len(sound))


def alaw_encode(pcm: bytes) -> bytes:
    """s16le to A-law, one byte a sample (ITU-T G.711)."""
    samples = np.frombuffer(pcm, dtype="<i2")
    return bytes(_encoding_table()[samples.view("<u2")].tobytes())


def alaw_decode(alaw: bytes) -> bytes:
    """A-law to s16le (ITU-T G.711)."""
    return bytes(_decoding_table()[np.frombuffer(alaw, dtype=np.uint8)].tobytes())


def _band(sound: Samples) -> Samples:
    if not len(sound):
        return sound
    return np.convolve(sound, _band_filter(), mode="full")[TAPS // 2 :][: len(sound)]


@lru_cache(maxsize=1)
def _band_filter() -> Samples:
    """A linear-phase band-pass: the difference of two windowed-sinc low-passes."""
    n = np.arange(TAPS) - TAPS // 2
    low, high = (2 * f / PHONE_RATE * np.sinc(2 * f / PHONE_RATE * n) for f in BAND_HZ)
    taps: Samples = (high - low) * np.hamming(TAPS)
    return taps


@lru_cache(maxsize=1)
def _decoding_table() -> NDArray[np.int16]:
    """The 256 values of G.711 table 1a on the 16-bit scale. Even bits of the wire are inverted."""
    code = np.arange(256) ^ 0x55
    mantissa = (code & 0x0F) << 4
    segment = (code & 0x70) >> 4
    linear = mantissa + 8
    curved = (mantissa + 0x108) << np.maximum(segment - 1, 0)
    size = np.where(segment == 0, linear, curved)
    return np.where(code & 0x80, size, -size).astype("<i2")


@lru_cache(maxsize=1)
def _encoding_table() -> NDArray[np.uint8]:
    """For every 16-bit sample, by its unsigned value, the code of its interval.

    G.711 quantises 13 bits: a segment's upper end belongs to the next code, and negative numbers
    are taken by their one's complement."""
    sample = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32) >> 3
    size = np.where(sample >= 0, sample, -sample - 1)
    segment = np.searchsorted([0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800], size, side="right")
    mantissa = (size >> np.maximum(segment, 1)) & 0x0F
    sign = np.where(sample >= 0, 0x80, 0x00)
    code: NDArray[np.uint8] = ((sign | segment << 4 | mantissa) ^ 0x55).astype(np.uint8)
    return code
