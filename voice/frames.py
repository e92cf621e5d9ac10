"""Typed, immutable messages of a line: what was heard, keyed, played.

All sound inside the process is 16-bit signed little-endian mono PCM ("slin"), 8 kHz on the phone.
Times are milliseconds since the line opened; they are offsets into the line's recording as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from voice.clues import Clues

PHONE_RATE = 8000  # Hz
FRAME_MS = 20
FRAME_BYTES = PHONE_RATE * FRAME_MS // 1000 * 2  # 320
SILENCE = bytes(FRAME_BYTES)

Via = Literal["voice", "text", "key", "button"]


@dataclass(frozen=True, slots=True)
class Transcript(Clues):
    """What a recogniser made of one stretch of sound."""

    text: str = field(repr=False)  # simplified characters; empty when nothing was said
    confidence: float  # 0..1, exp of the mean token log-probability
    no_speech: float  # 0..1, the model's own belief that nobody spoke
    engine: str  # recogniser and model, with the model's hash where it is known
    ms: float  # decoding time


@dataclass(frozen=True, slots=True)
class Utterance(Clues):
    """One stretch of the caller's speech, or one typed message or pressed button."""

    text: str = field(repr=False)
    via: Via
    confidence: float  # as in Transcript; 1.0 for typed text
    start_ms: int
    end_ms: int
    pcm: bytes = field(default=b"", repr=False)  # the sound, empty for text
    pcm_start_ms: int = 0  # where `pcm` begins: some sound before `start_ms` is kept
    rate: int = PHONE_RATE
    no_speech: float = 0.0
    engine: str = "typed"
    over: str | None = None  # id of the Speech that was still playing when the caller began
    echo_ms: int = 0  # so much of `pcm`, at its ends, is our own voice come back; not in `text`
    original: str = field(default="", repr=False)
    """The words as they were written, where `text` is what they stand for in Mandarin; empty where
    `text` is just what was said."""

    @property
    def is_echo(self) -> bool:
        """Nobody spoke: it is our own voice, but for what no word was found in."""
        return self.echo_ms > 0 and not self.text

    @property
    def pcm_end_ms(self) -> int:
        """Where `pcm` ends."""
        return self.pcm_start_ms + len(self.pcm) * 1000 // (2 * self.rate)


@dataclass(frozen=True, slots=True)
class Key:
    """One DTMF digit: 0-9, * or #."""

    digit: str = field(repr=False)
    at_ms: int
    over: str | None = None  # id of the Speech that was playing


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody spoke for the whole patience of the last `listen`."""

    at_ms: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class Played:
    """A Speech left the line, whole or cut off. `complete` is what decides if it counts as said."""

    id: str
    complete: bool
    start_ms: int
    end_ms: int
    voice: str  # which voice spoke: engine, voice name, model hash; "text" in chat
    reason: str = ""  # why it was cut off: "barge-in", "stopped", "failed: …"


@dataclass(frozen=True, slots=True)
class Hangup:
    """The other side is gone. Nothing follows it."""

    at_ms: int
    reason: str  # "caller", "closed", "error: …"


LineEvent = Utterance | Key | Silence | Played | Hangup
