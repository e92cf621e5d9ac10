"""Small pieces of signal processing that lines, speech and tests share.

Samples are float32 in -1..1 (full scale), mono; `pcm` is 16-bit signed little-endian bytes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_FULL_SCALE: Final = 32768.0
_ALAW_STEPS: Final = np.array([31, 63, 127, 255, 511, 1023, 2047])
"""Upper ends of A-law's segments for 12-bit magnitudes (ITU-T G.711, table 1a)."""


def samples_from(pcm: bytes) -> Samples:
    """16-bit PCM to float samples. Raises ValueError for half a sample."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def pcm_from(samples: Samples) -> bytes:
    """Float samples to 16-bit PCM; what is beyond full scale is clipped."""
    scaled = np.rint(samples * np.float32(_FULL_SCALE))
    return bytes(np.clip(scaled, -32768, 32767).astype("<i2").tobytes())


def resample(samples: Samples, source: int, target: int) -> Samples:
    """Change the sample rate (Hz). At 8 kHz the pass band ends at 3.65 kHz."""
    if source == target or not samples.size:
        return samples
    return np.asarray(soxr.resample(samples, source, target, quality="HQ"), dtype=np.float32)


def level_dbfs(samples: Samples) -> float:
    """RMS level relative to full scale; -inf for silence."""
    if not samples.size:
        return float("-inf")
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * float(np.log10(power)) if power > 0 else float("-inf")


def alaw_encode(samples: Samples) -> bytes:
    """G.711 A-law, one byte a sample."""
    linear = np.clip(np.rint(samples * _FULL_SCALE), -32768, 32767).astype(np.int32) >> 3
    sign = np.where(linear >= 0, 0xD5, 0x55)
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    segment = np.searchsorted(_ALAW_STEPS, magnitude, side="left")
    shift = np.where(segment < 2, 1, segment)
    code = (segment << 4) | ((magnitude >> shift) & 0x0F)
    return bytes((code ^ sign).astype(np.uint8).tobytes())


def alaw_decode(data: bytes) -> Samples:
    """G.711 A-law back to float samples."""
    code = np.frombuffer(data, dtype=np.uint8).astype(np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(
        segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0)
    )
    signed = np.where(code & 0x80, magnitude, -magnitude)
    return (signed / _FULL_SCALE).astype(np.float32)


def telephone(samples: Samples, rate: int) -> Samples:
    """What a landline leaves of a voice, at 8 kHz: 300 to 3400 Hz, then A-law and back."""
    narrow = resample(samples, rate, 8000)
    return alaw_decode(alaw_encode(_band_pass(narrow, 300, 3400, 8000)))


def _band_pass(samples: Samples, low: int, high: int, rate: int, taps: int = 255) -> Samples:
    """Linear-phase band pass (Hamming-windowed sinc), same length, delay compensated."""
    if not samples.size:
        return samples
    n = np.arange(taps) - (taps - 1) / 2
    kernel = (
        2 * high / rate * np.sinc(2 * high / rate * n)
        - 2 * low / rate * np.sinc(2 * low / rate * n)
    ) * np.hamming(taps)
    return np.convolve(samples, kernel)[taps // 2 :][: samples.size].astype(np.float32)
