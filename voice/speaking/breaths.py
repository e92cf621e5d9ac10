"""No pause longer than a breath: some models leave a second and more of silence at every comma,
which a caller takes for the end."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.dsp import Samples

BREATH_S: Final = 0.35
_FRAME_S: Final = 0.01
_QUIET: Final = 1e-4
"""Of the loudest frame's power: 40 dB."""


def shortened(samples: Samples, rate: int, longest_s: float = BREATH_S) -> Samples:
    """Pauses keep their first and last half of `longest_s`; so silence at an end keeps one half."""
    frame = int(rate * _FRAME_S)
    count = samples.size // frame
    if not count:
        return samples
    frames = samples[: count * frame].reshape(count, frame)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    quiet = np.concatenate([[False], power < power.max() * _QUIET, [False]])
    starts, ends = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2).T
    half = round(longest_s / 2 / _FRAME_S)
    kept = np.ones(count, bool)
    for start, end in zip(starts, ends, strict=True):
        first = start + half if start > 0 else 0
        last = end - half if end < count else count
        kept[first : max(first, last)] = False
    return np.concatenate([frames[kept].ravel(), samples[count * frame :]])
