"""Any Mandarin voice sherpa-onnx can load, from files the administrator put there: VITS, Matcha,
Kokoro. Imported by the speaking child only.

sherpa-onnx 2 reads by the model's own lexicon alone (espeak-ng is gone from it, so Piper's models
cannot speak without one). Its rules for numbers and dates are not used: text comes normalised.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from voice.dsp import Samples
from voice.errors import ModelError
from voice.speaking import sherpa_files
from voice.speaking.breaths import shortened
from voice.speaking.engine import HANZI_PER_SECOND, EngineSpec
from voice.speaking.homophones import Homophones
from voice.speaking.loudness import trim
from voice.speaking.pieces import pieces
from voice.speaking.sherpa_files import SherpaFiles

TESTED: Final = "sherpa-onnx>=2.0.1,<2.1"
LONGEST: Final = 80
"""Hanzi and punctuation in one call of the model; longer texts are cut where one breathes."""
PACED_BY: Final = "请您确认这份保险合同上的签名是您本人亲笔所写"
"""Spoken once at start to learn how fast a voice is; without a pause in it."""
SLOWEST_VOICE: Final = 2.6
FASTEST_VOICE: Final = 5.8
"""Hanzi a second of its own: what stretching turns into every rate that is asked for."""


class Sherpa:
    """The engine. Raises ModelError where sherpa-onnx, a file or the speaker is missing."""

    def __init__(self, spec: EngineSpec) -> None:
        self._speaker = int(spec.voice)
        files = sherpa_files.find(Path(spec.folder), self._speaker)
        self._written = Homophones(sherpa_files.known_hanzi(files)).written
        self._sherpa = _library()
        self._tts = _load(self._sherpa, files, spec.threads)
        self.rate: int = self._tts.sample_rate
        fingerprint = sherpa_files.fingerprint(files)
        version = metadata.version("sherpa-onnx")
        self.name = f"sherpa {version} {files.name} {self._speaker}@{fingerprint}"
        self.pace = self._measure_pace()

    def speak(self, text: str) -> Iterator[Samples]:
        """In pieces. Raises ValueError for what it cannot say whole."""
        for piece in pieces(self._written(text), lambda piece: len(piece) <= LONGEST):
            yield shortened(self._synthesise(piece), self.rate)

    def _synthesise(self, text: str) -> Samples:
        wanted = self._sherpa.GenerationConfig()
        wanted.sid = self._speaker
        wanted.silence_scale = 1.0  # by default a pause of 0.3 s becomes shorter than one of 0.1 s
        with _unheard():
            sound = self._tts.generate(text, wanted)
        samples = np.asarray(sound.samples, np.float32)
        if not samples.size:
            raise ValueError("nothing to speak")
        return samples

    def _measure_pace(self) -> float:
        spoken = trim(self._synthesise(self._written(PACED_BY)), self.rate)
        own = len(PACED_BY) * self.rate / max(spoken.size, 1)
        if not SLOWEST_VOICE <= own <= FASTEST_VOICE:
            raise ModelError(
                f"{self.name} speaks {own:.1f} hanzi a second; {SLOWEST_VOICE} to {FASTEST_VOICE} "
                "can be brought to a listener's pace. Choose another model or speaker"
            )
        return HANZI_PER_SECOND / own


def _library() -> Any:
    try:
        import sherpa_onnx
    except ImportError as error:
        raise ModelError(
            "sherpa-onnx is not installed; run: make sherpa, or: "
            f"uv pip install --python {sys.executable} '{TESTED}'"
        ) from error
    return sherpa_onnx


def _load(sherpa: Any, files: SherpaFiles, threads: int) -> Any:
    """Where a file is wrong in a way only sherpa-onnx can tell, it says so and ends the process."""
    paths = {"tokens": str(files.tokens), "lexicon": str(files.lexicon or "")}
    model, partner = str(files.model), str(files.partner)
    parts: dict[str, Any]
    if files.kind == "kokoro":
        kokoro = sherpa.OfflineTtsKokoroModelConfig(model=model, voices=partner, **paths)
        parts = {"kokoro": kokoro}
    elif files.kind == "matcha":
        matcha = sherpa.OfflineTtsMatchaModelConfig(acoustic_model=model, vocoder=partner, **paths)
        parts = {"matcha": matcha}
    else:
        parts = {"vits": sherpa.OfflineTtsVitsModelConfig(model=model, **paths)}
    chosen = sherpa.OfflineTtsModelConfig(num_threads=threads, provider="cpu", **parts)
    try:
        return sherpa.OfflineTts(sherpa.OfflineTtsConfig(model=chosen))
    except RuntimeError as error:
        reason = str(error).strip()[:200]
        raise ModelError(f"sherpa-onnx cannot load {files.model}: {reason}") from error


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """sherpa-onnx writes what it could not say to standard error, policyholders' names included."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
