"""The endpointer on scripted frames (no detector, no clock) and on spoken sound."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voice.frames import FRAME_BYTES, FRAME_MS, PHONE_RATE, SILENCE
from voice.listening.endpoint import (
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    Pauses,
    SpeechDropped,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Verdict,
)
from voice.listening.noise import QUIETEST_DB, NoiseFloor, level_db
from voice.listening.vad import WebRtcVad


def tone(level: float = 0.2) -> bytes:
    """One frame of a 400 Hz tone."""
    t = np.arange(FRAME_BYTES // 2) / PHONE_RATE
    return (np.sin(2 * np.pi * 400 * t) * level * 32767).astype("<i2").tobytes()


LOUD = tone()


def script(*parts: tuple[str, int]) -> Iterator[tuple[bytes, bool]]:
    """Frames from ("silence" | "speech", milliseconds) pairs. Every second of speech has a dip, as
    between syllables: a sound without any is a noise."""
    for what, ms in parts:
        for n in range(1, ms // FRAME_MS + 1):
            if what == "speech":
                yield (LOUD, True) if n % 50 else (SILENCE, True)
            else:
                yield SILENCE, False


def run(endpointer: Endpointer, frames: Iterable[tuple[bytes, bool]]) -> list[EndpointEvent]:
    return [event for frame, speaking in frames for event in endpointer.feed(frame, speaking)]


def kinds(events: Iterable[EndpointEvent]) -> list[type[EndpointEvent]]:
    return [type(event) for event in events]


def test_utterance_has_times_and_pre_roll() -> None:
    events = run(Endpointer(), script(("silence", 1000), ("speech", 400), ("silence", 600)))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded]
    started, _, ended = events
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert started.at_ms == ended.start_ms == 1000
    assert ended.end_ms == 1400
    assert not ended.cut
    expected_ms = 240 + 400 + 100  # pre-roll, speech, the pause that was decoded
    assert len(ended.pcm) == expected_ms // FRAME_MS * FRAME_BYTES
    assert ended.pcm.index(LOUD) == 240 // FRAME_MS * FRAME_BYTES


def test_end_carries_the_sound_of_the_pause() -> None:
    events = run(Endpointer(), script(("silence", 300), ("speech", 500), ("silence", 700)))
    paused = next(e for e in events if isinstance(e, SpeechPaused))
    ended = next(e for e in events if isinstance(e, SpeechEnded))
    assert (paused.pcm, paused.start_ms, paused.end_ms) == (
        ended.pcm,
        ended.start_ms,
        ended.end_ms,
    )


def test_speaker_who_goes_on_is_one_utterance() -> None:
    parts = [("silence", 300), ("speech", 300), ("silence", 400), ("speech", 300), ("silence", 600)]
    events = run(Endpointer(), script(*parts))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechResumed, SpeechPaused, SpeechEnded]
    assert isinstance(events[2], SpeechResumed)
    assert events[2].at_ms == 1000
    assert isinstance(events[-1], SpeechEnded)
    assert (events[-1].start_ms, events[-1].end_ms) == (300, 1300)


def test_hangover_belongs_to_the_question() -> None:
    digits = [("silence", 300), ("speech", 300), ("silence", 1000), ("speech", 300)]
    assert kinds(run(Endpointer(), script(*digits, ("silence", 1300)))).count(SpeechEnded) == 2
    patient = Endpointer()
    patient.expect(Pauses(hangover_ms=1200))
    assert kinds(run(patient, script(*digits, ("silence", 1300)))).count(SpeechEnded) == 1


def test_click_is_dropped() -> None:
    events = run(Endpointer(), script(("silence", 300), ("speech", 60), ("silence", 700)))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechDropped]
    assert run(Endpointer(), script(("silence", 300), ("speech", 40), ("silence", 700))) == []


def test_click_in_a_pause_does_not_prolong_it() -> None:
    parts = [("silence", 300), ("speech", 300), ("silence", 400), ("speech", 20), ("silence", 180)]
    events = run(Endpointer(), script(*parts))
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded]


def test_monologue_is_cut_and_goes_on() -> None:
    endpointer = Endpointer(EndpointSettings(max_ms=2000))
    ends = [
        e
        for e in run(endpointer, script(("silence", 300), ("speech", 5000)))
        if isinstance(e, SpeechEnded)
    ]
    assert len(ends) == 2
    assert all(e.cut and len(e.pcm) == 2000 // FRAME_MS * FRAME_BYTES for e in ends)
    assert endpointer.speaking


def test_flush_ends_a_paused_answer_at_once() -> None:
    endpointer = Endpointer()
    assert endpointer.flush() is None
    events = run(endpointer, script(("silence", 300), ("speech", 300), ("silence", 300)))
    paused = next(e for e in events if isinstance(e, SpeechPaused))
    ended = endpointer.flush()
    assert ended is not None
    assert (ended.pcm, ended.cut) == (paused.pcm, False)
    assert not endpointer.speaking
    assert run(endpointer, script(("silence", 1000))) == []


def test_flush_in_mid_speech_says_so() -> None:
    endpointer = Endpointer()
    run(endpointer, script(("silence", 300), ("speech", 300)))
    ended = endpointer.flush()
    assert ended is not None
    assert ended.cut


def test_steady_noise_taken_for_speech_by_the_detector_is_none() -> None:
    noise = np.random.default_rng(1).normal(0, 600, (1500, FRAME_BYTES // 2)).astype("<i2")
    events = run(Endpointer(), ((frame.tobytes(), True) for frame in noise))
    assert SpeechEnded not in kinds(events[2:])


def paused(endpointer: Endpointer, *parts: tuple[str, int]) -> SpeechPaused:
    """Feed `parts`, which end in a pause."""
    last = run(endpointer, script(*parts))[-1]
    assert isinstance(last, SpeechPaused)
    return last


SAID = (("silence", 300), ("speech", 300), ("silence", 100))


def test_a_clear_answer_ends_after_a_fifth_of_a_second() -> None:
    endpointer = Endpointer()
    pause = paused(endpointer, *SAID)
    assert endpointer.judge(pause, Verdict.CLEAR) == []
    assert run(endpointer, script(("silence", 80))) == []
    (ended,) = run(endpointer, script(("silence", 20)))
    assert isinstance(ended, SpeechEnded)
    assert (ended.pcm, ended.end_ms) == (pause.pcm, 600)
    assert endpointer.now_ms == 800


def test_a_clear_answer_known_late_ends_at_once() -> None:
    endpointer = Endpointer()
    pause = paused(endpointer, *SAID)
    assert endpointer.judge(pause, Verdict.PENDING) == []
    assert run(endpointer, script(("silence", 900))) == []  # nobody knows yet what was said
    assert kinds(endpointer.judge(pause, Verdict.CLEAR)) == [SpeechEnded]
    assert endpointer.judge(pause, Verdict.CLEAR) == []


@pytest.mark.parametrize(
    ("verdict", "ms"),
    [
        (Verdict.CLEAR, 200),
        (Verdict.OPEN, 600),
        (Verdict.INCOMPLETE, 2500),
        (Verdict.PENDING, 2500),  # recognition that never answers holds up nobody for longer
    ],
)
def test_the_words_say_how_long_to_wait(verdict: Verdict, ms: int) -> None:
    endpointer = Endpointer()
    endpointer.judge(paused(endpointer, *SAID), verdict)
    assert run(endpointer, script(("silence", ms - 100 - FRAME_MS))) == []
    assert kinds(run(endpointer, script(("silence", FRAME_MS)))) == [SpeechEnded]


def test_a_question_may_forbid_the_quick_end() -> None:
    endpointer = Endpointer(pauses=Pauses(quick=False))
    events = run(endpointer, script(("silence", 300), ("speech", 300), ("silence", 400)))
    (pause,) = [e for e in events if isinstance(e, SpeechPaused)]
    assert endpointer.judge(pause, Verdict.CLEAR) == []
    assert kinds(run(endpointer, script(("silence", 200)))) == [SpeechEnded]


def test_a_long_utterance_is_not_recognised_at_every_breath() -> None:
    endpointer = Endpointer()
    breath = [("speech", 1600), ("silence", 200)] * 3
    assert SpeechPaused not in kinds(run(endpointer, script(("silence", 300), *breath)))[3:]


WEAK = tone(0.006)
"""A syllable without stress, 30 dB under the others: the detector does not take it for speech."""


@pytest.mark.parametrize("after_ms", [40, 100, 160])
def test_a_weak_last_syllable_belongs_to_its_word(after_ms: int) -> None:
    """对的, 晓得: without their end they are written 3 and 下."""
    endpointer = Endpointer()
    tail = [(SILENCE, False)] * (after_ms // FRAME_MS) + [(WEAK, False)] * 6
    frames = [*script(("silence", 600), ("speech", 300)), *tail, *script(("silence", 700))]
    (ended,) = (e for e in run(endpointer, frames) if isinstance(e, SpeechEnded))
    assert ended.end_ms == 600 + 300 + after_ms + 120
    assert WEAK * 6 in ended.pcm


def test_what_dies_away_or_comes_late_prolongs_nothing() -> None:
    dying = [(tone(0.2 / 1.5**n), False) for n in range(1, 20)]
    late = [(SILENCE, False)] * 16 + [(WEAK, False)] * 6
    for tail in (dying, [(WEAK, False)] * 20, late):
        frames = [*script(("silence", 600), ("speech", 300)), *tail, *script(("silence", 700))]
        events = run(Endpointer(), frames)
        assert [e.end_ms for e in events if isinstance(e, SpeechEnded)] == [900]
        assert SpeechResumed not in kinds(events)


def test_words_of_a_pause_that_is_over_are_void() -> None:
    endpointer = Endpointer()
    first = paused(endpointer, *SAID)
    second = paused(endpointer, ("speech", 200), ("silence", 100))
    assert endpointer.judge(first, Verdict.CLEAR) == []
    assert run(endpointer, script(("silence", 300))) == []
    assert second.pcm.startswith(first.pcm)
    assert kinds(endpointer.judge(second, Verdict.CLEAR)) == [SpeechEnded]


def test_a_click_is_not_worth_recognising() -> None:
    assert paused(Endpointer(), ("silence", 300), ("speech", 60), ("silence", 100)).faint
    assert not paused(Endpointer(), *SAID).faint


VERDICTS = st.tuples(st.sampled_from(Verdict), st.integers(0, 40))


@given(
    st.lists(st.tuples(st.sampled_from(["silence", "speech"]), st.integers(1, 120))),
    st.lists(VERDICTS, min_size=1),
)
def test_any_verdict_at_any_time_loses_and_doubles_nothing(
    parts: list[tuple[str, int]], verdicts: list[tuple[Verdict, int]]
) -> None:
    """Verdicts come so many frames after their pause, or too late; events alternate, memory is
    bounded, and the sound of all utterances lies in the line's sound, in order, each once."""
    endpointer = Endpointer(EndpointSettings(max_ms=1000))
    frames = list(script(*((what, n * FRAME_MS) for what, n in parts)))
    line = b"".join(frame for frame, _ in frames)
    due: list[tuple[int, SpeechPaused, Verdict]] = []
    is_open, pause, until, count = False, None, 0, 0
    for now, (frame, speaking) in enumerate(frames):
        events = endpointer.feed(frame, speaking)
        for _, told, verdict in [d for d in due if d[0] == now]:
            events += endpointer.judge(told, verdict)
        for event in events:
            match event:
                case SpeechStarted():
                    assert not is_open
                    is_open, pause = True, None
                case SpeechPaused():
                    assert is_open and pause is None
                    pause = event
                    verdict, delay = verdicts[count % len(verdicts)]
                    count += 1
                    due.append((now + delay, event, verdict))
                case SpeechResumed():
                    assert is_open and pause is not None
                    pause = None
                case SpeechEnded():
                    assert is_open
                    assert event.cut or (pause is not None and pause.pcm == event.pcm)
                    assert len(event.pcm) <= 1000 // FRAME_MS * FRAME_BYTES
                    begin = event.pcm_start_ms // FRAME_MS * FRAME_BYTES
                    assert begin >= until
                    assert line[begin : begin + len(event.pcm)] == event.pcm
                    until = begin + len(event.pcm)
                    is_open = False
                case SpeechDropped():
                    assert is_open
                    is_open = False
    assert is_open == endpointer.speaking


