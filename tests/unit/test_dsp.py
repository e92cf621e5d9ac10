"""A-law, the telephone band, levels."""

from __future__ import annotations

import numpy as np
import pytest

from voice import dsp


def tone(hertz: float, rate: int = 16_000) -> dsp.Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)


def test_a_law_is_g711() -> None:
    """Values of ITU-T G.711 table 1a, even bits inverted, for 16-bit input."""
    linear = {0: 0xD5, -8: 0x55, 16: 0xD4, 1000: 0xFA, -1000: 0x7A, 32767: 0xAA, -32768: 0x2A}
    pcm = np.array(list(linear), "<i2").tobytes()
    assert list(dsp.alaw_encode(dsp.samples_from(pcm))) == list(linear.values())
    every = bytes(range(256))
    assert dsp.alaw_encode(dsp.alaw_decode(every)) == every


def test_pcm_survives_and_what_is_too_loud_is_clipped() -> None:
    pcm = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert dsp.pcm_from(dsp.samples_from(pcm)) == pcm
    assert dsp.pcm_from(np.array([2.0, -2.0], np.float32)) == b"\xff\x7f\x00\x80"


@pytest.mark.parametrize(
    ("hertz", "least", "most"), [(100, -99, -35), (1000, -1, 1), (3700, -99, -35)]
)
def test_a_telephone_passes_300_to_3400_hertz(hertz: int, least: float, most: float) -> None:
    passed = dsp.telephone(tone(hertz), 16_000)
    assert passed.size == 8000
    assert least < dsp.level_dbfs(passed) - dsp.level_dbfs(tone(hertz)) < most


def test_resampling_keeps_length_and_level() -> None:
    out = dsp.resample(tone(1000, 24_000), 24_000, 8000)
    assert out.size == 8000
    assert dsp.level_dbfs(out) == pytest.approx(dsp.level_dbfs(tone(1000)), abs=0.1)
    assert dsp.resample(out[:0], 8000, 16_000).size == 0


def test_silence_has_no_level() -> None:
    assert dsp.level_dbfs(np.zeros(10, np.float32)) == float("-inf")
