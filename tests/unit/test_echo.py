"""Our own voice on the caller's side, told from the caller's. Sounds like speech, ways like those
of telephones; the figures on real voices are `tests.bench.bench_echo`'s."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.phone_parts import babble
from voice.frames import FRAME_BYTES, FRAME_MS
from voice.listening.echo import DELAY_MS, REMEMBERED_MS, Others, Sent, others

Sound = NDArray[np.float64]
RATE = 8000
DELAY = DELAY_MS * RATE // 1000


def sound(ms: int, seed: int) -> Sound:
    return np.frombuffer(babble(ms, seed), dtype="<i2").astype(np.float64)


def pcm(samples: Sound) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def returned(voice: Sound, *, delay_ms: int, gain: float = 0.25) -> Sound:
    """Through a hybrid: late, weaker, with a short response of its own, over a line that hisses."""
    response = np.array([0.1, -0.3, 1.0, 0.5, -0.2, 0.1])
    late = np.concatenate([np.zeros(delay_ms * RATE // 1000), voice])[: len(voice)]
    noise = np.random.default_rng(7).normal(0, 12, len(voice))
    return gain * np.convolve(late, response, "same") + noise


def both(heard: Sound, sent: Sound) -> tuple[bytes, bytes]:
    """An utterance that began with what we said, and what we sent meanwhile."""
    return pcm(heard), bytes(2 * DELAY) + pcm(sent)


@pytest.mark.parametrize("delay_ms", [5, 60, 250, 550])
@pytest.mark.parametrize("ms", [400, 1000, 3000])
def test_what_comes_back_is_ours(delay_ms: int, ms: int) -> None:
    voice = sound(ms + 600, 1)
    heard, sent = both(returned(voice, delay_ms=delay_ms), voice)
    cut = 2 * (delay_ms * RATE // 1000 // 160 * 160)  # the utterance begins with the first sound
    assert not others(heard[cut:], sent[cut:], RATE)


def test_a_path_that_changes_in_mid_utterance_is_followed() -> None:
    voice = sound(2000, 1)
    early, late = returned(voice, delay_ms=80), returned(voice, delay_ms=120)
    heard = np.concatenate([early[: 1000 * 8], late[1000 * 8 :]])
    assert not others(*both(heard, voice), RATE)


@pytest.mark.parametrize("seed", range(2, 22))
def test_another_voice_is_never_ours(seed: int) -> None:
    theirs, ours = sound(600, seed), sound(600, 1)
    heard, sent = both(theirs, ours)
    assert others(heard, sent, RATE) == Others(0, len(heard))


ONSET = 400 * 8  # samples that are judged, of 1200 ms


def test_who_only_begins_like_our_own_voice_is_not_ours() -> None:
    """Our words of before came back now, and nothing of all that was said in between."""
    ours = sound(1200, 1)
    heard, quiet = returned(ours, delay_ms=200)[-ONSET:], pcm(sound(1200 - 400, 3) * 0.002)
    sent = bytes(2 * DELAY) + pcm(ours)
    assert not others(pcm(heard), sent[-2 * (ONSET + DELAY) :], RATE)
    assert others(pcm(heard), sent, RATE, quiet) == Others(0, 2 * ONSET)


@pytest.mark.parametrize("moved_ms", [0, 40])
@pytest.mark.parametrize("silent_ms", [0, 800])
def test_what_came_back_before_and_comes_again_is_ours(silent_ms: int, moved_ms: int) -> None:
    """Whether we have spoken for long or begin just now, and though a buffer moves the delay."""
    voice = sound(1200, 1)
    voice[: silent_ms * 8] = 0
    before, now = (returned(voice, delay_ms=100 + ms) for ms in (0, moved_ms))
    sent = bytes(2 * DELAY) + pcm(voice)
    assert not others(pcm(now[-ONSET:]), sent, RATE, pcm(before[:-ONSET]))


def test_who_answers_after_the_echo_is_heard_without_it() -> None:
    question, answer = sound(1200, 1), sound(300, 5) * 0.5
    quiet = np.zeros(200 * 8)
    sent = np.concatenate([question, quiet, np.zeros(len(answer))])
    heard = returned(sent, delay_ms=100)
    heard[-len(answer) :] += answer
    theirs = others(*both(heard, sent), RATE)
    begins, ends = theirs.start / 16, theirs.end / 16
    assert 1300 <= begins <= 1440  # the echo ends at 1300 ms, the answer begins at 1400
    assert ends >= 1680


def test_who_speaks_within_the_echo_is_heard() -> None:
    ours = sound(2000, 1)
    heard = returned(ours, delay_ms=40)
    heard[800 * 8 : 1300 * 8] += sound(500, 6)
    theirs = others(*both(heard, ours), RATE)
    assert theirs.start / 16 <= 820
    assert theirs.end / 16 >= 1280


def test_a_wideband_line_is_judged_alike() -> None:
    def wide(samples: Sound) -> bytes:
        return pcm(np.repeat(samples, 2))

    ours = sound(1000, 1)
    sent = bytes(4 * DELAY) + wide(ours)
    assert not others(wide(returned(ours, delay_ms=20)), sent, 16000)
    assert others(wide(sound(1000, 4)), sent, 16000)


def test_silence_and_what_was_said_to_silence_are_left_alone() -> None:
    heard = pcm(sound(500, 2))
    assert others(heard, b"", RATE) == Others(0, len(heard))
    assert others(bytes(8000), bytes(2 * DELAY) + pcm(sound(500, 1)), RATE) == Others(0, 8000)
    assert others(b"", bytes(2 * DELAY), RATE) == Others(0, 0)


def test_sounds_of_different_times_are_refused() -> None:
    with pytest.raises(ValueError, match="bytes heard need"):
        others(bytes(3200), bytes(3200), RATE)


def test_what_was_sent_is_kept_by_its_time() -> None:
    sent = Sent(RATE)
    frames = [bytes([n % 250 + 1]) * FRAME_BYTES for n in range(100)]
    for frame in frames:
        sent.add(frame)
    before = DELAY_MS // FRAME_MS
    assert sent.before(1000, 1100) == b"".join(frames[50 - before : 55])
    assert sent.before(0, 40) == bytes(before * FRAME_BYTES) + b"".join(frames[:2])


def test_of_long_ago_only_the_time_is_kept() -> None:
    sent = Sent(RATE)
    total = (REMEMBERED_MS + 5000) // FRAME_MS
    for _ in range(total):
        sent.add(b"\x01" * FRAME_BYTES)
    length = (DELAY_MS + 1000) // FRAME_MS * FRAME_BYTES
    assert sent.before(1000, 2000) == b""  # forgotten: treated as silence
    half = sent.before(4500, 5500)
    assert len(half) == length
    assert half[0] == 0
    assert half[-1] == 1


def test_where_we_were_silent_there_is_nothing_to_compare() -> None:
    sent = Sent(RATE)
    for _ in range(100):
        sent.add(bytes(FRAME_BYTES))
    assert sent.before(500, 1500) == b""
