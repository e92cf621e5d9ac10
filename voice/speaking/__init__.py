"""Speaking: text to sound for a line, in one voice, from a supervised process and a cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from voice.speaking.cache import SHERPA_SHAPING, Cipher, SpeechCache, sound_version
from voice.speaking.engine import EngineSpec
from voice.speaking.recorded import Recordings
from voice.speaking.speaker import Clip, Speaker

__all__ = ["Clip", "Speaker", "open_sherpa", "open_speaker"]

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only private folders are made in it
PYTTSX3_VOICE = "cmn-latn-pinyin"
"""espeak-ng's plain `cmn` reads hanzi as English letters."""


def open_speaker(
    models: Path,
    cache: Path,
    engine: Literal["auto", "kokoro", "pyttsx3"] = "auto",
    voice: str = "zf_xiaobei",
    threads: int = 2,
    cipher: Cipher | None = None,
    recordings: Path | None = None,
) -> Speaker:
    """A speaker that is not started yet.

    `models` is the folder that `huifang models fetch` fills, `cache` the speech cache's folder,
    `voice` a Kokoro voice, `cipher` what seals the cache, `recordings` a folder of sentences that
    somebody recorded (see `recorded`). With "auto", pyttsx3 speaks where Kokoro cannot start.
    Raises ModelError where the recordings are not what their index says.
    """
    scratch = _scratch(cache)
    # espeak-ng hands its sound over in a file: in memory, where there is such a place.
    passing = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else scratch
    kokoro = EngineSpec("kokoro", voice, str(models / "kokoro"), str(scratch), threads)
    espeak = EngineSpec("pyttsx3", PYTTSX3_VOICE, "", str(passing), 1)
    choices = {"auto": (kokoro, espeak), "kokoro": (kokoro,), "pyttsx3": (espeak,)}[engine]
    played = Recordings(recordings) if recordings else None
    return Speaker(choices, SpeechCache(cache, cipher=cipher), recordings=played)


def open_sherpa(
    model: Path,
    cache: Path,
    speaker: int = 0,
    threads: int = 2,
    cipher: Cipher | None = None,
    recordings: Path | None = None,
) -> Speaker:
    """A speaker for another model, with sherpa-onnx; not started yet.

    `model` is its folder, or its file where the folder holds several (see `sherpa_files.find`); the
    rest is as for `open_speaker`.
    """
    scratch = _scratch(cache)
    spec = EngineSpec("sherpa", str(speaker), str(model.absolute()), str(scratch), threads)
    kept = SpeechCache(cache, sound_version(SHERPA_SHAPING), cipher)
    played = Recordings(recordings) if recordings else None
    return Speaker([spec], kept, recordings=played)


def _scratch(cache: Path) -> Path:
    """Where an engine may keep files of its own."""
    scratch = cache / "scratch"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return scratch
