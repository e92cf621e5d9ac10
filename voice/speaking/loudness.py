"""Every clause equally loud, whoever speaks it, and without clicks at its ends.

The level that counts is the active one: the RMS of the parts where somebody speaks, pauses left out
(after ITU-T P.56, with a simple gate instead of its envelope).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.dsp import Samples, level_dbfs

TARGET_DBFS: Final = -20.0
PEAK: Final = 0.89
"""-1 dBFS: room for what resampling adds."""
GATE_DB: Final = 20.0
"""A frame this far below the loudest ones is a pause."""
SILENT_DBFS: Final = -60.0
FADE_S: Final = 0.005
_FRAME_S: Final = 0.02
_LIMITER_S: Final = 0.005
_TRIM_DB: Final = 40.0
_LEAD_S: Final = 0.03
"""Kept before the first sound: a soft s, h or x begins below the gate."""
_TAIL_S: Final = 0.06


def active_level(samples: Samples, rate: int) -> float:
    """Level of the speech in dBFS, pauses left out; -inf when nobody speaks."""
    levels = _frame_levels(samples, rate, _FRAME_S)
    if not levels.size:
        return float("-inf")
    loud = float(np.percentile(levels, 95))
    if loud < SILENT_DBFS:
        return float("-inf")
    active = levels[levels >= loud - GATE_DB]
    return 10 * float(np.log10(np.mean(10 ** (active / 10))))


def even(samples: Samples, rate: int, target_dbfs: float = TARGET_DBFS) -> Samples:
    """The clause as it is kept: ends trimmed and faded, speech at the target level, peaks limited.

    Silence comes back empty.
    """
    level = active_level(samples, rate)
    if not np.isfinite(level):
        return np.zeros(0, np.float32)
    gain = np.float32(10 ** ((target_dbfs - level) / 20))
    return fade(limit(trim(samples, rate) * gain, rate), rate)


def trim(samples: Samples, rate: int) -> Samples:
    """Without the silence around it, save a moment for soft consonants and the last breath."""
    levels = _frame_levels(samples, rate, _FRAME_S / 2)
    if not levels.size:
        return samples
    loud = np.flatnonzero(levels >= max(float(levels.max()) - _TRIM_DB, SILENT_DBFS))
    if not loud.size:
        return samples[:0]
    frame = int(rate * _FRAME_S / 2)
    start = max(0, int(loud[0]) * frame - int(_LEAD_S * rate))
    end = (int(loud[-1]) + 1) * frame + int(_TAIL_S * rate)
    return samples[start:end]


def fade(samples: Samples, rate: int) -> Samples:
    """A ramp of 5 ms at both ends."""
    size = min(int(FADE_S * rate), samples.size // 2)
    if size == 0:
        return samples
    faded = samples.copy()
    ramp = np.linspace(0, 1, size, endpoint=False, dtype=np.float32)
    faded[:size] *= ramp
    faded[-size:] *= ramp[::-1]
    return faded


def limit(samples: Samples, rate: int, peak: float = PEAK) -> Samples:
    """No sample beyond `peak`: the gain dips smoothly around a peak instead of clipping it.

    The gain every sample needs is held for a window around it (minimum) and smoothed over the same
    window, so that it is low enough when the peak comes.
    """
    size = np.abs(samples)
    if not samples.size or float(size.max()) <= peak:
        return samples
    needed = np.minimum(1, peak / np.maximum(size, 1e-9))
    half = max(1, int(_LIMITER_S * rate))
    window = 2 * half + 1
    held = np.pad(needed, 2 * half, mode="edge")
    held = np.lib.stride_tricks.sliding_window_view(held, window).min(axis=1)
    gain = np.convolve(held, np.full(window, 1 / window), mode="valid")
    return np.clip(samples * gain, -peak, peak).astype(np.float32)


def silent(samples: Samples) -> bool:
    """True when there is nothing to hear."""
    return level_dbfs(samples) < SILENT_DBFS


def _frame_levels(
    samples: Samples, rate: int, seconds: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """dBFS of successive frames; the last one may be padded."""
    frame = int(rate * seconds)
    count = -(-samples.size // frame)
    if count == 0:
        return np.zeros(0)
    padded = np.pad(samples, (0, count * frame - samples.size)).astype(np.float64)
    power = np.mean(np.square(padded.reshape(count, frame)), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))
