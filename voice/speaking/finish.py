"""From a kept clause to what one line plays: its rate, its pace, its loudness, its first sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from voice.dsp import Samples, pcm_from, resample
from voice.speaking.loudness import TARGET_DBFS, fade, limit
from voice.speaking.stretch import stretch

SLOWEST: Final = 0.5
FASTEST: Final = 1.5
INAUDIBLE_DB: Final = 26.0
"""This far below the voice nothing is heard on a telephone: its noise is louder."""
LEAD_S: Final = 0.01
_WINDOW_S: Final = 0.005


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
    sound = prompt(sound, delivery.sample_rate)
    sound = sound * np.float32(10 ** (delivery.gain_db / 20))
    return pcm_from(fade(limit(sound, delivery.sample_rate), delivery.sample_rate))


def prompt(samples: Samples, rate: int) -> Samples:
    """A clause of the common level from 10 ms before it can be heard: whoever pressed a key or
    answered waits for that moment, not for the breath before it. Silence stays as it is."""
    window = int(_WINDOW_S * rate)
    whole = samples[: samples.size // window * window].reshape(-1, window)
    power = np.mean(np.square(whole), axis=1)
    heard = power >= 10 ** ((TARGET_DBFS - INAUDIBLE_DB) / 10)
    if not heard.any():
        return samples
    return samples[max(0, int(np.argmax(heard)) * window - int(LEAD_S * rate)) :]
