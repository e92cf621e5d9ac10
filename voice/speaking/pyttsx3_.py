"""pyttsx3 on espeak-ng: the voice that works everywhere. Imported by the speaking child only.

Measured: a fresh engine given two sentences leaves no file in 10 of 11 runs, and of several queued
`save_to_file` only the last is written. So: one engine, one sentence at a time, and no file or an
empty one is tried again.
"""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pyttsx3

from voice.dsp import Samples, samples_from
from voice.errors import ModelError
from voice.speaking.engine import EngineSpec
from voice.speaking.loudness import silent

RATE: Final = 22_050
WORDS_PER_MINUTE: Final = 175
"""espeak's own unit; Mandarin comes out at about 3.5 hanzi a second, so that `pace` is 1."""
TRIES: Final = 3


class Pyttsx3:
    """The engine. Raises ModelError where espeak-ng or its voice is missing."""

    rate = RATE
    pace = 1.0

    def __init__(self, spec: EngineSpec) -> None:
        self._scratch = Path(spec.scratch)
        try:
            self._engine = pyttsx3.init("espeak")
            self._engine.setProperty("voice", spec.voice)
            self._engine.setProperty("rate", WORDS_PER_MINUTE)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"espeak-ng or its voice {spec.voice} is missing; run: apt-get install espeak-ng"
            ) from error
        self.name = f"pyttsx3 {spec.voice}@{metadata.version('pyttsx3')}"

    def speak(self, text: str) -> Iterator[Samples]:
        """One piece. Raises OSError when espeak gave no sound."""
        for _ in range(TRIES):
            samples = self._save(text)
            if not silent(samples):
                yield samples
                return
        raise OSError("espeak-ng wrote no sound")

    def _save(self, text: str) -> Samples:
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "speech.wav"
            self._engine.save_to_file(text, str(path))
            self._engine.runAndWait()
            if not path.is_file():
                return samples_from(b"")
            with wave.open(str(path), "rb") as reader:
                return samples_from(reader.readframes(reader.getnframes()))