def test_wrong_frames_and_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="320 bytes"):
        Endpointer().feed(b"\0" * 10, False)
    with pytest.raises(ValueError, match="320 bytes"):
        WebRtcVad().speaking(b"\0" * 10)
    with pytest.raises(ValueError, match="pause_ms"):
        EndpointSettings(pause_ms=300, clear_ms=200)
    with pytest.raises(ValueError, match="onset_frames"):
        EndpointSettings(onset_frames=6)


def test_noise_floor_follows_a_line_that_gets_louder() -> None:
    floor = NoiseFloor()
    quiet = [floor.update(-60.0) for _ in range(100)]
    assert quiet[-1] == pytest.approx(-60, abs=0.5)
    loud = [floor.update(-40.0) for _ in range(200)]
    assert loud[-1] == pytest.approx(-40, abs=0.5)
    assert level_db(SILENCE) == QUIETEST_DB
    assert level_db(LOUD) == pytest.approx(-17, abs=0.5)


def spoken(text: str, *, pitch: str = "50") -> NDArray[np.floating[Any]]:
    """Speech of espeak-ng at 8 kHz, -1..1: robotic, but it has onsets and pauses."""
    command = ["espeak-ng", "-v", "cmn-latn-pinyin", "-p", pitch, "--stdout", text]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(BytesIO(wav)) as file:
        rate = file.getframerate()
    # espeak cannot seek back in a pipe: the header's length is wrong, the sound begins at byte 44.
    sound = np.frombuffer(wav[44:], dtype="<i2").astype(np.float32) / 32768
    resampled: NDArray[np.floating[Any]] = soxr.resample(sound, rate, PHONE_RATE)
    return resampled


