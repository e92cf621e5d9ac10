"""From a kept clause to what one line plays: its rate, its pace, its loudness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from voice.dsp import Samples, pcm_from, resample
from voice.speaking.loudness import fade, limit
from voice.speaking.stretch import stretch

SLOWEST: Final = 0.5
FASTEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a clause is delivered on a line. Raises ValueError for what is out of bounds."""

    rate: float = 1.0  # of `HANZI_PER_SECOND`; below 1.0 is slower, at the same pitch
    gain_db: float = 0.0  # on top of the common level; peaks are limited, never clipped
    sample_rate: int = 8000  # Hz

    def __post_init__(self) -> None:
        if not SLOWEST <= self.rate <= FASTEST:
            raise ValueError(f"speaking rate {self.rate}: use {SLOWEST} to {FASTEST}")
        if not -40 <= self.gain_db <= 20:
            raise ValueError(f"gain {self.gain_db} dB: use -40 to 20")
        if not 8000 <= self.sample_rate <= 48_000:
            raise ValueError(f"sample rate {self.sample_rate} Hz: use 8000 to 48000")


def finish(samples: Samples, rate: int, pace: float, delivery: Delivery) -> bytes:
    """16-bit PCM at the line's rate, of a clause at `rate` Hz whose voice is played at `pace`."""
    sound = resample(samples, rate, delivery.sample_rate)
    sound = stretch(sound, delivery.sample_rate, pace * delivery.rate)
    sound = sound * np.float32(10 ** (delivery.gain_db / 20))
    return pcm_from(fade(limit(sound, delivery.sample_rate), delivery.sample_rate))
