"""PCM, resampling, levels."""

from __future__ import annotations

import numpy as np
import pytest

from voice import dsp


def tone(hertz: float, rate: int = 16_000) -> dsp.Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)


def test_pcm_survives_and_what_is_too_loud_is_clipped() -> None:
    pcm = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert dsp.pcm_from(dsp.samples_from(pcm)) == pcm
    assert dsp.pcm_from(np.array([2.0, -2.0], np.float32)) == b"\xff\x7f\x00\x80"


def test_resampling_keeps_length_and_level() -> None:
    out = dsp.resample(tone(1000, 24_000), 24_000, 8000)
    assert out.size == 8000
    assert dsp.level_dbfs(out) == pytest.approx(dsp.level_dbfs(tone(1000)), abs=0.1)
    assert dsp.resample(out[:0], 8000, 16_000).size == 0


def test_silence_has_no_level() -> None:
    assert dsp.level_dbfs(np.zeros(10, np.float32)) == float("-inf")
