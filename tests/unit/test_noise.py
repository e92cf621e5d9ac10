"""How far a voice stands above the noise, from the sound of one utterance."""

from __future__ import annotations

import numpy as np
import pytest

from voice.listening.noise import speech_to_noise_db
from voice.telephone import through_telephone

QUIET, SPEECH = 2400, 4800  # samples before and after, and of the voice


def utterance() -> bytes:
    time = np.arange(SPEECH) / 8000
    voice = 6000 * np.sin(2 * np.pi * 700 * time)
    return np.concatenate([np.zeros(QUIET), voice, np.zeros(QUIET)]).astype("<i2").tobytes()


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0])
def test_the_figure_follows_the_noise(snr_db: float) -> None:
    heard = speech_to_noise_db(through_telephone(utterance(), 8000, snr_db=snr_db, seed=1))
    assert heard == pytest.approx(snr_db, abs=4)


def test_a_quiet_line_stands_far_above_and_a_scrap_is_unknown() -> None:
    assert speech_to_noise_db(through_telephone(utterance(), 8000)) > 35
    assert speech_to_noise_db(utterance()[:7000]) == 0
    assert speech_to_noise_db(b"") == 0
    assert speech_to_noise_db(bytes(16000)) == 0
