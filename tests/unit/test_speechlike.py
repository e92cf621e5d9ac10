"""Silero's opinion of real sound at the moment at which our speech would be cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.test_speaker import started
from voice.dsp import Samples, pcm_from
from voice.frames import PHONE_RATE
from voice.listening.speechlike import LOOK_MS, SpeechLike
from voice.speaking import open_speaker
from voice.telephone import through_telephone

ONSETS_S = (0.26, 0.32, 0.38, 0.44)  # of a sound, until the line asks, and asks again
SOME = np.random.default_rng(5)


@pytest.fixture(scope="module")
def speechlike() -> SpeechLike:
    return SpeechLike()


def looks(sound: bytes) -> Iterator[bytes]:
    """The newest LOOK_MS on a quiet line, each time the line asks."""
    quiet = pcm_from(SOME.normal(0, 4e-4, PHONE_RATE).astype(np.float32))
    for onset_s in ONSETS_S:
        begun = sound[: 2 * int(onset_s * PHONE_RATE)]
        yield through_telephone(quiet + begun, PHONE_RATE)[-2 * LOOK_MS * PHONE_RATE // 1000 :]


def burst(decay_s: float, low: int, high: int, loud: float = 0.3) -> Samples:
    """A band of noise that dies away: a door, a cough, a clap."""
    noise = np.fft.rfft(SOME.normal(0, 1, PHONE_RATE // 2))
    pitch = np.fft.rfftfreq(PHONE_RATE // 2, 1 / PHONE_RATE)
    noise[(pitch < low) | (pitch > high)] = 0
    sound = np.fft.irfft(noise) * np.exp(-np.arange(PHONE_RATE // 2) / PHONE_RATE / decay_s)
    return (sound / np.abs(sound).max() * loud).astype(np.float32)


@pytest.mark.models
async def test_people_are_speech(tmp_path: Path, speechlike: SpeechLike) -> None:
    async with started(open_speaker(tmp_path, tmp_path / "speech", "pyttsx3")) as speaker:
        clips = [await speaker.render(text) for text in ("再说一遍", "我要转人工", "等一下")]
    for clip in clips:
        assert any(speechlike(look, PHONE_RATE) for look in looks(clip.pcm))


@pytest.mark.parametrize(
    "sound",
    [
        burst(0.06, 80, 800),
        burst(0.1, 300, 2500),
        burst(5.0, 100, 3800),
        burst(5.0, 100, 3800, 0.02),
        np.zeros(PHONE_RATE, np.float32),
    ],
    ids=["door", "cough", "rushing", "hiss", "nothing"],
)
def test_noises_are_not(sound: Samples, speechlike: SpeechLike) -> None:
    assert not any(speechlike(look, PHONE_RATE) for look in looks(pcm_from(sound)))


def test_too_little_sound_is_no_speech(speechlike: SpeechLike) -> None:
    assert not speechlike(b"", PHONE_RATE)
    assert not speechlike(bytes(100), PHONE_RATE)
    assert not speechlike(bytes(2 * 16_000), 16_000)
