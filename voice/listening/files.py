"""Recognise a sound file, for `huifang hear` and for measuring."""

from __future__ import annotations

import time
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.errors import VoiceError
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet
from voice.listening.protocols import Recogniser

MAX_SECONDS = 300
MAX_BYTES = 256 << 20
_RATES = range(8000, 96001)  # what every recogniser takes
_FALLBACK_RATE = 16000


class SoundFileError(VoiceError):
    """A file cannot be listened to; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound as recognisers take it."""

    pcm: bytes  # s16le
    rate: int  # Hz

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of one file."""

    transcript: Transcript
    seconds: float  # of sound
    ms: float  # everything: reading, resampling, recognition


def read_wav(path: Path) -> Sound:
    """Read PCM WAV of any rate, any number of channels (they are averaged), 8 to 32 bits.

    Raises SoundFileError for anything else, for an empty file and for more than 5 minutes."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SoundFileError(f"{path}: larger than {MAX_BYTES >> 20} MB")
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if rate <= 0 or file.getnframes() > rate * MAX_SECONDS:
                raise SoundFileError(f"{path}: longer than {MAX_SECONDS} s; cut it into pieces")
            data = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise SoundFileError(f"{path}: no such file") from None
    except OSError as error:
        raise SoundFileError(f"{path}: cannot be read ({error.strerror})") from error
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends too early"
        raise SoundFileError(f"{path}: not a PCM WAV file ({reason})") from error
    whole = len(data) // (channels * width)
    if whole == 0:
        raise SoundFileError(f"{path}: contains no sound")
    mono = _samples(data[: whole * channels * width], width).reshape(-1, channels).mean(axis=1)
    if rate not in _RATES:
        mono, rate = soxr.resample(mono, rate, _FALLBACK_RATE), _FALLBACK_RATE
    return Sound((np.clip(mono, -1.0, 1.0) * 32767).astype("<i2").tobytes(), rate)


def hear(path: Path, recogniser: Recogniser, answers: ClosedSet | None = None) -> Heard:
    """Recognise one WAV file. Raises SoundFileError and RecognitionFailed. Blocking."""
    began = time.perf_counter()
    sound = read_wav(path)
    session = recogniser.session(sound.rate, answers)
    session.accept(sound.pcm)
    transcript = session.finish()
    return Heard(transcript, sound.seconds, (time.perf_counter() - began) * 1000)


def _samples(data: bytes, width: int) -> NDArray[np.float32]:
    """PCM of 1 to 4 bytes a sample as -1..1; 8 bits are unsigned, as WAV has it."""
    if width == 1:
        unsigned = np.frombuffer(data, dtype=np.uint8).astype(np.float32)
        return (unsigned - np.float32(128)) / np.float32(128)
    raw = np.frombuffer(data, dtype=np.uint8).reshape(-1, width)
    wide = np.zeros((len(raw), 4), dtype=np.uint8)
    wide[:, 4 - width :] = raw  # left-aligned in 32 bits, so that the sign comes along
    whole: NDArray[np.float32] = wide.view("<i4").reshape(-1).astype(np.float32)
    return whole / np.float32(2**31)
