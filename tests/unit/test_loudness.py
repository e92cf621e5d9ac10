"""Every clause equally loud, no clicks, no clipping."""

from __future__ import annotations

import numpy as np
import pytest

from voice.dsp import Samples
from voice.speaking import loudness

RATE = 24_000
SOME = np.random.default_rng(7)


def speech(db: float, seconds: float = 1.0) -> Samples:
    """Noise in syllables: 150 ms of sound, 50 ms of pause."""
    noise = SOME.standard_normal(int(RATE * seconds)).astype(np.float32)
    on = (np.arange(noise.size) % int(0.2 * RATE)) < 0.15 * RATE
    return noise * on * np.float32(10 ** (db / 20))


def quiet(seconds: float) -> Samples:
    return np.zeros(int(RATE * seconds), np.float32)


@pytest.mark.parametrize("db", [-50.0, -30.0, -20.0, -12.0, -3.0])
def test_quiet_and_loud_voices_come_out_alike(db: float) -> None:
    out = loudness.even(speech(db), RATE)
    assert loudness.active_level(out, RATE) == pytest.approx(loudness.TARGET_DBFS, abs=1.0)


def test_pauses_do_not_make_a_clause_louder() -> None:
    short = loudness.even(speech(-15), RATE)
    paused = loudness.even(np.concatenate([speech(-15), quiet(2), speech(-15)]), RATE)
    difference = loudness.active_level(paused, RATE) - loudness.active_level(short, RATE)
    assert abs(difference) < 0.5


def test_peaks_are_limited_and_not_clipped() -> None:
    sound = speech(-20)
    sound[RATE // 2] = 3.0  # Kokoro's peaks exceed full scale
    out = loudness.limit(sound, RATE)
    assert float(np.abs(out).max()) <= loudness.PEAK + 1e-6
    assert np.count_nonzero(np.abs(out) > loudness.PEAK - 1e-4) <= 1, "a flat top is clipping"
    untouched = slice(0, RATE // 2 - int(0.03 * RATE))
    assert np.array_equal(out[untouched], sound[untouched])


def test_silence_around_speech_goes_and_its_soft_start_stays() -> None:
    soft = speech(-50, 0.02)
    sound = np.concatenate([quiet(1), soft, speech(-20), quiet(2)])
    out = loudness.trim(sound, RATE)
    assert 1.0 < out.size / RATE < 1.15


def test_ends_are_faded() -> None:
    out = loudness.even(speech(-20), RATE)
    assert out[0] == 0
    assert abs(float(out[-1])) < 0.01


@pytest.mark.parametrize("sound", [quiet(0), quiet(1), speech(-90)], ids=["none", "zero", "hiss"])
def test_silence_is_silence(sound: Samples) -> None:
    assert loudness.even(sound, RATE).size == 0
    assert loudness.silent(sound)
