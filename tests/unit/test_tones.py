"""Keys inside the sound: what ITU-T Q.24 asks to be heard and to be left alone, and talk-off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.phone_parts import ScriptedEars, ScriptedSpeaker, calling
from tests.unit.test_endpoint import spoken
from voice.frames import FRAME_BYTES, PHONE_RATE, Key
from voice.keys import WINDOW_MS, KeyOnce
from voice.listening.tones import DIGITS, HIGH, LOW, ToneDetector

ALL = "".join(DIGITS)
Sound = NDArray[np.floating[Any]]


def press(
    digit: str, ms: int = 40, *, off: float = 0.0, twist_db: float = 0.0, level_db: float = -15.0
) -> Sound:
    """A key as sound: frequencies `off` by a share, the low tone `twist_db` over the high one."""
    row = next(n for n, keys in enumerate(DIGITS) if digit in keys)
    t = np.arange(PHONE_RATE * ms // 1000) / PHONE_RATE * (1 + off) * 2 * np.pi
    low, high = np.sin(LOW[row] * t), np.sin(HIGH[DIGITS[row].index(digit)] * t + 1)
    return np.asarray(10 ** (level_db / 20) * (low + 10 ** (-twist_db / 20) * high))


def keys(*sounds: Sound, snr_db: float | None = None, shift: int = 0, seed: int = 0) -> str:
    """What is heard of sounds with 60 ms between them, `shift` samples from a frame's border."""
    gap = np.zeros(480)
    line = np.concatenate([np.zeros(800 + shift), *(x for s in sounds for x in (s, gap)), gap])
    if snr_db is not None:
        power = float(np.mean(np.concatenate(sounds) ** 2))
        line += np.random.default_rng(seed).normal(
            0, (power / 10 ** (snr_db / 10)) ** 0.5, len(line)
        )
    pcm = (np.clip(line, -1, 1) * 32767).astype("<i2").tobytes()
    detector = ToneDetector()
    frames = (pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    return "".join(tone.digit for frame in frames if (tone := detector.feed(frame)))


@pytest.mark.parametrize("snr_db", [None, 10.0])
@pytest.mark.parametrize("shift", [0, 37, 80, 121])
def test_every_key_of_40_ms_is_heard_once_however_it_lies(shift: int, snr_db: float | None) -> None:
    assert keys(*map(press, ALL), shift=shift, snr_db=snr_db) == ALL


@pytest.mark.parametrize(
    "kind",
    [
        {"off": 0.015}, {"off": -0.015}, {"twist_db": 6.0}, {"twist_db": -3.5},
        {"level_db": -32.0}, {"level_db": -7.0}, {"ms": 3000},
    ],
)  # fmt: skip
def test_keys_within_the_tolerances_are_heard_once(kind: dict[str, Any]) -> None:
    assert keys(*(press(digit, **kind) for digit in ALL), shift=55) == ALL


@pytest.mark.parametrize(
    "kind", [{"off": 0.035}, {"off": -0.035}, {"ms": 22}, {"twist_db": 12}, {"level_db": -45.0}]
)
def test_what_is_no_key_is_left_alone(kind: dict[str, Any]) -> None:
    assert keys(*(press(digit, **kind) for digit in ALL), shift=55) == ""


def test_the_same_key_twice_is_two_and_a_click_in_one_is_not() -> None:
    assert keys(press("7"), press("7")) == "77"
    interrupted = press("7", 100)
    interrupted[400:440] = 0.0  # 5 ms
    assert keys(interrupted) == "7"


@pytest.mark.parametrize("shift", [0, 37, 80, 121])
def test_a_frame_that_came_late_in_a_held_key_makes_no_second_press(shift: int) -> None:
    for digit in ALL:
        torn = press(digit, 200)
        torn[640:800] = 0.0
        assert keys(torn, shift=shift) == digit
        assert keys(np.concatenate([press(digit), np.zeros(320), press(digit)]), shift=shift) == (
            2 * digit
        ), "40 ms apart"


def test_one_tone_hum_noise_and_music_are_no_keys() -> None:
    t = np.arange(10 * PHONE_RATE) / PHONE_RATE
    chords = [(262, 330, 392), (294, 370, 440), (697, 1175, 880), (784, 988, 1175)]
    tune = np.concatenate(
        [sum(np.sin(2 * np.pi * f * t[:4000]) for f in chord) / 9 for chord in chords * 4]
    )
    noise = np.random.default_rng(1).normal(0, 0.2, 20 * PHONE_RATE)
    for sound in (np.sin(2 * np.pi * 1000 * t) * 0.5, np.sin(2 * np.pi * 50 * t), tune, noise):
        assert keys(sound) == ""
        assert keys(np.clip(sound * 20, -1, 1)) == ""


@pytest.mark.models
def test_speech_presses_no_keys() -> None:
    texts = (
        "一二三四五六七八九零星号井号",
        "您好请问您是本人吗我要转人工",
        "嗯啊哦对好是的不清楚没收到",
    )
    for text in texts:
        for pitch in ("0", "50", "99"):
            assert keys(spoken(text, pitch=pitch)) == "", (text, pitch)


def test_a_press_that_comes_both_ways_is_one() -> None:
    for first, second in (("tone", "event"), ("event", "tone")):
        once = KeyOnce()
        assert once.new("1", first, 0)  # type: ignore[arg-type]
        assert not once.new("1", second, 200)  # type: ignore[arg-type]
        assert once.new("1", first, 400)  # type: ignore[arg-type]
        assert not once.new("1", second, 600)  # type: ignore[arg-type]


def test_other_keys_late_keys_and_one_way_alone_are_not_swallowed() -> None:
    once = KeyOnce()
    assert [once.new(d, "event", n * 100) for n, d in enumerate("1122")] == [True] * 4
    assert once.new("3", "tone", 500)
    assert once.new("3", "event", 501 + WINDOW_MS)
    assert once.new("4", "tone", 3000)
    once.held("4", 9000)  # a key held for six seconds is reported when it is released
    assert not once.new("4", "event", 9100)


@given(st.lists(st.sampled_from("12"), max_size=12))
def test_any_keys_by_both_ways_are_each_heard_once(pressed: list[str]) -> None:
    once, told = KeyOnce(), []
    for n, digit in enumerate(pressed):
        told += [digit] * once.new(digit, "tone", n * 400)
        told += [digit] * once.new(digit, "event", n * 400 + 150)
    assert told == pressed


async def test_a_key_as_sound_is_a_key_of_the_line_and_no_speech() -> None:
    ears = ScriptedEars([])
    async with calling(ears, ScriptedSpeaker()) as call:
        sound = (press("0", 120) * 32767).astype("<i2").tobytes()
        await call.caller.say(sound)
        call.caller.key("0")  # the exchange tells it as well
        assert (await call.next(Key)).digit == "0"  # type: ignore[union-attr]
        call.caller.key("5")
        assert (await call.next(Key)).digit == "5"  # type: ignore[union-attr]
        assert ears.asked == []
