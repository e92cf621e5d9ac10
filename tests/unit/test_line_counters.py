"""Patience, barge-in and the jitter queue: small state machines over ticks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.frames import FRAME_BYTES, SILENCE, Silence
from voice.jitter import MAX_FRAMES, TARGET_FRAMES, Jitter
from voice.patience import BargeIn, Courtesy, Patience

LOUD = np.full(160, 5000, dtype="<i2").tobytes()


def waited(patience: Patience, quiet: list[bool]) -> list[int]:
    """The ticks in which patience ran out."""
    return [n for n, q in enumerate(quiet) if patience.tick(quiet=q, now_ms=n * 20)]


def test_nothing_expected_no_silence() -> None:
    assert waited(Patience(), [True] * 100) == []


def test_patience_runs_out_once() -> None:
    patience = Patience()
    patience.expect(0.1)
    assert waited(patience, [True] * 100) == [4]


def test_it_starts_anew_after_every_sound() -> None:
    patience = Patience()
    patience.expect(0.1)
    assert waited(patience, [True] * 4 + [False] + [True] * 4 + [False] + [True] * 20) == [14]


def test_a_key_starts_it_anew_and_a_second_listen_replaces_the_first() -> None:
    patience = Patience()
    patience.expect(0.1)
    assert waited(patience, [True] * 4) == []
    patience.again()
    assert waited(patience, [True] * 4) == []
    patience.expect(0.2)
    assert patience.tick(quiet=True, now_ms=0) is None
    assert waited(patience, [True] * 20) == [8]


def test_it_says_how_long_it_waited() -> None:
    patience = Patience()
    patience.expect(0.04)
    patience.tick(quiet=True, now_ms=0)
    assert patience.tick(quiet=True, now_ms=20) == Silence(20, 0.04)


def fired(barge_in: BargeIn, voice: list[bool], over: list[bool]) -> list[int]:
    pairs = zip(voice, over, strict=True)
    return [n for n, (v, o) in enumerate(pairs) if barge_in.tick(voice=v, over=o)]


def test_steady_speech_stops_a_clause_within_140_ms_of_its_detection() -> None:
    assert fired(BargeIn(), [True] * 15, [True] * 15)[0] * 20 < 140


def test_a_short_sound_does_not() -> None:
    voice = [True] * 6 + [False] * 30
    assert fired(BargeIn(), voice * 3, [True] * len(voice) * 3) == []


def test_speech_with_gaps_does() -> None:
    voice = [True, True, True, False] * 10
    assert fired(BargeIn(), voice, [True] * 40) != []


def test_only_speech_over_the_clause_counts() -> None:
    over = [False] * 20 + [True] * 20
    assert fired(BargeIn(), [True] * 40, over)[0] >= 20 + 6


def test_whoever_is_not_sure_is_asked_again_while_the_voice_lasts() -> None:
    first, *later = fired(BargeIn(), [True] * 20, [True] * 20)
    assert later == list(range(first + 3, 20, 3))


def test_what_was_nothing_to_stop_for_is_forgotten() -> None:
    barge_in = BargeIn()
    first = fired(barge_in, [True] * 20, [True] * 20)[0]
    barge_in.forget()
    assert fired(barge_in, [True] * 20, [True] * 20)[0] == first


@given(st.lists(st.binary(max_size=1000).map(lambda b: b + b), max_size=40))
def test_jitter_keeps_every_byte_in_order(pieces: list[bytes]) -> None:
    jitter, out = Jitter(), b""
    for piece in pieces:
        jitter.push(piece)
        while (frame := jitter.pop()) is not None:
            assert len(frame) == FRAME_BYTES
            out += frame
    sent = b"".join(pieces)
    assert sent.startswith(out)
    assert len(sent) - len(out) < FRAME_BYTES


def test_an_empty_queue_has_no_frame() -> None:
    assert Jitter().pop() is None


def test_speech_is_never_skipped_but_silence_is_when_behind() -> None:
    jitter = Jitter()
    for frame in [SILENCE] * 20 + [LOUD] * 20 + [SILENCE] * 20:
        jitter.push(frame)
    out = []
    while (frame := jitter.pop()) is not None:
        out.append(frame)
    assert out.count(LOUD) == 20
    assert out.count(SILENCE) == TARGET_FRAMES
    assert jitter.skipped == 40 - TARGET_FRAMES


def test_a_queue_in_step_skips_nothing() -> None:
    jitter = Jitter()
    for _ in range(100):
        jitter.push(SILENCE)
        assert jitter.pop() == SILENCE
    assert jitter.skipped == 0


def test_it_says_when_it_is_full() -> None:
    jitter = Jitter()
    jitter.push(LOUD * (MAX_FRAMES - 1))
    assert not jitter.full
    jitter.push(LOUD)
    assert jitter.full


def test_courtesy_has_an_end_and_begins_anew_with_the_next_words() -> None:
    courtesy = Courtesy(most_ms=200)
    assert [courtesy.tick(talking=True) for _ in range(50)].count(True) == 9
    assert not courtesy.tick(talking=False)
    assert courtesy.tick(talking=True)
    courtesy.waive()
    assert not courtesy.tick(talking=True)
