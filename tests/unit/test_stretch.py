"""Slower and faster at the same pitch."""

from __future__ import annotations

import numpy as np
import pytest

from voice.dsp import Samples, level_dbfs
from voice.speaking.stretch import stretch

RATE = 8000


def voiced(pitch: float, seconds: float = 1.0) -> Samples:
    """A buzz with the harmonics of a voice up to 3.4 kHz."""
    t = np.arange(int(RATE * seconds)) / RATE
    harmonics = range(1, int(3400 / pitch))
    return sum(np.sin(2 * np.pi * pitch * k * t) / k for k in harmonics).astype(np.float32) * 0.2


def pitch_of(samples: Samples) -> float:
    """By autocorrelation, between 70 and 400 Hz; of several alike periods the shortest."""
    middle = samples[samples.size // 4 : samples.size * 3 // 4]
    likeness = np.correlate(middle, middle, "full")[middle.size - 1 :]
    lags = np.arange(RATE // 400, RATE // 70)
    peaks = [n for n in lags if likeness[n] >= max(likeness[n - 1], likeness[n + 1])]
    alike = max(likeness[n] for n in peaks) * 0.8
    return RATE / next(n for n in peaks if likeness[n] >= alike)


@pytest.mark.parametrize("speed", [0.35, 0.5, 0.65, 0.85, 1.0, 1.2, 1.5])
@pytest.mark.parametrize("pitch", [85.0, 120.0, 220.0, 300.0])
def test_length_changes_and_pitch_and_level_do_not(speed: float, pitch: float) -> None:
    sound = voiced(pitch)
    slower = stretch(sound, RATE, speed)
    assert slower.size == round(sound.size / speed)
    assert pitch_of(slower) == pytest.approx(pitch_of(sound), rel=0.03)
    assert level_dbfs(slower) == pytest.approx(level_dbfs(sound), abs=0.5)


def test_joints_do_not_click() -> None:
    sound = voiced(150)
    steepest = float(np.abs(np.diff(sound)).max())
    assert float(np.abs(np.diff(stretch(sound, RATE, 0.7))).max()) < 1.15 * steepest


def test_the_beginning_and_the_end_stay_where_they_belong() -> None:
    sound = np.zeros(RATE, np.float32)
    sound[:400] = voiced(200, 0.05)
    sound[-400:] = voiced(200, 0.05)
    slower = stretch(sound, RATE, 0.5)
    assert level_dbfs(slower[:800]) > -30
    assert level_dbfs(slower[-800:]) > -30
    assert level_dbfs(slower[4000:12000]) < -60


@pytest.mark.parametrize("size", [0, 1, 50, 399, 400, 401])
def test_short_sounds_survive(size: int) -> None:
    out = stretch(np.ones(size, np.float32), RATE, 0.5)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("speed", [0.0, -1.0, 0.29, 2.1, float("nan")])
def test_a_speed_out_of_bounds_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        stretch(voiced(100), RATE, speed)
