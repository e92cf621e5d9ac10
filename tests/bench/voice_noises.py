"""What stops the bot in mid-sentence: loud noises that should not, and voices that should. Part of
bench_voice; pure sound, no calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.bench_line import Deaf
from tests.bench.bench_listen import Said
from tests.bench.voice_caller import audible
from voice.dsp import pcm_from
from voice.frames import FRAME_BYTES, FRAME_MS, PHONE_RATE, SILENCE
from voice.incoming import Incoming
from voice.listening.endpoint import Endpointer
from voice.listening.speechlike import SpeechLike
from voice.listening.vad import WebRtcVad
from voice.telephone import through_telephone

Sound = NDArray[np.float64]
LEVELS = (0.1, 0.3)  # peak, full scale 1
HUM = 4e-4  # of the quiet line around it
SOME = np.random.default_rng(3)


def noises() -> Mapping[str, Sequence[Sound]]:
    """Four of each kind."""
    return {
        "cough": [_cough(n) for n in range(4)],
        "door": [_band(0.4, 80, 600 + 200 * n) * _dying(0.4, 0.06) for n in range(4)],
        "tone": [np.sin(2 * np.pi * (440 + 200 * n) * _time(0.5 + 0.3 * n)) for n in range(4)],
        "chord": [_harmonics(110 * (n + 1), (1, 1.25, 1.5, 2, 3), 0.5 + 0.3 * n) for n in range(4)],
        "hum": [_harmonics(120 + 40 * n, range(1, 12), 0.5 + 0.3 * n) for n in range(4)],
        "rustling": [_band(0.6, 100, 3800) * np.abs(_band(0.6, 5, 30)) for _ in range(4)],
        "breath": [_band(0.8, 300, 1500 + 400 * n) * np.hanning(_length(0.8)) for n in range(4)],
        "rushing": [_band(0.3 + 0.2 * n, 0, 4000) for n in range(4)],
    }


async def barge_in(answers: Sequence[Said]) -> dict[str, Any]:
    """Each noise, at each level, over a sentence of ours: does it stop? And each answer: when?"""
    speechlike = SpeechLike()
    lines = [
        _on_a_line(sound / np.abs(sound).max() * level)
        for sounds in noises().values()
        for sound in sounds
        for level in LEVELS
        for _ in range(4)
    ]
    quiet = _quiet()
    voices = [
        through_telephone(quiet + said.pcm + quiet, PHONE_RATE, snr_db=snr)
        for said in answers
        for snr in (None, 20.0)
    ]
    onsets = [_onset_ms(quiet + said.pcm) for said in answers for _ in range(2)]
    before = [stops_ms(line, lambda _pcm, _rate: True) for line in voices]
    after = [stops_ms(line, speechlike) for line in voices]
    took = [ms - onset for ms, onset in zip(after, onsets, strict=True) if ms is not None]
    later = [b - a for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    return {
        "noises": len(lines),
        "stopped_by": sum(stops_ms(line, speechlike) is not None for line in lines),
        "stopped_by_level_alone": sum(
            stops_ms(line, lambda _pcm, _rate: True) is not None for line in lines
        ),
        "voices": sum(ms is not None for ms in before),
        "voices_unheeded": sum(
            a is not None and b is None for a, b in zip(before, after, strict=True)
        ),
        "took_ms": [round(float(q)) for q in np.percentile(took, [50, 90, 95])],
        "later_ms": [round(float(q)) for q in np.percentile(later, [50, 90, 95])],
    }


def stops_ms(line: bytes, speechlike: Callable[[bytes, int], bool]) -> int | None:
    """When a sentence that sounds all the time is cut; None: never."""
    incoming = Incoming(
        Deaf(),
        WebRtcVad(),
        Endpointer(),
        rate=PHONE_RATE,
        over=lambda _: "ours",
        on_utterance=lambda _: None,
        speechlike=speechlike,
    )
    try:
        for n, frame in enumerate(_frames(line)):
            incoming.feed(frame, SILENCE)
            if incoming.barges_in(over=True):
                return (n + 1) * FRAME_MS
    finally:
        incoming.close()
    return None


def _onset_ms(line: bytes) -> int:
    heard = audible(line[: len(line) // FRAME_BYTES * FRAME_BYTES])
    return int(np.argmax(heard)) * FRAME_MS


def _frames(line: bytes) -> Iterator[bytes]:
    return (
        line[at : at + FRAME_BYTES] for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES)
    )


def _on_a_line(sound: Sound) -> bytes:
    return through_telephone(
        _quiet() + pcm_from(sound.astype(np.float32)) + _quiet(), PHONE_RATE, seed=1
    )


def _quiet() -> bytes:
    """Two seconds, and some: where a sound falls into the network's chunks of 32 ms is chance."""
    length = 2 * PHONE_RATE + int(SOME.integers(32 * PHONE_RATE // 1000))
    return pcm_from(SOME.normal(0, HUM, length).astype(np.float32))


def _length(seconds: float) -> int:
    return round(seconds * PHONE_RATE)


def _time(seconds: float) -> Sound:
    return np.arange(_length(seconds)) / PHONE_RATE


def _dying(seconds: float, decay_s: float) -> Sound:
    return np.asarray(np.exp(-_time(seconds) / decay_s))


def _band(seconds: float, low: float, high: float) -> Sound:
    """White noise between two frequencies, Hz."""
    spectrum = np.fft.rfft(SOME.normal(0, 1, _length(seconds)))
    pitch = np.fft.rfftfreq(_length(seconds), 1 / PHONE_RATE)
    spectrum[(pitch < low) | (pitch > high)] *= 0.02
    return np.asarray(np.fft.irfft(spectrum, _length(seconds)))


def _harmonics(pitch: float, of: Sequence[float], seconds: float) -> Sound:
    time = _time(seconds)
    return np.asarray(sum(np.sin(2 * np.pi * pitch * h * time) / max(h, 1) for h in of))


def _cough(n: int) -> Sound:
    first = _band(0.35, 300 + 100 * n, 2500) * _dying(0.35, 0.08 + 0.02 * n)
    return np.concatenate(
        [first, np.zeros(_length(0.1)), _band(0.3, 300, 2000) * _dying(0.3, 0.07)]
    )
