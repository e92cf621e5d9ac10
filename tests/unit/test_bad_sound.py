"""Sound that is no answer: bounded work and memory, whatever comes down the line.

Faster than real time: the detector, the endpointer and the tones are real, recognition is counted.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.test_endpoint import spoken
from voice.frames import FRAME_BYTES, PHONE_RATE, SILENCE, Transcript, Utterance
from voice.incoming import Incoming
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.endpoint import Endpointer, EndpointSettings, Pauses
from voice.listening.stream import OpenSession
from voice.listening.vad import WebRtcVad

Sound = NDArray[np.floating[Any]]
LONGEST_S = EndpointSettings().max_ms / 1000
T = np.arange(60 * PHONE_RATE) / PHONE_RATE


class CountingEars:
    """Hears nothing, and counts."""

    streaming = False

    def __init__(self) -> None:
        self.sounds: list[float] = []  # seconds each

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        raise NotImplementedError

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        self.sounds.append(len(pcm) / 2 / rate)
        return Transcript("", 0.0, 1.0, "none", 0.0)


async def line(sound: Sound) -> tuple[CountingEars, list[Utterance], list[str]]:
    """Everything that is heard of a line's sound, between two seconds of a quiet one."""
    ears, heard, keys = CountingEars(), list[Utterance](), list[str]()
    incoming = Incoming(
        ears,
        WebRtcVad(),
        Endpointer(),
        rate=PHONE_RATE,
        over=lambda _: None,
        on_utterance=heard.append,
        on_tone=lambda digit, begun: keys.append(digit) if begun else None,
    )
    incoming.expect(YES_NO, Pauses())
    quiet = np.random.default_rng(9).normal(0, 0.0005, 2 * PHONE_RATE)
    pcm = (np.clip(np.concatenate([quiet, sound, quiet]), -1, 1) * 32767).astype("<i2").tobytes()
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        incoming.feed(pcm[at : at + FRAME_BYTES], SILENCE)
        if at % (10 * FRAME_BYTES) == 0:
            await asyncio.sleep(0)
            kept = len(incoming._endpointer._sound) / 2 / PHONE_RATE
            assert kept <= LONGEST_S
    await incoming.finish(5.0)
    return ears, heard, keys


def music() -> Sound:
    """Chords with a beat, a minute."""
    beat = np.exp(-6 * (T % 0.5))
    roots = 220 * 2 ** (np.array([0, 5, 7, 3])[(T // 2).astype(int) % 4] / 12)
    phase = 2 * np.pi * np.cumsum(roots) / PHONE_RATE
    return np.asarray(0.2 * beat * (np.sin(phase) + np.sin(1.26 * phase) + np.sin(1.5 * phase)))


NOISE = np.random.default_rng(4).normal(0, 0.1, len(T))
SOUNDS: dict[str, Sound] = {
    "silence": np.zeros(len(T)),
    "white noise": NOISE,
    "music": music(),
    "a tone of 1 kHz": 0.5 * np.sin(2 * np.pi * 1000 * T),
    "clipped noise": np.clip(NOISE * 40, -1, 1),
    "a constant": np.full(len(T), 0.9),
}


@pytest.mark.parametrize("name", SOUNDS)
async def test_a_minute_of_anything_costs_little_and_presses_no_key(name: str) -> None:
    ears, heard, keys = await line(SOUNDS[name])
    assert keys == []
    assert len(heard) <= 30
    assert all(u.text == "" for u in heard)
    assert len(ears.sounds) <= 60
    assert max(ears.sounds, default=0.0) <= LONGEST_S


@pytest.mark.parametrize("name", ["silence", "white noise", "a tone of 1 kHz", "a constant"])
async def test_what_does_not_change_is_not_taken_for_speech_for_long(name: str) -> None:
    _, heard, _ = await line(SOUNDS[name])
    assert sum(u.end_ms - u.start_ms for u in heard) <= 5000


@pytest.mark.models
async def test_a_monologue_is_cut_into_pieces_of_bounded_length() -> None:
    """Six minutes; its length in time is what the pieces add up to, so twenty are no other case."""
    text = "今天天气很好我们去公园走走然后回家吃饭孩子们都在学校里面念书明天还要上班"
    once = spoken(text)
    ears, heard, keys = await line(np.tile(once, int(360 * PHONE_RATE / len(once))))
    assert keys == []
    assert all(u.end_ms - u.start_ms <= LONGEST_S * 1000 for u in heard)
    assert sum(u.end_ms - u.start_ms for u in heard) > 250_000
    starts = [u.pcm_start_ms for u in heard]
    assert all(a.pcm_end_ms <= b for a, b in zip(heard, starts[1:], strict=False))
    # Not at every breath: an utterance is recognised a few times, not once a word.
    assert sum(ears.sounds) <= 4 * 360


@pytest.mark.models
async def test_clipped_speech_is_still_speech() -> None:
    _, heard, _ = await line(np.clip(spoken("我不清楚") * 30, -1, 1))
    assert len(heard) == 1
