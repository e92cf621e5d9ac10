"""What an engine is, and which one a speaker wants. Engines live in the child process only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol

from voice.dsp import Samples

HANZI_PER_SECOND: Final = 3.5
"""Inside a clause at rate 1.0, whoever speaks: 210 a minute, about 195 with the pauses between."""

EngineKind = Literal["kokoro", "pyttsx3", "sherpa"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine to open; sent to the child as JSON."""

    kind: EngineKind
    voice: str  # "zf_xiaobei", …; "cmn-latn-pinyin"; the speaker's number
    folder: str  # where the model's files are, or its file (sherpa); unused by pyttsx3
    scratch: str  # an existing folder of the application's own for short-lived files
    threads: int = 2

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Engine(Protocol):
    """Turns normalised text (hanzi and punctuation, see `normalise`) into sound."""

    name: str
    """Who speaks, for the record: engine, voice, and the model's hash or version."""
    rate: int
    """Sample rate in Hz."""
    pace: float
    """How fast it has to be played, of its own speed, to say `HANZI_PER_SECOND`."""

    def speak(self, text: str) -> Iterator[Samples]:
        """The sound of `text` in pieces, in order; peaks may exceed 1.0. Raises on failure."""
