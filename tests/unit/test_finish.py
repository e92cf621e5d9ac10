"""A kept clause on its way to a line: it begins when it can be heard."""

from __future__ import annotations

import numpy as np
import pytest

from voice.dsp import Samples, level_dbfs, samples_from
from voice.speaking.finish import Delivery, finish, prompt

RATE = 8000
SOME = np.random.default_rng(3)


def noise(db: float, seconds: float) -> Samples:
    sound = SOME.standard_normal(int(RATE * seconds)).astype(np.float32)
    return sound * np.float32(10 ** (db / 20))


def test_a_breath_before_the_voice_is_not_waited_for() -> None:
    voice = noise(-20, 0.5)
    out = prompt(np.concatenate([noise(-60, 0.06), voice]), RATE)
    assert 0.01 <= (out.size - voice.size) / RATE <= 0.015
    assert np.array_equal(out[-voice.size :], voice)


def test_a_soft_consonant_stays() -> None:
    whole = np.concatenate([noise(-60, 0.01), noise(-42, 0.04), noise(-20, 0.5)])
    assert prompt(whole, RATE).size == whole.size


@pytest.mark.parametrize("gain_db", [-10.0, 0.0, 8.0])
def test_it_begins_at_the_same_place_however_loud(gain_db: float) -> None:
    sound = np.concatenate([noise(-60, 0.06), noise(-20, 0.5)])
    out = samples_from(finish(sound, RATE, 1.0, Delivery(gain_db=gain_db)))
    assert out.size / RATE == pytest.approx(0.51, abs=0.005)
    assert level_dbfs(out[: RATE // 200]) < -45, "it begins with a click"


@pytest.mark.parametrize("sound", [noise(-60, 0.1), noise(-60, 0.0), noise(-20, 0.001)])
def test_what_has_no_voice_stays_as_it_is(sound: Samples) -> None:
    assert np.array_equal(prompt(sound, RATE), sound)
