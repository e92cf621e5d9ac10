"""Pauses inside what a model spoke."""

from __future__ import annotations

import numpy as np
import pytest

from voice.dsp import Samples
from voice.speaking.breaths import BREATH_S, shortened

RATE = 16_000


def tone(seconds: float) -> Samples:
    times = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def hiss(seconds: float) -> Samples:
    """As a model's silence is: not quite nothing."""
    noise = np.random.default_rng(1).standard_normal(int(seconds * RATE))
    return (noise * 1e-4).astype(np.float32)


@pytest.mark.parametrize("pause", [0.36, 1.5, 4.0])
def test_a_long_pause_becomes_a_breath(pause: float) -> None:
    sound = shortened(np.concatenate([tone(1), hiss(pause), tone(1)]), RATE)
    assert sound.size / RATE == pytest.approx(2 + BREATH_S, abs=0.03)


def test_a_breath_stays_as_it_is() -> None:
    sound = np.concatenate([tone(1), hiss(0.3), tone(1), hiss(0.1), tone(0.5)])
    assert np.array_equal(shortened(sound, RATE), sound)


def test_two_pieces_are_a_breath_apart() -> None:
    piece = np.concatenate([hiss(0.4), tone(1), hiss(1)])
    both = np.concatenate([shortened(piece, RATE)] * 2)
    loud = np.flatnonzero(np.abs(both) > 0.05)
    assert np.diff(loud).max() / RATE == pytest.approx(BREATH_S, abs=0.03)


def test_joints_do_not_click() -> None:
    sound = shortened(np.concatenate([tone(1), hiss(2), tone(1)]), RATE)
    assert np.abs(np.diff(sound)).max() <= np.abs(np.diff(tone(1))).max() + 1e-3


def test_silence_and_nothing() -> None:
    assert shortened(np.zeros(0, np.float32), RATE).size == 0
    assert shortened(np.zeros(5, np.float32), RATE).size == 5
    assert shortened(tone(0.5), RATE).size == 0.5 * RATE
