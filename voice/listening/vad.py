"""Is somebody speaking in this frame? One small question behind a Protocol."""

from __future__ import annotations

from typing import Protocol

import webrtcvad

from voice.frames import FRAME_MS, PHONE_RATE


class Vad(Protocol):
    """One per call: detectors remember the frames before."""

    def speaking(self, frame: bytes) -> bool:
        """Decide one frame of 20 ms (s16le). Raises ValueError for another size."""


class WebRtcVad:
    """Google's GMM detector; 0.3 ms per second of sound, works down to 5 dB of noise.

    It calls any loud noise speech: `endpoint` compares each frame with the noise floor as well."""

    def __init__(self, mode: int = 3, rate: int = PHONE_RATE) -> None:
        """`mode` 0..3: 3 is the strictest about what counts as speech. `rate`: 8 or 16 kHz."""
        self._vad = webrtcvad.Vad(mode)
        self._rate, self._size = rate, rate * FRAME_MS // 1000 * 2

    def speaking(self, frame: bytes) -> bool:
        if len(frame) != self._size:
            raise ValueError(f"a frame is {self._size} bytes ({FRAME_MS} ms), got {len(frame)}")
        return bool(self._vad.is_speech(frame, self._rate))
