"""What a telephone does to sound: band, A-law, noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice import dsp
from voice.telephone import add_noise, alaw_decode, alaw_encode, through_telephone


def sine(hz: float, rate: int, seconds: float = 1.0, level: float = 8000.0) -> bytes:
    n = np.arange(int(rate * seconds))
    return bytes((level * np.sin(2 * np.pi * hz * n / rate)).astype("<i2").tobytes())


def rms(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, dtype="<i2").astype(float) ** 2)))


@pytest.mark.parametrize(
    ("code", "sample"),
    [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0x80, 5504), (0x00, -5504)],
)
def test_values_of_the_standard(code: int, sample: int) -> None:
    """G.711 table 1a; 16-bit samples are the standard's 13-bit values times 8."""
    pcm = np.array([sample], dtype="<i2").tobytes()
    assert alaw_decode(bytes([code])) == pcm
    assert alaw_encode(pcm) == bytes([code])


def test_16_bit_input_is_quantised_as_in_the_standard() -> None:
    """Values of ITU-T G.711 table 1a, even bits inverted, for 16-bit input."""
    linear = {0: 0xD5, -8: 0x55, 16: 0xD4, 1000: 0xFA, -1000: 0x7A, 32767: 0xAA, -32768: 0x2A}
    pcm = np.array(list(linear), "<i2").tobytes()
    assert list(alaw_encode(pcm)) == list(linear.values())


@pytest.mark.parametrize(
    ("hertz", "least", "most"), [(100, -99, -35), (1000, -1, 1), (3700, -99, -35)]
)
def test_a_telephone_passes_300_to_3400_hertz(hertz: int, least: float, most: float) -> None:
    tone = (0.3 * np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000)).astype(np.float32)
    passed = dsp.samples_from(through_telephone(dsp.pcm_from(tone), 16_000))
    assert passed.size == 8000
    assert least < dsp.level_dbfs(passed) - dsp.level_dbfs(tone) < most


def test_every_code_survives_the_round_trip() -> None:
    codes = bytes(range(256))
    assert alaw_encode(alaw_decode(codes)) == codes


@given(st.lists(st.integers(-32768, 32767), min_size=1))
def test_the_error_is_within_half_a_step(samples: list[int]) -> None:
    pcm = np.array(samples, dtype="<i2")
    back = np.frombuffer(alaw_decode(alaw_encode(pcm.tobytes())), dtype="<i2")
    error = np.abs(back.astype(int) - pcm)
    assert (error <= np.maximum(np.abs(pcm.astype(int)) / 32, 8) + 8).all()


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
def test_a_voice_passes_at_any_rate_and_keeps_its_length(rate: int) -> None:
    heard = through_telephone(sine(1000, rate), rate)
    assert abs(len(heard) / 2 - 8000) <= 1
    assert 0.9 < rms(heard) / rms(sine(1000, rate)) < 1.1


@pytest.mark.parametrize("hz", [60, 100, 3900])
def test_what_lies_outside_the_band_is_gone(hz: int) -> None:
    assert rms(through_telephone(sine(hz, 16000), 16000)) < 0.05 * rms(sine(hz, 16000))


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0])
def test_noise_has_the_level_asked_for(snr_db: float) -> None:
    speech = np.concatenate([np.frombuffer(sine(500, 8000), dtype="<i2"), np.zeros(8000)])
    noise = add_noise(speech, snr_db, np.random.default_rng(1)) - speech
    assert 20 * np.log10(np.std(speech[:8000]) / np.std(noise)) == pytest.approx(snr_db, abs=0.5)


def test_the_same_seed_is_the_same_noise() -> None:
    speech = sine(500, 8000)
    noisy = [through_telephone(speech, 8000, snr_db=5, seed=s) for s in (1, 1, 2)]
    assert noisy[0] == noisy[1] != noisy[2]


def test_no_sound_is_no_sound() -> None:
    assert through_telephone(b"", 24000, snr_db=10) == b""
