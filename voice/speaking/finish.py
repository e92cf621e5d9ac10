"""From a kept clause to what one line plays: its rate, its pace, its loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voice.dsp import Samples, pcm_from, resample
from voice.speaking.loudness import fade, limit
from voice.speaking.stretch import stretch


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a clause is delivered on a line."""

    rate: float = 1.0  # pace; below 1.0 is slower, at the same pitch
    gain_db: float = 0.0  # on top of the common level; peaks are limited, never clipped
    sample_rate: int = 8000  # Hz


def finish(samples: Samples, rate: int, delivery: Delivery) -> bytes:
    """16-bit PCM at the line's rate. 3 ms of work for a second of sound at most."""
    sound = resample(samples, rate, delivery.sample_rate)
    sound = stretch(sound, delivery.sample_rate, delivery.rate)
    sound = sound * np.float32(10 ** (delivery.gain_db / 20))
    return pcm_from(fade(limit(sound, delivery.sample_rate), delivery.sample_rate))