def heard(sound: NDArray[np.floating[Any]]) -> list[EndpointEvent]:
    """All events of one call through the real detector, between two seconds of the same line."""
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    vad, endpointer = WebRtcVad(), Endpointer()
    frames = (pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    return run(endpointer, ((frame, vad.speaking(frame)) for frame in frames))


@pytest.mark.models
@pytest.mark.parametrize("text", ["对", "好", "嗯", "是的", "不清楚", "转人工"])
@pytest.mark.parametrize("snr_db", [None, 20, 10])
def test_short_answers_are_caught_whole(text: str, snr_db: float | None) -> None:
    speech = np.trim_zeros(np.where(np.abs(spoken(text)) < 0.003, 0, spoken(text)))
    line = np.concatenate([np.zeros(2 * PHONE_RATE), speech, np.zeros(PHONE_RATE)])
    noise = np.random.default_rng(2).normal(0, 1, len(line))
    power = np.sqrt(np.mean(speech**2))
    line += noise * (power * 10 ** (-snr_db / 20) if snr_db else 0.0005)
    ends = [e for e in heard(line) if isinstance(e, SpeechEnded)]
    assert len(ends) == 1
    begins, ends_at = 2000, 2000 + len(speech) * 1000 / PHONE_RATE
    assert ends[0].start_ms - 240 <= begins + 20  # the pre-roll reaches back to the first sound
    assert ends[0].end_ms + 100 >= ends_at - 20
    assert ends[0].end_ms <= ends_at + 200


@pytest.mark.parametrize("level", [0.001, 0.01, 0.05])
def test_white_noise_is_no_speech(level: float) -> None:
    noise = np.random.default_rng(3).normal(0, level, 60 * PHONE_RATE)
    assert [e for e in heard(noise) if isinstance(e, SpeechEnded)] == []
