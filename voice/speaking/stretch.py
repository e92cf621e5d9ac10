"""Slower or faster without another pitch, by waveform-similarity overlap-add.

W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.dsp import Samples

SLOWEST: Final = 0.3
FASTEST: Final = 2.0
_HOP_S: Final = 0.0125
"""Half a window: two periods of a deep voice (80 Hz) fit into the window."""
_SEARCH_S: Final = 0.0075
"""The best joint lies within a period; both ways together cover one of 67 Hz."""


def stretch(samples: Samples, rate: int, speed: float) -> Samples:
    """Speak `speed` times as fast; the length becomes n / speed.

    Raises ValueError for a speed outside 0.3..2.0.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed {speed}: use {SLOWEST} to {FASTEST}")
    hop, search = int(rate * _HOP_S), int(rate * _SEARCH_S)
    length = round(samples.size / speed)
    if abs(speed - 1) < 0.005 or length < 4 * hop:
        return samples
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    # Room to look around at both ends; the first half window has no predecessor to add up with.
    source = np.pad(samples, (hop + search, 4 * hop + 2 * search))
    out = np.zeros(length + 4 * hop, np.float32)
    continuation = source[search : search + 2 * hop]
    for start in range(0, length + hop, hop):
        nominal = min(round(start * speed), samples.size + hop)
        region = source[nominal : nominal + 2 * hop + 2 * search]
        at = nominal + _most_alike(region, continuation)
        out[start : start + 2 * hop] += window * source[at : at + 2 * hop]
        continuation = source[at + hop : at + 3 * hop]
    return out[hop : hop + length]


def _most_alike(region: Samples, target: Samples) -> int:
    """Offset in `region` where it resembles `target` most (normalised cross-correlation)."""
    likeness = np.correlate(region, target, mode="valid")
    energy = np.cumsum(np.concatenate([[0.0], np.square(region, dtype=np.float64)]))
    size = target.size
    energy = energy[size:] - energy[:-size]
    return int(np.argmax(likeness / np.sqrt(energy + 1e-9)))
