"""How far a sound stands out of the noise of its line: which frames are speech, and whether all of
them together were enough of it. Time is the number of frames fed.
"""

from __future__ import annotations

from voice.frames import FRAME_MS
from voice.listening.noise import QUIETEST_DB, NoiseFloor

RISE_DB = 4.0  # a speaking frame is louder than the noise floor by this
PEAK_DB = 9.0  # and the loudest frame of an utterance by this
QUIET_DB = -52.0  # dBFS; nothing below is speech, however quiet the line
WEAK_DB = 8.0  # a weak last syllable (的, 得, 吗) is louder by this than the dip before …
WEAK_MS = 300  # … this soon after the last sound that the detector took for speech
MIN_VOICED_MS = 80  # less is a click; a short 对 has 150 ms


class Prominence:
    """Of one call. Every frame goes to `is_speech`; those of an utterance to `goes_on` as well."""

    def __init__(self) -> None:
        self._floor = NoiseFloor()
        self._noise = QUIETEST_DB  # the floor at the last frame
        self.begin(0, QUIETEST_DB)

    @property
    def silence_db(self) -> float:
        """What is not louder is the line's own noise, dBFS."""
        return self._noise + RISE_DB

    def begin(self, voiced: int, level: float) -> None:
        """An utterance begins, of which so many frames were speech; `level` of the last, dBFS."""
        self._voiced = voiced  # speaking frames of this utterance
        self._peak = level  # of its loudest frame, dBFS
        self._since = 0  # frames since the last one that the detector took for speech
        self._dip = level  # of the quietest frame since then, dBFS

    def is_speech(self, speaking: bool, level: float) -> bool:
        """Whether a frame of this level (dBFS) is what the detector says."""
        self._noise = self._floor.update(level)
        return speaking and level >= max(self.silence_db, QUIET_DB)

    def goes_on(self, speech: bool, level: float) -> bool:
        """Take the next frame of the utterance and return whether somebody speaks in it."""
        if not speech:
            return self._weak(level)
        self._voiced += 1
        self._peak = max(self._peak, level)
        self._since, self._dip = 0, level
        return True

    def _weak(self, level: float) -> bool:
        """A syllable without stress, which a detector misses: it rises from a dip, as neither the
        dying away of a voice nor a steady noise does."""
        self._since += 1
        self._dip = min(self._dip, level)
        near = self._since * FRAME_MS <= WEAK_MS
        floor = max(self._noise + PEAK_DB, QUIET_DB - 6)
        return near and level >= max(self._dip + WEAK_DB, floor)

    @property
    def faint(self) -> bool:
        """Whether it was too short or too weak for speech so far. By the floor of now: a noise that
        began like speech has raised it meanwhile."""
        short = self._voiced * FRAME_MS < MIN_VOICED_MS
        return short or self._peak < self._noise + PEAK_DB
