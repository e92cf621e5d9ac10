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
